"""Conversations: started, changed, looked at."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import Environment, User
from contacts.models import ContactSession
from contacts.services import attributes
from conversations import events
from conversations.models import Conversation, Message, Team
from conversations.queries import conversations_due, conversations_for, shown_messages
from conversations.services import automatic, statuses, timeline
from core.errors import Invalid, NotFound, Problem, invalid
from core.times import iso
from events import bus
from events.event import SYSTEM, Actor
from events.log import publish

CHANGEABLE = frozenset(
    {
        "status",
        "subject",
        "assignee",
        "team",
        "priority",
        "labels",
        "tags",
        "custom_attributes",
        "snoozed_until",
    }
)
NEXT_NUMBER = """
INSERT INTO conversations_conversationcounter (environment_id, value) VALUES (%s, 1)
ON CONFLICT (environment_id) DO UPDATE SET value = conversations_conversationcounter.value + 1 RETURNING value
"""
HOLD_SESSION = "SELECT contact_id FROM contacts_contactsession WHERE id = %s AND environment_id = %s FOR SHARE"
LONGEST_ATTRIBUTE_TEXT = 1500
LARGEST_ATTRIBUTE_NUMBER = 9_999_999_999

log = structlog.get_logger(__name__)


@transaction.atomic
def start(*, session: ContactSession, fields: Mapping[str, Any] | None = None, actor: Actor = SYSTEM) -> Conversation:
    """
    Begin a conversation; ``fields`` are ``subject``, ``tags``, ``custom_attributes``.

    Where the inbox keeps to a single conversation, the session's latest one is returned instead. A blocked person's
    conversation is closed from the start. Raises Invalid.
    """
    if session.inbox.lock_to_single_conversation:
        latest = Conversation.of(session.environment).filter(session=session).order_by("-id").first()
        if latest is not None:
            return _with(latest, session)
    values = dict(fields or {})
    _check(values)
    _hold(session)
    now = timezone.now()
    conversation = _with(
        Conversation(
            number=_next_number(session.environment),
            status=Conversation.Status.CLOSED if session.contact.blocked else Conversation.Status.OPEN,
            waiting_since=now,
            created_at=now,
            last_activity_at=now,
            updated_at=now,
            **values,
        ),
        session,
    )
    conversation.save(force_insert=True)
    created = events.about(conversation, events.ConversationCreated, actor=actor)
    conversation.save(update_fields=["sequence"])
    publish(created)
    return conversation


@transaction.atomic
def update(
    *,
    conversation: Conversation,
    fields: Mapping[str, Any],
    actor: Actor = SYSTEM,
    by_name: str = "",
) -> Conversation:
    """
    Change a conversation; ``custom_attributes`` are merged. Publishes once, and only if something changed.

    Closing publishes ``conversation_closed`` too, and asks how it went where the inbox does. Raises Invalid.
    """
    held = timeline.lock(conversation)
    conversation = held.conversation
    values = dict(fields)
    _check(values)
    if "custom_attributes" in values:
        values["custom_attributes"] = attributes.merged(conversation.custom_attributes, values["custom_attributes"])
        if problems := attributes.attribute_problems(values["custom_attributes"]):
            raise Invalid(*problems)
    if values.get("snoozed_until") and "status" not in values:
        values["status"] = Conversation.Status.SNOOZED
    if values.get("status", Conversation.Status.SNOOZED) != Conversation.Status.SNOOZED:
        values["snoozed_until"] = None
    changed = [name for name, value in values.items() if getattr(conversation, name) != value]
    if not changed:
        return conversation
    changes = {name: {"from": _shown(getattr(conversation, name)), "to": _shown(values[name])} for name in changed}
    team_before = conversation.team_id
    for name in changed:
        setattr(conversation, name, values[name])
    context = {"team_ids": [team_before, conversation.team_id]} if "team" in changed else {}
    happened = [
        events.about(conversation, events.ConversationUpdated, actor=actor, data={"changes": changes}, context=context)
    ]
    _tell(conversation, changed, happened, actor, by_name)
    return conversation


def _tell(
    conversation: Conversation,
    changed: list[str],
    happened: list[events.ConversationEvent],
    actor: Actor,
    by_name: str,
) -> None:
    """Store what changed with its events, and what follows from a new status."""
    if "status" in changed and conversation.is_closed:
        happened.append(events.about(conversation, events.ConversationClosed, actor=actor))
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=[*changed, "sequence", "updated_at"])
    publish(*happened)
    if "status" in changed:
        word = {"closed": "resolved", "open": "reopened"}.get(conversation.status, conversation.status)
        author = by_name or {"api": "the API", "user": conversation.contact.name}.get(actor.type, "the system")
        automatic.trace(conversation, f"Conversation was {word} by {author}", actor=actor)
        if conversation.is_closed:
            automatic.ask_how_it_went(conversation)


@transaction.atomic
def seen_by_contact(*, session: ContactSession, number: int) -> None:
    """The person looked: note when, and mark what was sent to them as read."""
    conversation = _complete(timeline.lock_for(session, number).conversation)
    now = timezone.now()
    conversation.contact_last_seen_at = now
    actor = Actor("user", conversation.contact.public_id)
    seen = events.about(conversation, events.ConversationSeen, actor=actor)
    timeline.append(conversation, [seen])
    unread = shown_messages(conversation).filter(
        direction=Message.Direction.OUTBOUND,
        status__in=(Message.Status.SENT, Message.Status.DELIVERED),
        created_at__lte=now,
    )
    for message in unread.order_by("id")[:500]:
        statuses.advance(conversation, message, Message.Status.READ, actor=actor)


def typed_by_contact(*, session: ContactSession, number: int, is_on: bool) -> None:
    """The person started or stopped typing: those who are there now are told. Raises NotFound."""
    conversation = conversations_for(session).filter(number=number).first()
    if conversation is None:
        raise NotFound("No such conversation.", param="conversation_id")
    bus.announce(
        events.TypingChanged(
            environment_id=conversation.environment_id,
            livemode=conversation.environment.livemode,
            actor=Actor("user", conversation.contact.public_id),
            conversation_id=conversation.pk,
            context={"session_id": session.pk, "is_on": is_on},
        )
    )


def wake_snoozed() -> int:
    """
    Open every conversation whose snooze is over, in all environments; returns how many.

    One that cannot be opened is named in the log and keeps no other asleep. Raises OperationalError when the database
    is away.
    """
    woken = 0
    for conversation in conversations_due(timezone.now())[:500]:
        try:
            update(conversation=conversation, fields={"status": Conversation.Status.OPEN})
        except OperationalError:
            raise
        except Exception:
            log.exception("conversation_not_woken", conversation_id=conversation.public_id)
        else:
            woken += 1
    return woken


def team_of(environment: Environment, name: str) -> Team:
    """Return the environment's team of that name. Raises Invalid."""
    team = Team.of(environment).filter(name=name).first()
    if team is None:
        raise invalid("team", f"There is no team named {name!r}.", code="unknown_team")
    return team


