"""What operators see of inboxes, and may do to them. Tokens and secret settings stay hidden."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.admin.who import operator
from core import crypto
from core.admin import RecordAdmin, as_json, identity, pretty
from core.filters import by_state
from core.operations import Operation, Outcome
from inboxes import channels
from inboxes.models import Inbox
from inboxes.services import inboxes


def _rotate(request: HttpRequest, inbox: Inbox, _values: dict[str, Any]) -> Outcome:
    inboxes.rotate_hmac(inbox=inbox, by=operator(request))
    return Outcome("The inbox has a new signing token; hashes made with the old one are accepted for 24 hours.")


def _close(request: HttpRequest, inbox: Inbox, _values: dict[str, Any]) -> Outcome:
    inboxes.close(inbox=inbox, by=operator(request))
    return Outcome(f"{inbox} is closed.")


def _is_open(inbox: Inbox) -> bool:
    return inbox.deleted_at is None


STATES = {
    "open": ("Open", lambda inboxes: inboxes.filter(deleted_at__isnull=True)),
    "closed": ("Closed", lambda inboxes: inboxes.filter(deleted_at__isnull=False)),
}


@admin.register(Inbox)
class InboxAdmin(RecordAdmin):
    """Inboxes."""

    operations = (
        Operation(
            "rotate-hmac", "Rotate the HMAC token", _rotate, is_offered=_is_open,
            explains="The customer's servers sign identities with this token; they have 24 hours to take the new "
            "one, which they read from the API. It is not shown here.",
        ),
        Operation(
            "close", "Close", _close, is_offered=_is_open, is_grave=True,
            explains="Its address stops answering, for everybody and for good. What was said there stays.",
        ),
    )  # fmt: skip
    found_by = {"inb": "pk"}
    list_display = (identity, "name", "channel", "identifier", "is_open", "created_at")
    list_filter = (by_state("state", STATES), "channel", "hmac_mandatory")
    search_fields = ("=identifier", "name")
    search_help_text = "A name, an identifier, or an inb_… id."
    shown = (
        identity, "name", "channel", "identifier", "is_open", "hmac_mandatory", "token", "shown_settings", "time_zone",
        "working_hours_enabled", pretty("working_hours"), "out_of_office_message", "greeting_enabled",
        "greeting_message", "csat_survey_enabled", "lock_to_single_conversation", "created_at", "updated_at",
        "deleted_at",
    )  # fmt: skip

    @admin.display(boolean=True, description="open")
    def is_open(self, inbox: Inbox) -> bool:
        """Whether it still answers."""
        return _is_open(inbox)

    @admin.display(description="HMAC token")
    def token(self, inbox: Inbox) -> str:
        """Say that there is one."""
        return crypto.masked(inbox.hmac_token)

    @admin.display(description="settings")
    def shown_settings(self, inbox: Inbox) -> SafeString:
        """Show the settings with their secrets masked; all of them where the channel is not known here."""
        channel = channels.REGISTRY.get(inbox.channel)
        return as_json(channel.shown(inbox.settings) if channel else dict.fromkeys(inbox.settings, crypto.MASK))
