"""What operators see of the event log, which knows no account by name, and of what they did themselves."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts.models import Environment
from core import ids
from core.admin import Neighbour, RecordAdmin, linked, named_tenant, pretty, to_find
from core.filters import among, by_day, by_state
from events.backlog import LATE_SECONDS
from events.event import CATALOGUE, ID_PREFIX
from events.models import LoggedEvent
from webhooks.models import Body, Delivery


def _late(events: QuerySet[Any]) -> QuerySet[Any]:
    since = timezone.now() - timedelta(seconds=LATE_SECONDS)
    return events.filter(position__isnull=True, occurred_at__lt=since)


PLACES = {
    "told": ("Told", lambda events: events.filter(position__isnull=False)),
    "pending": ("Pending", lambda events: events.filter(position__isnull=True)),
    "late": (f"Pending for more than {LATE_SECONDS} s", _late),
}


@admin.register(LoggedEvent)
class LoggedEventAdmin(RecordAdmin):
    """Everything that happened: what of it waits, and what it said, on its own page."""

    found_by = {"evt": "pk", "conv": "conversation_id"}
    within = ("environment_id", "conversation_id")
    neighbours = (
        Neighbour("Webhook deliveries", Delivery, "event_id"),
        Neighbour("Webhook bodies", Body, "event_id"),
    )
    list_display = ("event_id", "type", "occurred_at", "place", "conversation", "actor_type", "tenant")
    list_filter = (
        by_state("place", PLACES, title="place in the feed"),
        among("type", ask=lambda: CATALOGUE),
        by_day("occurred_at"),
        among("actor_type", "user", "agent", "ai", "api", "system"),
        "livemode",
    )
    search_help_text = "An evt_… or a conv_… id."
    shown = (
        "event_id", "tenant", "type", "occurred_at", "place", "about", "sequence", "actor", "livemode", "api_version",
        pretty("data"), pretty("context"),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch the account's name along with each event."""
        environment = Environment.objects.filter(pk=OuterRef("environment_id"))
        rows: QuerySet[Any] = super().get_queryset(request)
        name, kind = Subquery(environment.values("account__name")), Subquery(environment.values("kind"))
        named: QuerySet[Any] = rows.annotate(account_name=name, kind=kind)
        return named

    def name_of(self, row: LoggedEvent) -> str:
        """Name it as the API does."""
        return self.event_id(row)

    def tenant_of(self, row: LoggedEvent) -> Environment | None:
        """Find its environment."""
        return Environment.objects.select_related("account").filter(pk=row.environment_id).first()

    @admin.display(description="id", ordering="pk")
    def event_id(self, event: LoggedEvent) -> str:
        """Name it as the API does."""
        return ids.encode(ID_PREFIX, event.pk)

    @admin.display(description="tenant", ordering="environment_id")
    def tenant(self, event: Any) -> SafeString | str:
        """Name the account and the environment."""
        if event.account_name is None:
            return f"environment {event.environment_id}, which is gone"
        url = reverse("admin:accounts_environment_change", args=[event.environment_id])
        return named_tenant(event.account_name, event.kind, url)

    @admin.display(description="place", ordering="position")
    def place(self, event: LoggedEvent) -> SafeString | int:
        """Say its place in the feed, or that it has none yet."""
        return event.position or mark_safe('<span class="badge warn">pending</span>')

    @admin.display(description="conversation", ordering="conversation_id")
    def conversation(self, event: LoggedEvent) -> SafeString | str:
        """Lead to its conversation."""
        return to_find(ids.encode("conv", event.conversation_id)) if event.conversation_id else "-"

    @admin.display(description="actor", ordering="actor_id")
    def actor(self, event: LoggedEvent) -> SafeString | str:
        """Say who made it happen."""
        return format_html("{} {}", event.actor_type, to_find(event.actor_id) if event.actor_id else "")

    @admin.display(description="about")
    def about(self, event: LoggedEvent) -> SafeString | str:
        """Lead to everything it tells about."""
        named = [ids.encode("conv", event.conversation_id)] if event.conversation_id else []
        told = (event.data.get(kind) for kind in ("message", "user"))
        named += [str(each["id"]) for each in told if isinstance(each, dict) and "id" in each]
        return format_html_join(" · ", "{}", ((to_find(public_id),) for public_id in named)) or "-"


@admin.register(LogEntry)
class LogEntryAdmin(RecordAdmin):
    """What operators did here, to whatever it was."""

    list_display = ("action_time", linked("user", "operator"), "change_message", "kind", "object_repr")
    list_filter = ("content_type",)
    related = ("user", "content_type")
    search_fields = ("=user__email", "object_repr")
    search_help_text = "An operator's e-mail address, or what it was done to."
    shown = ("action_time", "user", "change_message", "content_type", "object_id", "object_repr")

    @admin.display(description="of")
    def kind(self, entry: LogEntry) -> str:
        """Say what kind of thing it was done to."""
        return str(entry.content_type)
