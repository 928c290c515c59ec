"""
What a person says at the SDK's door: kept once, however often it is sent.

An answer may be lost on its way, and the SDK sends what it has no answer to again, a day later too. The same
``client_message_id`` is the same message for ever; with other words it is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, transaction

from contacts.models import ContactSession
from conversations.errors import MOST_FILES, ClientMessageIdReused
from conversations.models import Conversation, Message
from conversations.queries import conversations_for, messages_of, shown_messages
from conversations.services import conversations, messages, timeline, uploads
from conversations.services.messages import Draft
from core.errors import invalid
from events.event import Actor

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wants to say; ``attachment_ids`` name files that this session uploaded."""

    text: str
    client_message_id: str
    attachment_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A conversation that was begun, or had been by the same words before."""

    conversation: Conversation
    is_new: bool
    messages: Sequence[Message] = field(default_factory=list)


def post(*, session: ContactSession, number: int, said: Said) -> tuple[Message, bool]:
    """
    Take what a person says in their conversation ``number``; the second value says whether it is new.

    Raises NotFound, Invalid for nothing to say and for files that are not there, TextTooLong, ClientMessageIdReused,
    ConversationTooBusy.
    """
    _check(said)
    messages.check(_draft(said), environment_id=session.environment_id, number=number)
    try:
        return _post(session, number, said)
    except IntegrityError as twice:
        # The same client id was being stored at this very moment; now it is there to be found.
        if "one_message_per_client_message_id" not in str(twice):
            raise
        return _post(session, number, said)


@transaction.atomic
def begin(*, session: ContactSession, fields: Mapping[str, Any], said: Said | None) -> Begun:
    """
    Begin a conversation with its first message, if there is one; the same message again finds the one it began.

    Where the inbox keeps to a single conversation, that one goes on. Raises what ``post`` raises, and Invalid.
    """
    actor = Actor("user", session.contact.public_id)
    if said is None:
        talk = conversations.start(session=session, fields=fields, actor=actor)
        return Begun(talk, is_new=True, messages=_shown(talk))
    _check(said)
    with connection.cursor() as cursor:  # two tabs, or a retry that overtakes: one of them waits, and finds
        cursor.execute(ONE_AT_A_TIME, [f"{session.environment_id}:{session.contact_id}:{said.client_message_id}"])
    known = _said_before(session, said)
    if known is not None:
        return Begun(known, is_new=False, messages=_shown(known))
    talk = conversations.start(session=session, fields=fields, actor=actor)
    messages.check(_draft(said), environment_id=session.environment_id, number=talk.number)
    _post(session, talk.number, said)
    talk = conversations_for(session).get(pk=talk.pk)
    return Begun(talk, is_new=True, messages=_shown(talk))


@transaction.atomic
def _post(session: ContactSession, number: int, said: Said) -> tuple[Message, bool]:
    held = timeline.lock_for(session, number, client_message_id=said.client_message_id)
    if held.duplicate_id is not None:
        stored = messages_of(held.conversation).get(pk=held.duplicate_id)
        _check_same(stored, said)
        return stored, False
    files = uploads.take(session, said.attachment_ids)
    draft = _draft(said, files)
    return messages.take_in(held, draft, client_message_id=said.client_message_id), True


def _said_before(session: ContactSession, said: Said) -> Conversation | None:
    """Return the conversation in which this person has said it. Raises ClientMessageIdReused for other words."""
    mine = conversations_for(session)
    theirs = Message.of(session.environment).filter(
        conversation__in=mine.values("pk"), client_message_id=said.client_message_id,
        direction=Message.Direction.INBOUND,
    )  # fmt: skip
    stored = theirs.order_by("id").first()
    if stored is None:
        return None
    _check_same(stored, said)
    return mine.get(pk=stored.conversation_id)


def _check(said: Said) -> None:
    if not said.text and not said.attachment_ids:
        raise invalid("text", "Say something: text, or attachment_ids of files that were uploaded.", code="required")
    if len(said.attachment_ids) > MOST_FILES:
        raise invalid("attachment_ids", f"At most {MOST_FILES} files.", code="too_many", limit=MOST_FILES)


def _check_same(stored: Message, said: Said) -> None:
    if stored.direction != Message.Direction.INBOUND or (stored.text or "") != said.text:
        raise ClientMessageIdReused


def _draft(said: Said, files: Sequence[Any] = ()) -> Draft:
    kind = Message.Type.MEDIA if said.attachment_ids else Message.Type.TEXT
    return Draft(said.text or None, files=files, type=kind, client_message_id=said.client_message_id)


def _shown(talk: Conversation) -> list[Message]:
    return list(shown_messages(talk).order_by("-id")[:20])[::-1]
