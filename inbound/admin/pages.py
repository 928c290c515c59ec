"""The pages of callbacks, files that are still to be got, and mail folders."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.who import operator
from core import ids
from core.admin import RecordAdmin, identity, leading, linked, pretty
from core.filters import among, by_day
from core.operations import Operation, Outcome
from inbound.models import Fetch, Mailbox, RawCallback
from inbound.services import again

LONGEST_SHOWN = 100_000


def _handle(request: HttpRequest, callback: RawCallback, _values: dict[str, Any]) -> Outcome:
    again.handle(callback, by=operator(request))
    return Outcome("It is handled anew.")


def _fetch(request: HttpRequest, fetch: Fetch, _values: dict[str, Any]) -> Outcome:
    again.fetch(fetch, by=operator(request))
    return Outcome("The file is asked for once more.")


def _look(request: HttpRequest, mailbox: Mailbox, _values: dict[str, Any]) -> Outcome:
    again.look(mailbox, by=operator(request))
    return Outcome("It is looked into in a moment.")


def _is_handled(callback: RawCallback) -> bool:
    return bool(callback.state != RawCallback.State.WAITING)


def _is_missing(fetch: Fetch) -> bool:
    return bool(fetch.state != Fetch.State.DONE)


@admin.register(RawCallback)
class RawCallbackAdmin(RecordAdmin):
    """What providers told, as it came. What people wrote is in it, so only operators who may act see the bodies."""

    operations = (
        Operation(
            "handle-again", "Handle again", _handle, for_many=True, is_offered=_is_handled,
            explains="What it says is done once more; what was done before is recognised and stays as it is.",
        ),
    )  # fmt: skip
    found_by = {"icb": "pk", "inb": "inbox"}
    within = ("inbox",)
    list_display = (
        identity, linked("inbox"), "received_at", "state", "attempts", "begun", "error",
    )  # fmt: skip
    list_filter = (among("state", *RawCallback.State.values), by_day("received_at"), "is_simulated")
    related = ("inbox",)
    search_help_text = "An icb_… or an inb_… id."
    shown = (
        identity, "inbox", "received_at", "method", "url", pretty("headers"), pretty("query"), "digest", "state",
        "next_attempt_at", "attempts", "begun", "error", "handled_at", "is_simulated",
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        """Add the body for those who may see it."""
        fields = super().get_fields(request, obj)
        return (*fields, "said") if self.may_operate(request) else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[Any, ...]:
        """Return all that is shown: nothing is edited."""
        return self.get_fields(request, obj)

    @admin.display(description="body")
    def said(self, callback: RawCallback) -> SafeString | str:
        """Show what came, as text, whatever it is."""
        body = bytes(callback.body)[:LONGEST_SHOWN]
        return format_html('<pre class="json">{}</pre>', body.decode(errors="replace")) if body else "-"


@admin.register(Fetch)
class FetchAdmin(RecordAdmin):
    """Files that came with messages and could not be had at once."""

    operations = (
        Operation(
            "fetch-again", "Ask for it again", _fetch, for_many=True, is_offered=_is_missing,
            explains="The provider is asked for the file once more, and for another day.",
        ),
    )  # fmt: skip
    found_by = {"att": "attachment", "inb": "inbox"}
    within = ("inbox",)
    list_display = (
        "id", leading("att", "attachment_id", "attachment"), linked("inbox"), "state", "attempts", "error",
        "next_attempt_at", "created_at",
    )  # fmt: skip
    list_filter = (among("state", *Fetch.State.values), by_day("created_at"))
    related = ("inbox",)
    search_help_text = "An att_… or an inb_… id."
    shown = ("inbox", "attachment", "state", "attempts", "error", "next_attempt_at", "created_at")


@admin.register(Mailbox)
class MailboxAdmin(RecordAdmin):
    """How far mail folders were read."""

    operations = (
        Operation(
            "look-now", "Look now", _look, for_many=True,
            explains="The folder is looked into at the next round; nothing in it is marked, moved or deleted.",
        ),
    )  # fmt: skip
    found_by = {"inb": "inbox"}
    within = ("inbox",)
    list_display = ("whose", linked("inbox"), "last_uid", "checked_at", "next_check_at", "failures", "error")
    list_filter = (by_day("checked_at"),)
    related = ("inbox",)
    search_help_text = "An inb_… id."
    shown = ("inbox", "uid_validity", "last_uid", "checked_at", "next_check_at", "failures", "error")

    @admin.display(description="folder", ordering="inbox")
    def whose(self, mailbox: Mailbox) -> str:
        """Name the inbox."""
        return ids.encode("inb", mailbox.inbox_id)
