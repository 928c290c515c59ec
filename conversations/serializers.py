"""The public JSON of conversations and messages: one shape for REST, webhooks and events."""

from typing import Any

from django.conf import settings

from accounts.models import User
from contacts.serializers import user_json
from conversations.models import Attachment, Conversation, Message
from core import ids
from core.times import iso, iso_or_none

RICH = ("cards", "form", "article", "input_")  # the beginnings of content types that are more than words


def conversation_json(conversation: Conversation, *, livemode: bool) -> dict[str, Any]:
    """Return the ``conversation`` object; inbox, contact, assignee and team must be loaded."""
    return {
        "id": conversation.public_id,
        "object": "conversation",
        "number": conversation.number,
        "status": conversation.status,
        "subject": conversation.subject,
        "inbox_id": ids.encode("inb", conversation.inbox_id),
        "channel": conversation.inbox.channel,
        "user": user_json(conversation.contact, livemode=livemode),
        "assignee": agent_json(conversation.assignee),
        "team": None if conversation.team is None else {"name": conversation.team.name},
        "priority": conversation.priority,
        "tags": conversation.tags,
        "labels": conversation.labels,
        "custom_attributes": conversation.custom_attributes,
        "unread_count": conversation.unread_count,
        "last_message": _last_message(conversation),
        "snoozed_until": iso_or_none(conversation.snoozed_until),
        "sequence": conversation.sequence,
        "livemode": livemode,
        "created_at": iso(conversation.created_at),
        "updated_at": iso(conversation.updated_at),
    }


def message_json(message: Message, *, livemode: bool, channel: str) -> dict[str, Any]:
    """Return the ``message`` object; author and attachments must be loaded."""
    return {
        "id": message.public_id,
        "object": "message",
        "conversation_id": ids.encode("conv", message.conversation_id),
        "user_id": ids.encode("usr", message.contact_id),
        "direction": message.direction,
        "source": message.source,
        "author": _author(message),
        "message_type": message.type,
        "text": message.text,
        "attachments": [attachment_json(attachment) for attachment in attachments_of(message)],
        "payload": {**message.payload, **_drawn(message), **_since(message)},
        "channel": channel,
        "private": not message.is_for_contact,
        "sequence": message.sequence,
        "client_message_id": message.client_message_id,
        "status": message.status,
        "failure": message.failure,
        "timeline": message.timeline,
        "livemode": livemode,
        "metadata": message.metadata,
        "created_at": iso(message.created_at),
        "updated_at": iso(message.updated_at),
    }


def _drawn(message: Message) -> dict[str, Any]:
    """Return what is drawn below the words, and what was answered."""
    if not message.content_type.startswith(RICH):
        return {}
    kept = message.content_attributes
    found = {name: kept[name] for name in ("items", "button_label", "submitted_values") if name in kept}
    return {"rich": {"type": message.content_type, **found}}


def _since(message: Message) -> dict[str, Any]:
    """Return what happened to a message after it was said, where something did."""
    kept = message.content_attributes
    reactions = [each for each in kept.get("reactions", []) if each["emoji"]]  # the others were taken off again
    found = {"edited_at": kept.get("edited_at"), "deleted_at": kept.get("deleted_at"), "reactions": reactions}
    return {name: value for name, value in found.items() if value}


def attachments_of(message: Message) -> list[Attachment]:
    """Return a message's attachments without asking the database for a message that was just made."""
    made: list[Attachment] | None = getattr(message, "made_attachments", None)
    return list(message.attachments.all()) if made is None else made


def attachment_json(attachment: Attachment) -> dict[str, Any]:
    """Return one file of a message; ``url`` needs no key but cannot be guessed."""
    return {
        "id": attachment.public_id,
        "type": attachment.type,
        "url": attachment_url(attachment),
        "filename": attachment.filename,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "details": attachment.details,
    }


def attachment_url(attachment: Attachment) -> str:
    """Return where a client fetches the file."""
    return attachment.external_url or f"{settings.BASE_URL}/files/{attachment.token}"


def agent_json(agent: User | None) -> dict[str, Any] | None:
    """Return an agent as customers see them, without their e-mail address."""
    if agent is None:
        return None
    return {"id": agent.public_id, "name": agent.available_name, "avatar_url": agent.avatar_url}


def _author(message: Message) -> dict[str, Any]:
    if message.source == Message.Source.USER:
        identity: str | None = ids.encode("usr", message.contact_id)
        name = message.contact.name
    elif message.author is not None:
        identity, name = message.author.public_id, message.author.available_name
    else:
        identity, name = None, ""
    return {"type": message.source, "id": identity, "name": name}


def _last_message(conversation: Conversation) -> dict[str, Any] | None:
    if conversation.last_message_id is None:
        return None
    return {
        "id": ids.encode("msg", conversation.last_message_id),
        "text": conversation.last_message_text,
        "created_at": iso_or_none(conversation.last_message_at),
    }
