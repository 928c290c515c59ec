"""
What can happen in a conversation. The type names are those of webhooks and of ``GET /v1/events``.

Every one of them takes the conversation's next ``sequence``. Those that change nothing but a mark (seen, typing)
are not worth remembering for the world; typing is not even stored.
"""

from typing import Any

from contacts.serializers import user_json
from conversations.models import Conversation, Message
from conversations.serializers import conversation_json, message_json
from events.event import SYSTEM, Actor, Event

# Of what is said, ``message_text`` holds so many characters; ``message.text`` is whole.
LONGEST_PLAIN_TEXT = 10_000


class ConversationEvent(Event):
    """
    Something happened to a conversation; ``data["conversation"]`` is how it stands afterwards.

    ``conversation_id``, ``message_text`` and ``source_channel`` are in every one of them, and so is ``actor``.
    """


class ConversationCreated(ConversationEvent):
    """A conversation began."""

    type = "conversation_created"


class ConversationUpdated(ConversationEvent):
    """Status, assignee, team, priority, labels, tags, snooze or attributes changed; ``data["changes"]`` says which."""

    type = "conversation_updated"


class ConversationClosed(ConversationEvent):
    """The conversation was closed; follows the ``conversation_updated`` that says so."""

    type = "conversation_closed"


class ConversationSeen(ConversationEvent):
    """The person on the other side looked; agents are told."""

    type = "conversation_seen"


class MessageEvent(ConversationEvent):
    """Something was said; ``data["message"]`` is what, ``data["message_text"]`` its plain text."""


class MessageReceived(MessageEvent):
    """A person wrote to the business."""

    type = "message_in"


class MessageSent(MessageEvent):
    """The business answered, through an agent, the API, the assistant or an automatic reply."""

    type = "message_out"


class MessageNoted(MessageEvent):
    """Agents left a note, or a trace of what was done; never shown to the person."""

    type = "message_note"


class MessageStatusChanged(MessageEvent):
    """A message got one step further, or failed; or its form was filled in."""

    type = "message_status"
    is_refusable = False


class TypingChanged(Event):
    """Somebody started or stopped typing. Announced, never stored: so it has no type name."""


class AiStateChanged(Event):
    """An assistant began or ended a step, or wrote on. Announced, never stored."""


def about(
    conversation: Conversation,
    kind: type[ConversationEvent],
    *,
    actor: Actor = SYSTEM,
    data: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
) -> ConversationEvent:
    """Return the event of that kind about a conversation as it is now; it takes the next sequence number."""
    livemode = conversation.environment.livemode
    conversation.sequence += 1
    return kind(
        environment_id=conversation.environment_id,
        livemode=livemode,
        actor=actor,
        conversation_id=conversation.pk,
        sequence=conversation.sequence,
        data={
            "conversation_id": conversation.public_id,
            "message_text": "",
            "source_channel": conversation.inbox.channel,
            "actor": actor.as_json(),
            "conversation": conversation_json(conversation, livemode=livemode),
            "user": user_json(conversation.contact, livemode=livemode),
            **(data or {}),
        },
        context={
            "contact_id": conversation.contact_id,
            "inbox_id": conversation.inbox_id,
            "session_id": conversation.session_id,
            "last_message_id": conversation.last_message_id,
            **(context or {}),
        },
    )


def about_message(
    message: Message,
    conversation: Conversation,
    kind: type[MessageEvent],
    *,
    actor: Actor = SYSTEM,
    context: dict[str, Any] | None = None,
) -> ConversationEvent:
    """Return the event of that kind about one message."""
    channel, text = conversation.inbox.channel, plain_text(message)
    cut = {"message_text_truncated": True} if len(text) > LONGEST_PLAIN_TEXT else {}
    return about(
        conversation,
        kind,
        actor=actor,
        data={
            "message_text": text[:LONGEST_PLAIN_TEXT],
            **cut,
            "message": message_json(message, livemode=conversation.environment.livemode, channel=channel),
        },
        context={"message_id": message.pk, **(context or {})},
    )


def plain_text(message: Message) -> str:
    """Return what a message says in plain words: its text, else its caption, else the title chosen."""
    spoken = message.text or message.payload.get("caption") or message.payload.get("title")
    return str(spoken or "")
