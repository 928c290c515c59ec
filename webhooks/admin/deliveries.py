"""The pages of deliveries, the bodies they carry and the attempts that were made."""

import json

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import crypto, ids
from core.admin import Neighbour, Page, RecordAdmin, as_json, identity, leading, linked, pretty, to_find
from core.filters import among, by_day, by_state
from webhooks import queries
from webhooks.admin.inspection import inspect
from webhooks.admin.operations import ON_DELIVERY
from webhooks.admin.states import ANSWERS, DELIVERY_STATES, ERRORS, LANES, types
from webhooks.admin.timeline import draw
from webhooks.models import Attempt, Body, Delivery, Health, Secret
from webhooks.serializers import reason_of, state_of

# Of a request's headers these are ours; the others are the customer's, and often passwords.
OURS = ("webhook-", "dexra-", "x-chatwoot-", "content-", "user-agent")
MOST_DRAWN = 50
TIMELINE = Page("Timeline", "timeline")
EVENT = leading("evt", "event_id", "event")


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    """What is on its way to endpoints, and what became of it."""

    operations = ON_DELIVERY
    found_by = {"whd": "pk", "evt": "event_id", "whe": "endpoint", "conv": "conversation_id"}
    within = ("endpoint", "event_id", "conversation_id")
    neighbours = (TIMELINE, Neighbour("Webhook attempts", Attempt, "delivery_id"))
    list_display = (
        identity, "timeline", "type", linked("endpoint"), "standing", "tries", "last_answer", "next_attempt_at",
        "created_at",
    )  # fmt: skip
    list_filter = (
        by_state("state", DELIVERY_STATES),
        by_state("lane", LANES),
        among("type", ask=types),
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
        "livemode", "rehearsal", "standing", "reason", "trigger", "next_attempt_at", "attempts", "tries", "claims",
        "lease_token", "lease_until", "extra", "returns_to", "returns_at", "last_status", "last_error", "created_at",
        "finished_at",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """Add the timeline."""
        view = self.admin_site.admin_view(self.timeline_view)
        return [path("<path:object_id>/timeline/", view, name="webhooks_delivery_timeline"), *super().get_urls()]

    @admin.display(description="timeline")
    def timeline(self, delivery: Delivery) -> SafeString:
        """Lead to its timeline."""
        return format_html('<a href="{}">timeline</a>', TIMELINE.url(delivery))

    @admin.display(description="state", ordering="state")
    def standing(self, delivery: Delivery) -> str:
        """Say where it stands, as its owner is told."""
        return state_of(delivery)

    @admin.display(description="canceled because")
    def reason(self, delivery: Delivery) -> str:
        """Say why it is not made any more."""
        reason = reason_of(delivery)
        return str(Delivery.Canceled(reason).label) if reason else "-"

    @admin.display(description="last answer")
    def last_answer(self, delivery: Delivery) -> str:
        """Say what came back last, or why nothing did."""
        return str(delivery.last_status or delivery.last_error or "-")

    def timeline_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Draw one delivery; ``?attempt=2`` inspects the signature of that attempt, not of the last."""
        delivery = self.get_object(request, unquote(object_id))
        if delivery is None:
            raise Http404
        made = queries.attempts_of([delivery])[delivery.pk][-MOST_DRAWN:]
        secrets = queries.sealed(Secret.unscoped.filter(endpoint=delivery.endpoint_id).order_by("-pk"))
        body = queries.body_of(delivery)
        chosen = next((each for each in made if str(each.n) == request.GET.get("attempt")), made[-1] if made else None)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Timeline of {delivery.public_id}",
            "opts": self.opts,
            "delivery": delivery,
            "event": to_find(ids.encode("evt", delivery.event_id)),
            "tenant": delivery.environment,
            "operations": self.operations_on(request, delivery),
            "timeline": draw(delivery, made, Health.unscoped.filter(endpoint=delivery.endpoint_id).first()),
            "unseen": max(delivery.tries - len(made), 0),
            "inspected": inspect(delivery, chosen, body, secrets) if chosen else None,
            "body": body.decode() if body else "",
            "gone": "" if body else _gone(body),
            "indented": as_json(json.loads(body)) if body else "",
        }
        return TemplateResponse(request, "admin/webhooks/delivery/timeline.html", context)


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    """Requests that were made: what came back is on an attempt's own page."""

    found_by = {"whd": "delivery_id", "whe": "endpoint_id", "evt": "event_id"}
    within = ("delivery_id", "endpoint_id", "event_id")
    list_display = (
        "id", leading("whd", "delivery_id", "delivery"), "n", "sent_at", "status_code", "error_class", "duration_ms",
        "remote_ip", leading("whe", "endpoint_id", "endpoint"),
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
        "sent_at", "duration_ms", "url", "remote_ip", "status_code", "error_class", "error_detail", "sent",
        pretty("response_headers"), "answer",
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
    list_filter = ("dialect", among("type", ask=types), by_day("event_at"))
    ordering = ("-event_id",)
    search_help_text = "An evt_… or a conv_… id."
    shown = (
        EVENT, "type", "dialect", "event_at", leading("conv", "conversation_id", "conversation"),
        leading("usr", "contact_id", "person"), "sequence", "size", "said",
    )  # fmt: skip

    @admin.display(description="size")
    def size(self, body: Body) -> str:
        """Say how long it is."""
        return filesizeformat(len(body.content)) if body.content else "-"

    @admin.display(description="content")
    def said(self, body: Body) -> SafeString | str:
        """Show it indented; what is sent has no spaces."""
        return as_json(json.loads(bytes(body.content))) if body.content else _gone(b"")


def _gone(content: bytes | None) -> str:
    """Say why there is no body, which is None or empty."""
    if content is None:
        return "It is too old to be kept."
    return "It was erased with the person it was about."
