"""
What each event looks like to a session of the SDK: at most one frame each, in Dexra's own words.

Pure functions. A frame's ``message`` is ``{"event", "id", "data"}``; what is not remembered has no id. The shapes are
those of ``/client/v1``, so a client keeps one picture whichever way it heard of something.
"""

import json
from collections.abc import Mapping
from typing import Any

from contacts import events as contact_events
from conversations import client
from conversations import events as conversation_events
from conversations.models import Conversation
from events.event import Event
from realtime.cable.pushes import Rows, is_told_to_contact

# Of what can change about a conversation or a person, what their own picture of it shows.
SHOWN_OF_CONVERSATIONS = frozenset({"status", "subject", "assignee"})
SHOWN_OF_PEOPLE = frozenset(
    {"external_id", "name", "first_name", "last_name", "email", "phone_number", "avatar_url", "user_type", "language",
     "country", "city", "custom_attributes", "verified"}
)  # fmt: skip

Frame = tuple[str, dict[str, Any]]


def frame_of(event: Event, rows: Rows) -> Frame | None:
    """Return the name and the data of what a person is told of an event; None where it is not for them."""
    if isinstance(event, contact_events.UserEvent):
        return _of_person(event, rows)
    conversation = rows.conversations.get(event.conversation_id or 0)
    if conversation is None:
        return None
    if isinstance(event, conversation_events.MessageEvent):
        return _of_message(event, conversation, rows)
    name = _name_of(event)
    return (name, {"conversation": summary(conversation, rows)}) if name else None


def summary(conversation: Conversation, rows: Rows) -> dict[str, Any]:
    """Return a conversation as its person sees it."""
    standing = rows.standings.get(conversation.pk)
    unread, last = (standing.unread, standing.last) if standing is not None else (0, None)
    return client.client_conversation(conversation, unread=unread, last=last)


def typing(conversation_id: str, author: Mapping[str, Any], *, is_typing: bool) -> bytes:
    """Return the ``message`` that says that somebody else started or stopped writing."""
    return encode("typing", {"conversation_id": conversation_id, "author": author, "is_typing": is_typing})


def ai_state(conversation_id: str, state: str, text: str) -> bytes:
    """Return the ``message`` that says what the assistant does; ``text`` is all it has written so far."""
    return encode("ai.state", {"conversation_id": conversation_id, "state": state, "text": text})


def presence(agents_online: int) -> str:
    """Return the ``message`` that says how many agents are there."""
    return encode("presence", {"agents_online": agents_online}).decode()


def session_ended() -> str:
    """Return the ``message`` that says goodbye: this session's tokens open nothing any more."""
    return encode("session.ended", {}).decode()


def encode(event: str, data: Mapping[str, Any], event_id: str | None = None) -> bytes:
    """Return a ``message`` as it goes over the wire."""
    said = {"event": event, "id": event_id, "data": data}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def _name_of(event: Event) -> str:
    """Return what a change of a conversation is called; empty for one that its person cannot see."""
    if isinstance(event, conversation_events.ConversationCreated):
        return "conversation.created"
    is_seen = isinstance(event, conversation_events.ConversationSeen)
    is_change = isinstance(event, conversation_events.ConversationUpdated) and bool(
        SHOWN_OF_CONVERSATIONS & set(event.data.get("changes", {}))
    )
    return "conversation.updated" if is_seen or is_change else ""


def _of_message(event: conversation_events.MessageEvent, conversation: Conversation, rows: Rows) -> Frame | None:
    message = rows.messages.get(event.context.get("message_id", 0))
    if message is None or not is_told_to_contact(event, message):
        return None
    is_news = not isinstance(event, conversation_events.MessageStatusChanged)
    data = {"message": client.client_message(message), "conversation": summary(conversation, rows)}
    return "message.created" if is_news else "message.updated", data


def _of_person(event: contact_events.UserEvent, rows: Rows) -> Frame | None:
    contact = rows.contacts.get(event.context.get("contact_id", 0))
    is_change = isinstance(event, contact_events.UserMerged) or (
        isinstance(event, contact_events.UserUpdated) and bool(SHOWN_OF_PEOPLE & set(event.data.get("changes", {})))
    )
    if contact is None or contact.is_gone or not is_change:
        return None
    return "user.updated", {"user": client.client_user(contact)}
