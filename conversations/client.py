"""
The shapes of the SDK's door ``/client/v1`` and of its frames on the cable: what one person may see.

Pure functions, rows in, JSON out; nobody's notes, no metadata, no ids of providers, no addresses of agents.
``conversations.queries.standings`` says what a conversation's shape needs beside its row.
"""

from typing import Any

from django.conf import settings

from accounts.models import User
from contacts.models import Contact
from conversations.errors import LONGEST_TEXT, MOST_FILES
from conversations.models import Conversation, Message
from conversations.serializers import agent_json, attachment_json, attachments_of
from core import ids
from core.times import iso, iso_or_none
from inboxes.channels.cable import APPEARANCE
from inboxes.models import Inbox

# What is kept with a message, but is not for the eyes of whoever it was said to or by.
HIDDEN = frozenset(
    {"versions", "raw", "reactions", "missing_files", "email", "in_reply_to_external_id", "external_created_at",
     "deleted", "deleted_at", "edited_at"}
)  # fmt: skip


def client_message(message: Message) -> dict[str, Any]:
    """Return a message; author, contact and attachments must be loaded."""
    kept = message.content_attributes
    content_type, attributes = _content(message)
    is_theirs = message.direction == Message.Direction.INBOUND
    return {
        "id": message.public_id,
        "conversation_id": ids.encode("conv", message.conversation_id),
        "direction": message.direction,
        "author": client_author(message),
        "message_type": message.type,
        "text": message.text or "",
        "content_type": content_type,
        "content_attributes": attributes,
        "attachments": [attachment_json(file) for file in attachments_of(message)],
        "status": message.status,
        "failure": _failure(message),
        "client_message_id": message.client_message_id if is_theirs else None,
        "edited_at": kept.get("edited_at"),
        "deleted_at": kept.get("deleted_at"),
        "created_at": iso(message.created_at),
        "updated_at": iso(message.updated_at),
    }


def client_conversation(conversation: Conversation, *, unread: int, last: Message | None) -> dict[str, Any]:
    """
    Return a conversation as lists show it; its assignee must be loaded.

    ``unread`` counts what its person has not seen, ``last`` is the latest they may see, its author and contact loaded.
    """
    return {
        "id": conversation.public_id,
        "status": conversation.status,
        "subject": conversation.subject,
        "unread_count": unread,
        "last_message": None if last is None else _excerpt(last),
        "assignee": agent_json(conversation.assignee),
        "agents_seen_at": iso_or_none(conversation.agent_last_seen_at),
        "seen_at": iso_or_none(conversation.contact_last_seen_at),
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
    }


def client_user(contact: Contact) -> dict[str, Any]:
    """Return a person as they see themselves."""
    return {
        "id": contact.public_id,
        "external_id": contact.external_id,
        "name": contact.name,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "phone_number": contact.phone_number,
        "avatar_url": contact.avatar_url,
        "user_type": contact.user_type,
        "language": contact.language,
        "country": contact.country,
        "city": contact.city,
        "custom_attributes": contact.custom_attributes,
        "verified": contact.verified,
    }


def client_inbox(inbox: Inbox, *, is_open: bool, agents_online: int) -> dict[str, Any]:
    """Return what anybody may know of an inbox."""
    return {
        "id": inbox.public_id,
        "name": inbox.name,
        "is_open": is_open,
        "agents_online": agents_online,
        "greeting": inbox.greeting_message if inbox.greeting_enabled else "",
        "identity_required": inbox.hmac_mandatory,
        "appearance": inbox.settings.get(APPEARANCE) or {},
        "limits": {
            "file_bytes": settings.MAX_ATTACHMENT_BYTES,
            "files": MOST_FILES,
            "text_characters": LONGEST_TEXT,
        },
    }


def client_author(message: Message) -> dict[str, Any]:
    """Return who wrote a message; whoever has no name here (the API, the system) is called by the client."""
    if message.source == Message.Source.USER:
        return person_author(message.contact)
    if message.author is not None:
        return agent_author(message.author, kind=message.source)
    return {"type": message.source, "id": None, "name": "", "avatar_url": ""}


def person_author(contact: Contact) -> dict[str, Any]:
    """Return a person as the author of what they say or type."""
    return {"type": "user", "id": contact.public_id, "name": contact.name, "avatar_url": contact.avatar_url}


def agent_author(agent: User, *, kind: str = Message.Source.AGENT) -> dict[str, Any]:
    """Return an agent as the author of what they say or type."""
    return {"type": kind, "id": agent.public_id, "name": agent.available_name, "avatar_url": agent.avatar_url}


def _content(message: Message) -> tuple[str, dict[str, Any]]:
    """Return how a message is to be drawn; buttons sent through the API are a question with choices."""
    shown = {name: value for name, value in message.content_attributes.items() if name not in HIDDEN}
    if message.type != Message.Type.BUTTON or message.direction != Message.Direction.OUTBOUND:
        return message.content_type, shown
    said = message.payload
    items = [_choice(each) for each in said.get("buttons", [])]
    around = {name: said[name] for name in ("header", "footer") if said.get(name)}
    return "input_select", {**around, "items": items, **shown}


def _choice(button: dict[str, Any]) -> dict[str, Any]:
    """Return a button as a choice; one that opens a page says which."""
    choice = {"title": button.get("title", ""), "value": button.get("id", "")}
    return {**choice, "url": button["url"]} if button.get("url") else choice


def _failure(message: Message) -> dict[str, str] | None:
    if not message.failure:
        return None
    return {"code": str(message.failure.get("code", "")), "message": str(message.failure.get("message", ""))}


def _excerpt(message: Message) -> dict[str, Any]:
    return {
        "id": message.public_id,
        "text": (message.text or "")[:200],
        "created_at": iso(message.created_at),
        "author": client_author(message),
    }
