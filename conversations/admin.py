"""What operators see of conversations and messages, and may do to them. What was said is on a message's page only."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from accounts.admin.who import operator
from accounts.models import Environment
from accounts.services import audit
from conversations.models import (
    Attachment,
    Conversation,
    ConversationCounter,
    Message,
    SurveyAnswer,
    Team,
    TeamMember,
)
from conversations.services import conversations, teams
from core.admin import Neighbour, RecordAdmin, identity, linked, pretty
from core.filters import among
from core.operations import Operation, Outcome
from events.models import LoggedEvent

NAME_IN_CONVERSATIONS = "Dexra support"


@transaction.atomic
def _set_status(request: HttpRequest, conversation: Conversation, status: str) -> Outcome:
    conversations.update(conversation=conversation, fields={"status": status}, by_name=NAME_IN_CONVERSATIONS)
    audit.record(
        environment=conversation.environment,
        who=operator(request),
        action=f"conversation.{'closed' if status == Conversation.Status.CLOSED else 'reopened'}",
        target=conversation.public_id,
    )
    return Outcome(f"The conversation is {status}.")


def _close(request: HttpRequest, conversation: Conversation, _values: dict[str, Any]) -> Outcome:
    return _set_status(request, conversation, Conversation.Status.CLOSED)


def _reopen(request: HttpRequest, conversation: Conversation, _values: dict[str, Any]) -> Outcome:
    return _set_status(request, conversation, Conversation.Status.OPEN)


@admin.register(Conversation)
class ConversationAdmin(RecordAdmin):
    """Conversations."""

    operations = (
        Operation(
            "close", "Close", _close, for_many=True, is_offered=lambda row: not row.is_closed,
            explains=f"It is closed as by an agent named {NAME_IN_CONVERSATIONS}; the account and the person see it, "
            "and the survey is sent where the inbox has one.",
        ),
        Operation(
            "reopen", "Reopen", _reopen, for_many=True, is_offered=lambda row: row.is_closed,
            explains=f"It is opened again as by an agent named {NAME_IN_CONVERSATIONS}; the account sees it.",
        ),
    )  # fmt: skip
    found_by = {"conv": "pk", "usr": "contact", "inb": "inbox"}
    within = ("inbox", "contact", "session", "assignee", "team")
    neighbours = (Neighbour("Events", LoggedEvent, "conversation_id"),)
    list_display = (
        identity, "number", linked("contact"), linked("inbox"), "status", linked("assignee"), "last_activity_at",
    )  # fmt: skip
    list_filter = ("status", "priority", "inbox__channel")
    related = ("inbox", "contact", "session", "assignee", "team")
    search_fields = ("=number",)
    search_help_text = "A number, or a conv_…, usr_… or inb_… id."
    shown = (
        identity, "number", "uuid", "subject", "status", "contact", "inbox", "session", "assignee", "team", "priority",
        "tags", "labels", pretty("custom_attributes"), "snoozed_until", "sequence", "unread_count", "waiting_since",
        "first_reply_at", "contact_last_seen_at", "agent_last_seen_at", "last_activity_at", "last_message_at",
        "created_at", "updated_at",
    )  # fmt: skip


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    """Messages: their way in the list, their words on their own page."""

    found_by = {"msg": "pk", "conv": "conversation", "usr": "contact"}
    within = ("conversation", "contact", "author")
    list_display = (
        identity, linked("conversation"), linked("contact"), "source", "kind", "type", "status", "created_at",
    )  # fmt: skip
    list_filter = ("direction", "source", "kind", "type", "status")
    related = ("conversation", "contact")
    search_fields = ("=client_message_id", "=provider_id")
    search_help_text = "A msg_…, conv_… or usr_… id, a whole client message id or provider's id."
    shown = (
        identity, "conversation", "contact", "direction", "source", "author", "kind", "type", "text", "content_type",
        pretty("content_attributes"), pretty("payload"), pretty("metadata"), "status", pretty("failure"),
        pretty("timeline"), "sequence", "client_message_id", "provider_id", "created_at", "updated_at",
    )  # fmt: skip


@admin.register(Attachment)
class AttachmentAdmin(RecordAdmin):
    """Files, by their names: what opens one is a secret link."""

    found_by = {"att": "pk", "msg": "message"}
    within = ("message",)
    list_display = (identity, linked("message"), "type", "content_type", "size", "created_at")
    list_filter = ("type",)
    related = ("message",)
    search_help_text = "An att_… or a msg_… id."
    shown = (identity, "message", "type", "filename", "content_type", "size", "width", "height", "created_at")


@admin.register(SurveyAnswer)
class SurveyAnswerAdmin(RecordAdmin):
    """How it went, as people said."""

    found_by = {"conv": "conversation", "usr": "contact", "msg": "message"}
    within = ("conversation", "contact", "agent")
    list_display = ("id", "rating", linked("conversation"), linked("contact"), linked("agent"), "created_at")
    list_filter = (among("rating", "1", "2", "3", "4", "5"),)
    related = ("conversation", "contact", "agent")
    search_help_text = "A conv_…, usr_… or msg_… id."
    shown = ("rating", "feedback", "conversation", "message", "contact", "agent", "created_at", "updated_at")


class MakeTeam(forms.Form):
    """A new team."""

    environment = forms.ModelChoiceField(
        Environment.objects.select_related("account").order_by("account__name", "kind")
    )
    name = forms.CharField(max_length=teams.LONGEST_NAME)


class RenameTeam(forms.Form):
    """A team's name."""

    name = forms.CharField(max_length=teams.LONGEST_NAME)


