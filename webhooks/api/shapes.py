"""Endpoints, deliveries and replays, as the API reference describes them."""

from typing import Any

from rest_framework import serializers

from webhooks.models import Delivery, Endpoint, Replay
from webhooks.serializers import ERASED, HELD, REFUSAL, SUCCESS, TOO_OLD


class EndpointHealth(serializers.Serializer[Any]):
    """How an endpoint has been doing."""

    consecutive_failures = serializers.IntegerField()
    failing_since = serializers.DateTimeField(allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_failure_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField(
        allow_null=True, help_text="The `error_class` of the last failure, until something arrives."
    )
    signing_failed_at = serializers.DateTimeField(
        allow_null=True, help_text="When we last failed to sign: our fault, it cost no attempt, and we try again."
    )
    hold_until = serializers.DateTimeField(allow_null=True, help_text="Nothing is sent before.")
    in_flight_cap = serializers.IntegerField(help_text="How many are sent at once at present; it adapts.")


class WebhookEndpointShape(serializers.Serializer[Any]):
    """A URL of yours that is told what happens."""

    id = serializers.CharField(help_text="`whe_...`")
    object = serializers.ChoiceField(choices=["webhook_endpoint"])
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    description = serializers.CharField()
    state = serializers.ChoiceField(choices=Endpoint.State.choices)
    disabled_reason = serializers.ChoiceField(choices=Endpoint.Reason.choices, allow_null=True)
    dialect = serializers.ChoiceField(choices=Endpoint.Dialect.choices)
    signature = serializers.ChoiceField(choices=Endpoint.Signature.choices)
    public_key = serializers.CharField(allow_null=True, help_text="`whpk_...` checks signatures of kind `v1a`.")
    custom_headers = serializers.DictField(child=serializers.CharField(), help_text="Values are masked.")
    max_in_flight = serializers.IntegerField()
    rate_per_second = serializers.FloatField(allow_null=True)
    captures = serializers.BooleanField()
    inbox_id = serializers.CharField(allow_null=True, help_text="The inbox whose `webhook_url` this is.")
    health = EndpointHealth()
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    secret = serializers.CharField(
        required=False, help_text="`whsec_...`, only in the answer that makes or rotates it: keep it."
    )


class WebhookAttempt(serializers.Serializer[Any]):
    """One request that was made, and what came back."""

    n = serializers.IntegerField()
    trigger = serializers.ChoiceField(choices=Delivery.Trigger.choices)
    sent_at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField()
    url = serializers.CharField()
    status_code = serializers.IntegerField(allow_null=True)
    error_class = serializers.CharField(allow_null=True, help_text="Why it failed; null for a 2xx.")
    error_detail = serializers.CharField(
        allow_null=True, help_text="What was wrong with a certificate, a name or a connection, where that is known."
    )
    remote_ip = serializers.CharField(allow_null=True)
    response_body = serializers.CharField(help_text="At most 16 KiB are kept; lists show 1,000 characters.")
    request_headers = serializers.DictField(required=False, help_text="Not in lists. Your own headers are masked.")
    response_headers = serializers.DictField(required=False, help_text="Not in lists.")


class Rehearsal(serializers.Serializer[Any]):
    """What a delivery in the sandbox did on purpose, and whether the receiver took it as it should."""

    mode = serializers.ChoiceField(choices=Delivery.Rehearsal.choices)
    expected = serializers.ChoiceField(choices=[SUCCESS, REFUSAL], help_text="A refusal is any 4xx.")
    passed = serializers.BooleanField(allow_null=True, help_text="null until the endpoint has answered.")


class WebhookDeliveryShape(serializers.Serializer[Any]):
    """One event on its way to one endpoint."""

    id = serializers.CharField(help_text="`whd_...`")
    object = serializers.ChoiceField(choices=["webhook_delivery"])
    event_id = serializers.CharField(help_text="`evt_...`, sent as `webhook-id` with every attempt.")
    endpoint_id = serializers.CharField()
    type = serializers.CharField()
    state = serializers.ChoiceField(choices=[*Delivery.State.values, HELD])
    canceled_reason = serializers.ChoiceField(
        choices=Delivery.Canceled.choices, allow_null=True, help_text="Why it is `canceled`; else null."
    )
    rehearsal = Rehearsal(allow_null=True)
    attempts = WebhookAttempt(many=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class WholeWebhookDelivery(WebhookDeliveryShape):
    """One event on its way to one endpoint, with what is sent."""

    body = serializers.CharField(allow_null=True, help_text="The very text that is signed; null once it is gone.")
    body_gone = serializers.ChoiceField(
        choices=[ERASED, TOO_OLD], allow_null=True, help_text="Why there is no body, and nothing to send again."
    )
    curl = serializers.CharField(required=False, allow_null=True, help_text="Only with `include=curl`.")


class WebhookReplayShape(serializers.Serializer[Any]):
    """A range of events that is sent to an endpoint again, a few at a time beside what is new."""

    id = serializers.CharField(help_text="`whr_...`")
    object = serializers.ChoiceField(choices=["webhook_replay"])
    endpoint_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=Replay.Kind.choices)
    state = serializers.ChoiceField(choices=Replay.State.choices)
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    queued = serializers.IntegerField(help_text="How many were taken up so far.")
    livemode = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RehearsedDeliveries(serializers.Serializer[Any]):
    """What is being sent."""

    data = WebhookDeliveryShape(many=True)  # type: ignore[assignment]  # a shape is never filled, it has no ``data``
