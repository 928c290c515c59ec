"""Messages: received from people, sent to them, noted among agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from contacts.models import ContactSession
from conversations import events
from conversations.errors import (
    LONGEST_TEXT,
    MESSAGES_A_MINUTE,
    ContactBlocked,
    ConversationTooBusy,
    TextTooLong,
)
from conversations.models import Conversation, Message
from conversations.services import attachments, automatic, statuses, timeline
from conversations.services.story import Story
from core import bodies, throttle
from core.errors import invalid
from core.times import iso
from events.event import Actor

# A repeated client id with the same words within a day is a retry; anything else is a new message.
RETRY_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to say."""

    text: str | None
    files: Sequence[attachments.StoredFile] = ()
    client_message_id: str | None = None
    type: str = Message.Type.TEXT
    payload: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = "text"
    content_attributes: Mapping[str, Any] = field(default_factory=dict)
    is_scheduled: bool = False
    provider_id: str | None = None  # what the provider calls a message that came through it


@dataclass(frozen=True, slots=True)
class Author:
    """Who says it: an agent, the API, the assistant or the system."""

    source: str
    user: User | None = None
    key_id: str | None = None  # of the API key that asked, so that a server knows its own echo

    @property
    def actor(self) -> Actor:
        """The author as events name them."""
        return Actor(self.source, self.user.public_id if self.user else self.key_id)


def receive(*, session: ContactSession, number: int, draft: Draft) -> Message:
    """
    Take a message a person wrote in their conversation ``number``.

    A closed or snoozed conversation opens again. Said twice with the same ``client_message_id`` within a day, it is
    stored once and the stored message is returned. Raises NotFound, TextTooLong, ConversationTooBusy.
    """
    check(draft, environment_id=session.environment_id, number=number)
    try:
        return _receive(session, number, draft)
    except IntegrityError as twice:
        # The same client id was being stored at this very moment; now it is there to be found.
        if "one_message_per_client_message_id" not in str(twice):
            raise
        return _receive(session, number, draft)


def check(draft: Draft, *, environment_id: int, number: int) -> None:
    """Count a message that somebody wants to say. Raises Invalid, TextTooLong, ConversationTooBusy."""
    _check(draft)
    _check_pace(environment_id, number)


@transaction.atomic
def _receive(session: ContactSession, number: int, draft: Draft) -> Message:
    held = timeline.lock_for(session, number, client_message_id=draft.client_message_id)
    client_message_id = draft.client_message_id
    draft, known = _retried(held, draft)
    return known if known is not None else take_in(held, draft, client_message_id=client_message_id)


def take_in(
    held: timeline.Locked, draft: Draft, *, client_message_id: str | None = None, is_answered: bool = True
) -> Message:
    """
    Take a message of a locked conversation's person, whose words were checked before.

    ``is_answered`` is false where the inbox must not answer by itself: to what a machine wrote, for instance.
    """
    conversation = held.conversation
    message = _compose(held, draft, source=Message.Source.USER, status=Message.Status.RECEIVED)
    is_first = conversation.last_message_id is None
    story = Story(conversation, Actor("user", conversation.contact.public_id))
    if not conversation.contact.blocked:
        story.reopen()
    if conversation.waiting_since is None:
        conversation.waiting_since = message.created_at
        story.moved.append("waiting_since")
    conversation.unread_count += 1
    timeline.show_as_last(conversation, message)
    happened = story.tell(message, events.MessageReceived, client_message_id=client_message_id)
    timeline.append(conversation, happened, message=message, touch_contact=True)
    attachments.keep(message)
    if is_answered:
        automatic.answer(conversation, is_first=is_first)
    return message


def send(*, conversation: Conversation, author: Author, draft: Draft, reopen: bool = False) -> Message:
    """
    Answer a person in a conversation; ``reopen`` opens it where it is closed or snoozed.

    Web and API inboxes deliver on the cable, so there the message is sent at once; elsewhere it is queued for its
    channel. A scheduled one waits for ``scheduling.release``. Raises TextTooLong, ContactBlocked, Invalid for nothing
    to say, ConversationTooBusy.
    """
    _check(draft)
    if not draft.text and not draft.files and not draft.payload:
        raise invalid("text", "Say something: text, an attachment or a payload.", code="required")
    _check_pace(conversation.environment_id, conversation.number)
    return _send(conversation, author, draft, reopen=reopen)


