"""What operators see of people and their sessions, and may do to them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from accounts.admin.who import operator
from accounts.models import Environment
from accounts.services import audit
from contacts.models import Contact, ContactSession, Suppression
from contacts.services import contacts, suppressions
from core import crypto
from core.admin import RecordAdmin, identity, linked, pretty
from core.filters import among, by_day
from core.operations import Operation, Outcome
from inboxes import channels


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


class AddSuppression(forms.Form):
    """An address that nothing is to be sent to."""

    environment = forms.ModelChoiceField(
        Environment.objects.select_related("account"), widget=forms.NumberInput,
        help_text="Its number, as in the address of the environment's page.",
    )  # fmt: skip
    channel = forms.ChoiceField(choices=lambda: [(kind, kind) for kind in channels.REGISTRY])
    address = forms.CharField(max_length=255, help_text="As the channel writes it: +212600000001.")
    scope = forms.ChoiceField(choices=Suppression.Scope.choices)
    detail = forms.CharField(max_length=suppressions.LONGEST_DETAIL, required=False, help_text="Why.")


def _suppress(request: HttpRequest, _row: None, values: dict[str, Any]) -> Outcome:
    added = suppressions.add(**values, by=operator(request))
    return Outcome(f"Nothing is sent to {added.address} any more.", row=added)


def _lift(request: HttpRequest, suppression: Suppression, _values: dict[str, Any]) -> Outcome:
    suppressions.remove(suppression, by=operator(request))
    return Outcome(f"{suppression.address} is written to again.", row=suppression.environment)


@admin.register(Suppression)
class SuppressionAdmin(RecordAdmin):
    """Addresses that nothing, or no marketing, is sent to."""

    operations = (
        Operation(
            "lift", "Take off the list", _lift, for_many=True, is_grave=True,
            explains="The address is written to again. Whoever asked for no more messages has not changed their mind "
            "because of this: be sure that they have.",
        ),
    )  # fmt: skip
    list_operations = (
        Operation(
            "add", "Put an address on the list", _suppress, form=AddSuppression,
            explains="Nothing, or no marketing, is sent to it on that channel from now on, whoever has it.",
        ),
    )  # fmt: skip
    found_by = {"sup": "pk"}
    list_display = (identity, "channel", "address", "scope", "reason", "created_at")
    list_filter = (
        among("channel", ask=lambda: channels.REGISTRY),
        among("scope", *Suppression.Scope.values),
        among("reason", *Suppression.Reason.values),
        by_day("created_at"),
    )
    search_fields = ("=address",)
    search_help_text = "A whole address, or a sup_… id."
    shown = (identity, "channel", "address", "scope", "reason", "detail", "created_at")
