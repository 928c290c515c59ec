"""The pages of messages on their way, and of the attempts at them."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin import Page, RecordAdmin, as_json, leading, linked, pretty, to_find
from core.filters import among, by_day
from inboxes.channels.outcomes import FAILURES
from outbound.admin import story
from outbound.admin.operations import ON_DISPATCH
from outbound.models import Attempt, Dispatch

MOST_TOLD = 50
TIMELINE = Page("Timeline", "timeline")
MESSAGE = leading("msg", "message_id", "message")


@admin.register(Dispatch)
class DispatchAdmin(RecordAdmin):
    """Messages on their way to providers. What is said is on the message's own page."""

    operations = ON_DISPATCH
    found_by = {"msg": "message", "conv": "conversation", "usr": "contact", "inb": "inbox"}
    within = ("inbox", "conversation", "contact")
    neighbours = (TIMELINE,)
    list_display = (
        MESSAGE, "timeline", linked("inbox"), "address", "state", "tries", "last_code", "created_at",
    )  # fmt: skip
    list_filter = (
        among("state", *Dispatch.State.values),
        by_day("created_at"),
        "lane",
        among("category", "transactional", "authentication", "utility", "marketing"),
        "livemode",
        among("last_code", *FAILURES),
    )
    related = ("inbox", "message")
    search_fields = ("=address", "=provider_id")
    search_help_text = "A whole address or provider's id, or a msg_…, conv_…, usr_… or inb_… id."
    shown = (
        MESSAGE, "conversation", "contact", "inbox", "livemode", "address", "category", "lane", "guarantee",
        "state", "next_attempt_at", "attempts", "tries", "last_code", "last_detail", "provider_id", "retry_key",
        "lease_token", "lease_until", "resolve_at", "lookups", "send_at", "expires_at", "reply_to",
        pretty("adaptations"), pretty("overrides"), pretty("fallback"), "fallback_of", "fallback_at",
        "fallback_taken_at", "delivered_via", "created_at", "finished_at",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """Add the timeline."""
        view = self.admin_site.admin_view(self.timeline_view)
        return [path("<path:object_id>/timeline/", view, name="outbound_dispatch_timeline"), *super().get_urls()]

    def name_of(self, row: Dispatch) -> str:
        """Name it as its message."""
        return row.message.public_id

    @admin.display(description="timeline")
    def timeline(self, dispatch: Dispatch) -> SafeString:
        """Lead to its timeline."""
        return format_html('<a href="{}">timeline</a>', TIMELINE.url(dispatch))

    def timeline_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell one message's way."""
        dispatch = self.get_object(request, unquote(object_id))
        if dispatch is None:
            raise Http404
        made = list(Attempt.unscoped.filter(dispatch=dispatch).order_by("-n")[:MOST_TOLD])[::-1]
        requests = [each.request for each in made if each.request]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Timeline of {dispatch.message.public_id}",
            "opts": self.opts,
            "dispatch": dispatch,
            "message": to_find(dispatch.message.public_id),
            "tenant": dispatch.environment,
            "operations": self.operations_on(request, dispatch),
            "steps": story.tell(dispatch, made),
            "next": story.what_next(dispatch),
            "tone": story.STATUSES.get(dispatch.message.status, ""),
            "unseen": max(dispatch.tries - len(made), 0),
            "request_shown": as_json(requests[-1]) if requests else "",
        }
        return TemplateResponse(request, "admin/outbound/dispatch/timeline.html", context)


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    """Single tries at sending; a sandbox's show what would have been sent."""

    within = ("dispatch",)
    list_display = (
        "id", linked("dispatch"), "n", "state", "code", "provider_code", "status_code", "started_at",
    )  # fmt: skip
    list_filter = (among("state", *Attempt.State.values), among("code", *FAILURES), by_day("started_at"))
    related = ("dispatch",)
    search_fields = ("=dispatch__address", "=dispatch__provider_id")
    search_help_text = "A whole address, or what the provider calls the message."
    shown = (
        "dispatch", "n", "state", "started_at", "ended_at", "code", "detail", "provider_code", "status_code",
        pretty("request", "what would have been sent"),
    )  # fmt: skip
