"""What operators see of people and their sessions, and may do to them."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from accounts.admin.who import operator
from accounts.services import audit
from contacts.models import Contact, ContactSession
from contacts.services import contacts
from core import crypto
from core.admin import RecordAdmin, identity, linked, pretty
from core.operations import Operation, Outcome


@transaction.atomic
def _set_blocked(request: HttpRequest, contact: Contact, *, blocked: bool) -> Outcome:
    contacts.update(contact=contact, fields={"blocked": blocked})
    word = "blocked" if blocked else "unblocked"
    audit.record(
        environment=contact.environment, who=operator(request), action=f"user.{word}", target=contact.public_id
    )
    return Outcome(f"{contact} is {word}.")


def _block(request: HttpRequest, contact: Contact, _values: dict[str, Any]) -> Outcome:
    return _set_blocked(request, contact, blocked=True)


def _unblock(request: HttpRequest, contact: Contact, _values: dict[str, Any]) -> Outcome:
    return _set_blocked(request, contact, blocked=False)


class State(admin.SimpleListFilter):
    """Whether a record is a person or what is left of one."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states."""
        return [("known", "Known"), ("merged", "Merged into another"), ("erased", "Erased")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep the records in that state."""
        match self.value():
            case "known":
                return queryset.filter(erased_at=None, merged_into=None)
            case "merged":
                return queryset.exclude(merged_into=None)
            case "erased":
                return queryset.exclude(erased_at=None)
            case _:
                return queryset


@admin.register(Contact)
class ContactAdmin(RecordAdmin):
    """People on the other side: ``user`` in the API."""

    operations = (
        Operation(
            "block", "Block", _block, for_many=True, is_offered=lambda row: not row.blocked and not row.is_gone,
            explains="Nothing is sent to them any more, and their new conversations are closed from the start. "
            "The account is told with user_updated.",
        ),
        Operation(
            "unblock", "Unblock", _unblock, for_many=True, is_offered=lambda row: row.blocked and not row.is_gone,
            explains="Messages to them are sent again. The account is told with user_updated.",
        ),
    )  # fmt: skip
    found_by = {"usr": "pk"}
    list_display = (identity, "name", "email", "phone_number", "external_id", "verified", "blocked", "created_at")
    list_filter = (State, "blocked", "verified")
    search_fields = ("email__iexact", "=external_id", "=phone_number", "name__istartswith")
    search_help_text = "A whole e-mail address, phone number or external id, the beginning of a name, or a usr_… id."
    shown = (
        identity, "name", "first_name", "last_name", "email", "phone_number", "external_id", "verified", "blocked",
        "user_type", "language", "country", "city", "tags", pretty("custom_attributes"), "avatar_url",
        "last_seen_at", "last_activity_at", "created_at", "updated_at", "merged_into", "erased_at",
    )  # fmt: skip


@admin.register(ContactSession)
class ContactSessionAdmin(RecordAdmin):
    """Where people write from. A source id is a credential, so only its end is shown."""

    within = ("contact", "inbox")
    found_by = {"usr": "contact", "inb": "inbox"}
    list_display = ("id", linked("contact"), linked("inbox"), "source", "verified", "created_at")
    list_filter = ("verified",)
    related = ("contact", "inbox")
    search_help_text = "A usr_… or an inb_… id."
    shown = ("contact", "inbox", "source", "verified", "created_at", "updated_at")

    @admin.display(description="source id")
    def source(self, session: ContactSession) -> str:
        """Show the end of it."""
        return crypto.masked(session.source_id)