class AddToTeam(forms.Form):
    """Somebody who is to be in a team."""

    agent = forms.CharField(max_length=254, help_text="The e-mail address of a member of the account.")


def _make_team(request: HttpRequest, _row: None, values: dict[str, Any]) -> Outcome:
    team = teams.create(**values, by=operator(request))
    return Outcome(f"{team} was made; add its agents.", row=team)


def _rename_team(request: HttpRequest, team: Team, values: dict[str, Any]) -> Outcome:
    teams.rename(team=team, **values, by=operator(request))
    return Outcome("The team was renamed.")


def _add_to_team(request: HttpRequest, team: Team, values: dict[str, Any]) -> Outcome:
    member = teams.add(team=team, **values, by=operator(request))
    return Outcome(f"{member.user} is in {team} now.")


def _remove_from_team(request: HttpRequest, member: TeamMember, _values: dict[str, Any]) -> Outcome:
    team, person = member.team, member.user
    teams.remove(member=member, by=operator(request))
    return Outcome(f"{person} is no longer in {team}.", row=team)


@admin.register(Team)
class TeamAdmin(RecordAdmin):
    """Teams."""

    list_operations = (
        Operation(
            "make", "Make a team", _make_team, form=MakeTeam,
            explains="Conversations can be given to it by its name: in the API, as the team of a conversation.",
        ),
    )  # fmt: skip
    operations = (
        Operation(
            "add-agent", "Add an agent", _add_to_team, form=AddToTeam,
            explains="Somebody who works in the account; they may be in several teams.",
        ),
        Operation(
            "rename", "Rename", _rename_team, form=RenameTeam, initial=lambda team: {"name": team.name},
            explains="Its conversations stay with it. Servers that name it in the API have to use the new name.",
        ),
    )  # fmt: skip
    list_display = ("name", "created_at")
    search_fields = ("name",)
    shown = ("name", "created_at")


@admin.register(TeamMember)
class TeamMemberAdmin(RecordAdmin):
    """Who is in which team."""

    operations = (
        Operation(
            "remove", "Remove from the team", _remove_from_team, for_many=True,
            explains="They go on working in the account; conversations that are assigned to them stay so.",
        ),
    )  # fmt: skip
    within = ("team", "user")
    list_display = ("id", linked("user", "person"), linked("team"))
    related = ("team", "user")
    search_fields = ("=user__email", "team__name")
    search_help_text = "A person's e-mail address, or a team's name."
    shown = ("team", "user")


@admin.register(ConversationCounter)
class ConversationCounterAdmin(RecordAdmin):
    """The last conversation number of each environment."""

    list_display = ("id", "value")
    shown = ("value",)
