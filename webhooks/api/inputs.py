"""What may be asked of endpoints, deliveries and replays."""

from typing import Any

from rest_framework import serializers

from core import fields
from core.shapes import PageQuery
from webhooks.models import MOST_IN_FLIGHT, Delivery, Endpoint
from webhooks.serializers import HELD
from webhooks.services import rehearsals, replays, secrets
from webhooks.transport.targets import LONGEST_URL

MOST_EVENTS = 50


class EndpointSettings(serializers.Serializer[Any]):
    """What can be changed about an endpoint."""

    url = fields.Text(required=False, longest=LONGEST_URL, help_text="https; in the sandbox http too.")
    events = fields.Words(
        required=False, most=MOST_EVENTS, longest=60, help_text="The types it wants to be told of; empty: all."
    )
    description = fields.Clearable(required=False, longest=255)
    custom_headers = fields.Object(
        required=False, help_text="Sent with every delivery. Merged by name; null removes one. Shown masked."
    )
    max_in_flight = fields.Whole(
        required=False, min_value=1, max_value=100,
        help_text=f"How many deliveries may be under way at once; {MOST_IN_FLIGHT} unless told.",
    )  # fmt: skip
    rate_per_second = fields.Number(
        required=False, allow_null=True, min_value=0.1, max_value=1000, help_text="At most so many a second; null: any."
    )
    captures = fields.Flag(required=False, help_text="Sandbox only: requests are made, signed and shown, but not sent.")

    def validate_events(self, events: list[str]) -> list[str]:
        """Keep each type once."""
        return list(dict.fromkeys(events))


class CreateEndpoint(EndpointSettings):
    """A new endpoint."""

    hinges = {"events": "dialect", "signature": "dialect"}

    url = fields.Text(longest=LONGEST_URL, help_text="https; in the sandbox http too.")
    dialect = fields.Choice(
        choices=Endpoint.Dialect.choices, required=False, help_text="How bodies are written; never changes."
    )
    signature = fields.Choice(
        choices=Endpoint.Signature.choices, required=False,
        help_text="`v1`: HMAC-SHA256 with a secret of yours; `v1a`: Ed25519, checked with a public key. Never changes.",
    )  # fmt: skip


class ChangeEndpoint(EndpointSettings):
    """What can be changed about an endpoint; what is left out stays as it is."""

    hinges = {"held": "state"}

    state = fields.Choice(
        choices=Endpoint.State.choices, required=False, help_text="What happens while it is not active is held for it."
    )
    held = fields.Choice(
        choices=["resume", "skip"], required=False,
        help_text="With state active: send what was held, or cancel it. "
        "Left out, what is younger than 72 hours is sent and the rest canceled.",
    )  # fmt: skip


class RotateSecret(serializers.Serializer[Any]):
    """How long the old secret goes on."""

    grace_seconds = fields.Whole(
        required=False, default=secrets.GRACE_SECONDS, min_value=0, max_value=secrets.LONGEST_GRACE_SECONDS,
        help_text=f"{secrets.GRACE_SECONDS} unless told; 0: every old secret stops at once.",
    )  # fmt: skip


class Range(serializers.Serializer[Any]):
    """Which time is meant: by when things happened, not by when they were sent."""

    since = fields.Moment(help_text=f"At most {replays.LONGEST_REACH.days} days ago.")
    until = fields.Moment(required=False, help_text="Now, unless told.")


class DeliveriesQuery(PageQuery):
    """Which deliveries to list; every filter given has to match."""

    endpoint = fields.QueryText(required=False, help_text="An endpoint's id: `whe_...`.")
    event = fields.QueryText(required=False, help_text="An event's id: `evt_...`.")
    state = fields.Choice(
        choices=[*Delivery.State.values, HELD], required=False,
        help_text="`held`: it waits, and its endpoint is paused or disabled.",
    )  # fmt: skip
    before = fields.Moment(required=False, help_text="Made before this time.")
    after = fields.Moment(required=False, help_text="Made at or after this time.")


class DeliveryQuery(serializers.Serializer[Any]):
    """What to show of a delivery besides."""

    include = fields.Choice(
        choices=["curl"], required=False,
        help_text="`curl` adds a command that sends the same event again, signed anew: it is good for five minutes.",
    )  # fmt: skip


class Redeliver(serializers.Serializer[Any]):
    """What to rehearse."""

    mode = fields.Choice(choices=Delivery.Rehearsal.choices)
    endpoint_id = fields.Text(
        required=False, longest=60, help_text="Every active endpoint that wants the event's type, unless told."
    )
    delay_seconds = fields.Whole(
        required=False, min_value=1, max_value=rehearsals.LONGEST_DELAY_SECONDS,
        help_text=f"With mode `delay`; {rehearsals.DELAY_SECONDS} unless told.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a delay where nothing is delayed."""
        if "delay_seconds" in attrs and attrs["mode"] != Delivery.Rehearsal.DELAY:
            raise serializers.ValidationError({"delay_seconds": "This goes with mode delay."}, code="out_of_place")
        return attrs