@transaction.atomic
def _send(conversation: Conversation, author: Author, draft: Draft, *, reopen: bool) -> Message:
    held = timeline.lock(conversation, client_message_id=draft.client_message_id)
    conversation = held.conversation
    if conversation.contact.blocked:
        raise ContactBlocked("This user is blocked; unblock them before writing.")
    draft, known = _retried(held, draft)
    if known is not None:
        return known
    status = Message.Status.SCHEDULED if draft.is_scheduled else statuses.first_of(conversation.inbox)
    message = _compose(held, draft, source=author.source, status=status, author=author.user)
    story = Story(conversation, author.actor)
    if draft.is_scheduled:
        # Agents and webhooks see that it waits; the person, and the conversation's marks, know nothing of it yet.
        happened = story.tell(message, events.MessageStatusChanged, client_message_id=draft.client_message_id)
    else:
        if reopen:
            story.reopen()
        story.answered(message)
        happened = story.tell(message, events.MessageSent, client_message_id=draft.client_message_id)
    timeline.append(conversation, happened, message=message)
    attachments.keep(message)
    message.conversation = conversation
    return message


@transaction.atomic
def note(*, conversation: Conversation, author: Author, draft: Draft) -> Message:
    """Leave a note that only agents see. Raises TextTooLong, Invalid for nothing to say."""
    _check(draft)
    if not draft.text and not draft.files:
        raise invalid("text", "A note says something.", code="required")
    held = timeline.lock(conversation, client_message_id=draft.client_message_id)
    draft, known = _retried(held, draft)
    if known is not None:
        return known
    message = _compose(held, draft, source=author.source, status=Message.Status.SENT, author=author.user)
    message.kind = Message.Kind.NOTE
    timeline.show_as_last(held.conversation, message)
    story = Story(held.conversation, author.actor)
    happened = story.tell(message, events.MessageNoted, client_message_id=draft.client_message_id)
    timeline.append(held.conversation, happened, message=message)
    attachments.keep(message)
    return message


def _check(draft: Draft) -> None:
    if draft.text is not None and len(draft.text) > LONGEST_TEXT:
        raise TextTooLong
    for name, text in (("text", draft.text), ("client_message_id", draft.client_message_id)):
        if not bodies.is_storable(text):
            raise invalid(name, f"{name} must not contain a NUL character.", code="invalid_characters")
    if draft.client_message_id and len(draft.client_message_id) > 255:
        raise invalid(
            "client_message_id",
            "client_message_id has at most 255 characters.",
            code="too_long",
            limit=255,
        )


def _check_pace(environment_id: int, number: int) -> None:
    verdict = throttle.count([throttle.Limit(f"conversation:{environment_id}:{number}", MESSAGES_A_MINUTE)])
    if verdict is not None and verdict.exceeded:
        raise ConversationTooBusy(verdict.reset_after)


def _retried(held: timeline.Locked, draft: Draft) -> tuple[Draft, Message | None]:
    """Return the stored message a draft repeats; or, for a client id used again for other words, a draft without it."""
    if held.duplicate_id is None:
        return draft, None
    conversation = held.conversation
    stored = Message.of(conversation.environment).select_related("author").get(pk=held.duplicate_id)
    stored.conversation, stored.contact = conversation, conversation.contact
    if (stored.text or "") == (draft.text or "") and timezone.now() - stored.created_at < RETRY_WINDOW:
        transaction.on_commit(partial(attachments.discard, draft.files))  # the first time's files are kept
        return draft, stored
    return Draft(**{**_fields(draft), "client_message_id": None}), None


def _fields(draft: Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in Draft.__slots__}


def _compose(held: timeline.Locked, draft: Draft, *, source: str, status: str, author: User | None = None) -> Message:
    """Return the message, not stored yet; its sequence is that of the event that will tell of it."""
    conversation, now = held.conversation, timezone.now()
    inbound = source == Message.Source.USER
    message = Message(
        id=held.next_message_id,
        environment=conversation.environment,
        conversation=conversation,
        contact=conversation.contact,
        direction=Message.Direction.INBOUND if inbound else Message.Direction.OUTBOUND,
        source=source,
        author=author,
        type=draft.type,
        text=draft.text,
        content_type=draft.content_type,
        content_attributes=dict(draft.content_attributes),
        payload=dict(draft.payload),
        metadata=dict(draft.metadata),
        client_message_id=draft.client_message_id,
        provider_id=draft.provider_id,
        status=status,
        timeline=[{"status": status, "at": iso(now)}],
        sequence=0,
        created_at=now,
        updated_at=now,
    )
    message.made_attachments = attachments.prepare(message, draft.files)  # type: ignore[attr-defined]  # spares serializers a query
    return message