def _complete(conversation: Conversation) -> Conversation:
    """Load what a conversation found through another of the contact's sessions still lacks."""
    conversation.session.environment = conversation.environment
    return conversation


def _hold(session: ContactSession) -> None:
    """Keep the session with its person until the transaction ends; a merge waits. Raises NotFound for an erased one."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_SESSION, [session.pk, session.environment_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound("No such session.", param="session_id")
    if row[0] != session.contact_id:
        session.contact_id = row[0]  # merged into another a moment ago
        session.contact.environment = session.environment


def _next_number(environment: Environment) -> int:
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER, [environment.pk])
        number: int = cursor.fetchone()[0]
        return number


def _with(conversation: Conversation, session: ContactSession) -> Conversation:
    conversation.environment = session.environment
    conversation.session, conversation.contact, conversation.inbox = (
        session,
        session.contact,
        session.inbox,
    )
    return conversation


def _shown(value: Any) -> Any:
    if isinstance(value, User):
        return value.public_id
    if isinstance(value, Team):
        return value.name
    return iso(value) if isinstance(value, datetime) else value


def _check(values: Mapping[str, Any]) -> None:
    """Raise Invalid for anything a conversation cannot hold."""
    found = [Problem(name, "unknown_field", f"{name} cannot be set.") for name in values if name not in CHANGEABLE]
    if len(values.get("subject") or "") > 255:
        found.append(Problem("subject", "too_long", "subject has at most 255 characters.", 255))
    found += [
        Problem(name, "invalid_tag", f"Each of {name} has 1 to 100 characters.", 100)
        for name in ("tags", "labels")
        if any(not 1 <= len(tag) <= 100 for tag in values.get(name) or [])
    ]
    found += attribute_problems(values.get("custom_attributes") or {})
    if found:
        raise Invalid(*found)


def attribute_problems(given: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a conversation's custom attributes; the wording is the client API's contract."""
    found = attributes.attribute_problems(given)
    for key, value in given.items():
        if isinstance(value, str) and len(value) > LONGEST_ATTRIBUTE_TEXT:
            text = f"Custom attributes {key} length should be < {LONGEST_ATTRIBUTE_TEXT}"
        elif isinstance(value, int) and value > LARGEST_ATTRIBUTE_NUMBER:
            text = f"Custom attributes {key} value should be < {LARGEST_ATTRIBUTE_NUMBER}"
        else:
            continue
        found.append(Problem(f"custom_attributes.{key[:100]}", "too_large", text))
    return found
