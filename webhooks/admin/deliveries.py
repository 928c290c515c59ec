"""The pages of deliveries, the bodies they carry and the attempts that were made."""

import json

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import crypto
from core.admin import Neighbour, RecordAdmin, as_json, identity, leading, linked, pretty
from core.filters import among, by_day, by_state
from events.event import CATALOGUE
from webhooks.admin.states import ANSWERS, DELIVERY_STATES, ERRORS, LANES
from webhooks.models import Attempt, Body, Delivery

# Of a request's headers these are ours; the others are the customer's, and often passwords.
OURS = ("webhook-", "dexra-", "x-chatwoot-", "content-", "user-agent")
EVENT = leading("evt", "event_id", "event")


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    """What is on its way to endpoints, and what became of it."""

    found_by = {"whd": "pk", "evt": "event_id", "whe": "endpoint", "conv": "conversation_id"}
    within = ("endpoint", "event_id", "conversation_id")
    neighbours = (Neighbour("Attempts", Attempt, "delivery_id"),)
    list_display = (
        identity, "type", linked("endpoint"), "state", "tries", "last_status", "last_error", "next_attempt_at",
        "created_at",
    )  # fmt: skip
    list_filter = (
        by_state("state", DELIVERY_STATES),
        by_state("lane", LANES),
        among("type", ask=lambda: CATALOGUE),
        among("last_error", *ERRORS),
        by_day("created_at"),
        "trigger",
        "livemode",
        "rehearsal",
    )
    related = ("endpoint",)
    search_help_text = "A whd_…, evt_…, whe_… or conv_… id."
    shown = (
        identity, EVENT, "type", "event_at", "endpoint", leading("conv", "conversation_id", "conversation"),
        "livemode", "rehearsal", "state", "trigger", "next_attempt_at", "attempts", "tries", "claims", "lease_token",
        "lease_until", "extra", "returns_to", "returns_at", "last_status", "last_error", "created_at", "finished_at",
    )  # fmt: skip


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    """Requests that were made: what came back is on an attempt's own page."""

    found_by = {"whd": "delivery_id", "whe": "endpoint_id", "evt": "event_id"}
    within = ("delivery_id", "endpoint_id")
    list_display = (
        "id", leading("whd", "delivery_id", "delivery"), "n", "sent_at", "status_code", "error_class", "duration_ms",
        "remote_ip", "url",
    )  # fmt: skip
    list_filter = (
        by_state("answer", ANSWERS),
        among("error_class", *ERRORS),
        by_day("sent_at"),
        "trigger",
    )
    search_help_text = "A whd_… or a whe_… id."
    shown = (
        leading("whd", "delivery_id", "delivery"), leading("whe", "endpoint_id", "endpoint"), EVENT, "n", "trigger",
        "sent_at", "duration_ms", "url", "remote_ip", "status_code", "error_class", "sent", pretty("response_headers"),
        "answer",
    )  # fmt: skip

    @admin.display(description="request headers")
    def sent(self, attempt: Attempt) -> SafeString:
        """Show our own headers, and name the customer's."""
        headers = attempt.request_headers.items()
        return as_json({name: value if name.lower().startswith(OURS) else crypto.MASK for name, value in headers})

    @admin.display(description="answer")
    def answer(self, attempt: Attempt) -> SafeString | str:
        """Show what came back, as it came."""
        return format_html('<pre class="json">{}</pre>', attempt.response_body) if attempt.response_body else "-"


@admin.register(Body)
class BodyAdmin(RecordAdmin):
    """What was said about each event, on its own page."""

    found_by = {"evt": "event_id", "conv": "conversation_id"}
    within = ("event_id", "conversation_id")
    list_display = (EVENT, "type", "dialect", "event_at", "sequence")
    list_filter = ("dialect", among("type", ask=lambda: CATALOGUE), by_day("event_at"))
    ordering = ("-event_id",)
    search_help_text = "An evt_… or a conv_… id."
    shown = (
        EVENT, "type", "dialect", "event_at", leading("conv", "conversation_id", "conversation"),
        leading("usr", "contact_id", "person"), "sequence", "size", "said",
    )  # fmt: skip

    @admin.display(description="size")
    def size(self, body: Body) -> str:
        """Say how long it is."""
        return filesizeformat(len(body.content))

    @admin.display(description="content")
    def said(self, body: Body) -> SafeString | str:
        """Show it indented; what is sent has no spaces."""
        return as_json(json.loads(bytes(body.content))) if body.content else "Erased, with the person it was about."
