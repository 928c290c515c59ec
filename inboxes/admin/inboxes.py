"""The pages of inboxes. Tokens and secret settings stay hidden."""

from datetime import datetime

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import crypto
from core.admin import RecordAdmin, as_json, identity, pretty
from core.filters import by_state
from inboxes import channels
from inboxes.admin.operations import ON_INBOX
from inboxes.models import Inbox, InboxHealth

STATES = {
    "open": ("Open", lambda inboxes: inboxes.filter(deleted_at__isnull=True)),
    "closed": ("Closed", lambda inboxes: inboxes.filter(deleted_at__isnull=False)),
    "disconnected": ("Disconnected", lambda inboxes: inboxes.filter(health__state="disconnected")),
    "not_called": (
        "Provider not told where to call",
        lambda inboxes: inboxes.filter(health__callback_state__in=["pending", "failed"], deleted_at__isnull=True),
    ),
}


@admin.register(Inbox)
class InboxAdmin(RecordAdmin):
    """Inboxes."""

    operations = ON_INBOX
    found_by = {"inb": "pk"}
    list_display = (identity, "name", "channel", "identifier", "is_open", "standing", "created_at")
    list_filter = (by_state("state", STATES), "channel", "hmac_mandatory")
    search_fields = ("=identifier", "name")
    search_help_text = "A name, an identifier, or an inb_… id."
    related = ("health",)
    shown = (
        identity, "name", "channel", "identifier", "is_open", "standing", "callback", "last_callback", "last_sent",
        "hmac_mandatory", "token", "shown_settings", "time_zone",
        "working_hours_enabled", pretty("working_hours"), "out_of_office_message", "greeting_enabled",
        "greeting_message", "csat_survey_enabled", "lock_to_single_conversation", "created_at", "updated_at",
        "deleted_at",
    )  # fmt: skip

    @admin.display(boolean=True, description="open")
    def is_open(self, inbox: Inbox) -> bool:
        """Whether it still answers."""
        return inbox.deleted_at is None

    @admin.display(description="provider")
    def standing(self, inbox: Inbox) -> SafeString | str:
        """Say how it gets on with its provider."""
        health = _health(inbox)
        if health is None:
            return "-"
        if health.state == InboxHealth.State.CONNECTED:
            return "Connected"
        told = f"{health.code}: {health.detail}" if health.detail else health.code
        return format_html('<span class="badge warn">disconnected</span> {}', told)

    @admin.display(description="callback")
    def callback(self, inbox: Inbox) -> str:
        """Say where the provider calls, and whether it knows."""
        health = _health(inbox)
        if health is None or health.callback_state == InboxHealth.CallbackState.NONE:
            return "-"
        why = f" ({health.callback_detail})" if health.callback_detail else ""
        return f"{inbox.callback_url}: {health.get_callback_state_display().lower()}{why}"

    @admin.display(description="last callback")
    def last_callback(self, inbox: Inbox) -> datetime | str:
        """Say when the provider last called, to the minute."""
        health = _health(inbox)
        return (health and health.last_callback_at) or "-"

    @admin.display(description="last sent")
    def last_sent(self, inbox: Inbox) -> datetime | str:
        """Say when the provider last took a message, to the minute."""
        health = _health(inbox)
        return (health and health.last_sent_at) or "-"

    @admin.display(description="HMAC token")
    def token(self, inbox: Inbox) -> str:
        """Say that there is one."""
        return crypto.masked(inbox.hmac_token)

    @admin.display(description="settings")
    def shown_settings(self, inbox: Inbox) -> SafeString:
        """Show the settings with their secrets masked; all of them where the channel is not known here."""
        channel = channels.REGISTRY.get(inbox.channel)
        return as_json(channel.shown(inbox.settings) if channel else dict.fromkeys(inbox.settings, crypto.MASK))


def _health(inbox: Inbox) -> InboxHealth | None:
    return getattr(inbox, "health", None)
