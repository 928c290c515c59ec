"""
Chatwoot's words for our rows: the shapes that its clients read, shared by the client API, the cable and callbacks.

Pure functions, canonical row in, foreign JSON out. Times are whole unix seconds unless the contract says otherwise;
ids are plain numbers, and a conversation is named by its number within the environment.
"""

from datetime import UTC, datetime
from typing import Any

from accounts.models import User
from contacts.models import Contact, ContactSession
from conversations.models import Attachment, Conversation, Message
from conversations.serializers import attachment_url, attachments_of

MOST_UNREAD = 10
STATUSES = {Conversation.Status.CLOSED: "resolved"}
MESSAGE_STATUSES = {
    Message.Status.DELIVERED: "delivered",
    Message.Status.READ: "read",
    Message.Status.FAILED: "failed",
}
INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
CHANNELS = {"api": "Channel::Api", "web": "Channel::WebWidget"}
FILE_EXTRAS = frozenset({Attachment.Type.IMAGE, Attachment.Type.VIDEO, Attachment.Type.AUDIO, Attachment.Type.FILE})


def unix(moment: datetime | None) -> int:
    """Return whole unix seconds; never is 0."""
    return 0 if moment is None else int(moment.timestamp())


def iso_millis(moment: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with three decimals, as Rails writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def status_word(status: str) -> str:
    """Return Chatwoot's word for a conversation's status."""
    return STATUSES.get(status, status)  # type: ignore[call-overload, no-any-return]  # statuses are strings


def message_type(message: Message) -> int:
    """Return 0 incoming, 1 outgoing, 2 activity or 3 template."""
    if message.kind == Message.Kind.ACTIVITY:
        return ACTIVITY
    if message.kind == Message.Kind.AUTOMATIC:
        return TEMPLATE
    return INCOMING if message.direction == Message.Direction.INBOUND else OUTGOING


def contact_sender(contact: Contact) -> dict[str, Any]:
    """Return a person as the sender of a message."""
    return {
        "additional_attributes": _places(contact),
        "custom_attributes": contact.custom_attributes,
        "email": contact.email,
        "id": contact.pk,
        "identifier": contact.external_id,
        "name": contact.name,
        "phone_number": contact.phone_number,
        "thumbnail": contact.avatar_url,
        "blocked": contact.blocked,
        "type": "contact",
    }


def agent_sender(agent: User) -> dict[str, Any]:
    """Return an agent as the sender of a message; never with their e-mail address."""
    return {
        "id": agent.pk,
        "name": agent.name or agent.available_name,
        "available_name": agent.available_name,
        "avatar_url": agent.avatar_url,
        "type": "user",
        "availability_status": None,
        "thumbnail": agent.avatar_url,
    }


def sender(message: Message) -> dict[str, Any] | None:
    """Return who wrote a message; None for what the system says."""
    if message.source == Message.Source.USER:
        return contact_sender(message.contact)
    return None if message.author is None else agent_sender(message.author)


def attachment(file: Attachment) -> dict[str, Any]:
    """Return one file of a message."""
    shown: dict[str, Any] = {
        "id": file.pk,
        "message_id": file.message_id,
        "file_type": file.type,
        "account_id": file.environment_id,
    }
    if file.type in FILE_EXTRAS:
        url = attachment_url(file)
        extension = file.filename.rpartition(".")[2] if "." in file.filename else None
        shown |= {
            "extension": extension,
            "content_type": file.content_type,
            "data_url": url,
            "thumb_url": url if file.type == Attachment.Type.IMAGE else "",
            "file_size": file.size,
            "width": file.width,
            "height": file.height,
        }
        if file.type == Attachment.Type.AUDIO:
            shown["transcribed_text"] = ""
    else:
        shown |= {"data_url": file.external_url or None, **_place_or_card(file)}
    return shown


def _place_or_card(file: Attachment) -> dict[str, Any]:
    told = file.details
    if file.type == Attachment.Type.LOCATION:
        where = {"coordinates_lat": told.get("latitude"), "coordinates_long": told.get("longitude")}
        return {**where, "fallback_title": file.filename}
    reached = [*told.get("phone_numbers", ()), *told.get("emails", ())]
    return {"fallback_title": next(iter(reached), ""), "meta": {"firstName": told.get("name", "")}}


def contact_row(contact: Contact) -> dict[str, Any]:
    """Return a person as the raw row Chatwoot answers to PATCH and embeds in conversations."""
    return {
        "id": contact.pk,
        "name": contact.name,
        "email": contact.email,
        "phone_number": contact.phone_number,
        "account_id": contact.environment_id,
        "created_at": iso_millis(contact.created_at),
        "updated_at": iso_millis(contact.updated_at),
        "additional_attributes": _places(contact),
        "identifier": contact.external_id,
        "custom_attributes": contact.custom_attributes,
        "last_activity_at": iso_millis(contact.last_activity_at),
        "contact_type": "lead" if contact.email or contact.phone_number else "visitor",
        "middle_name": "",
        "last_name": contact.last_name,
        "location": contact.city or None,
        "country_code": contact.country or None,
        "blocked": contact.blocked,
        "company_id": None,
        "label_list": [],  # what agents call a person is not for that person's eyes
    }


def message_push(
    message: Message, conversation: Conversation, *, client_message_id: str | None = None
) -> dict[str, Any]:
    """Return a message as frames and callbacks carry it."""
    written_by = sender(message)
    shown: dict[str, Any] = {
        "id": message.pk,
        "content": message.text,
        "account_id": message.environment_id,
        "inbox_id": conversation.inbox_id,
        "conversation_id": conversation.number,
        "message_type": message_type(message),
        "created_at": unix(message.created_at),
        "updated_at": iso_millis(message.updated_at),
        "private": message.is_private,
        "status": MESSAGE_STATUSES.get(message.status, "sent"),  # type: ignore[call-overload]  # statuses are strings
        "source_id": message.provider_id,
        "content_type": message.content_type,
        "content_attributes": message.content_attributes,
        "sender_type": {"contact": "Contact", "user": "User"}.get((written_by or {}).get("type", "")),
        "sender_id": (written_by or {}).get("id"),
        "external_source_ids": {},
        "additional_attributes": {},
        "processed_message_content": message.text,
        "sentiment": {},
        "conversation": {
            "assignee_id": conversation.assignee_id,
            "unread_count": min(conversation.unread_count, MOST_UNREAD),
            "last_activity_at": unix(conversation.last_activity_at),
            "contact_inbox": {"source_id": conversation.session.source_id},
        },
    }
    if client_message_id is not None:
        shown["echo_id"] = client_message_id
    if files := attachments_of(message):
        shown["attachments"] = [attachment(file) for file in files]
    if written_by is not None:
        shown["sender"] = written_by
    return shown


def conversation_push(
    conversation: Conversation, last_message: Message | None, *, token_for: ContactSession | None = None
) -> dict[str, Any]:
    """
    Return a conversation as frames and callbacks carry it.

    The session's pubsub token is shown to its owner alone (``token_for``); for everybody else the key is blank.
    """
    session, agent = conversation.session, conversation.assignee
    owns = token_for is not None and token_for.pk == session.pk
    return {
        "additional_attributes": {},
        "can_reply": True,
        "channel": CHANNELS.get(conversation.inbox.channel, f"Channel::{conversation.inbox.channel.title()}"),
        "contact_inbox": {
            "id": session.pk,
            "contact_id": session.contact_id,
            "inbox_id": session.inbox_id,
            "source_id": session.source_id,
            "created_at": iso_millis(session.created_at),
            "updated_at": iso_millis(session.updated_at),
            "hmac_verified": session.verified,
            "pubsub_token": session.pubsub_token if owns else "",
        },
        "id": conversation.number,
        "inbox_id": conversation.inbox_id,
        "messages": [] if last_message is None else [message_push(last_message, conversation)],
        "labels": conversation.labels,
        "meta": {
            "sender": contact_sender(conversation.contact),
            "assignee": None if agent is None else agent_sender(agent),
            "assignee_type": None if agent is None else "User",
            "team": None if conversation.team is None else {"id": conversation.team_id, "name": conversation.team.name},
            "hmac_verified": session.verified,
        },
        "status": status_word(conversation.status),
        "custom_attributes": conversation.custom_attributes,
        "snoozed_until": iso_millis(conversation.snoozed_until),
        "unread_count": min(conversation.unread_count, MOST_UNREAD),
        "first_reply_created_at": iso_millis(conversation.first_reply_at),
        "priority": conversation.priority,
        "waiting_since": unix(conversation.waiting_since),
        "agent_last_seen_at": unix(conversation.agent_last_seen_at),
        "contact_last_seen_at": unix(conversation.contact_last_seen_at),
        "last_activity_at": unix(conversation.last_activity_at),
        "timestamp": unix(conversation.last_activity_at),
        "created_at": unix(conversation.created_at),
        "updated_at": conversation.updated_at.timestamp(),
        "account_id": conversation.environment_id,
    }


def _places(contact: Contact) -> dict[str, Any]:
    places = {"city": contact.city, "country": contact.country}
    return {name: value for name, value in places.items() if value}
