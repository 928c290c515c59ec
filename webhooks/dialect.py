"""
Chatwoot's words for what happened: the callbacks its receivers read. Pure functions, an event and its rows in.

A new status is two of Chatwoot's events. Typing, traces of what was done, merges and erasures are none, and a session's
pubsub token is blank, as it is for everybody but its owner.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from contacts import events as contact_events
from contacts.models import Contact
from conversations import dialect
from conversations import events as conversation_events
from conversations.models import Conversation, Message
from conversations.serializers import attachments_of
from core import ids, times
from events.event import Event
from webhooks.bodies import TEST, encode

CONTACT_TYPES = ("contact_created", "contact_updated")
# Every name an endpoint may subscribe to.
TYPES = (
    "conversation_created", "conversation_updated", "conversation_status_changed", "message_created", "message_updated",
    *CONTACT_TYPES,
)  # fmt: skip
OF_EVENTS: Mapping[str, tuple[str, ...]] = {
    conversation_events.ConversationCreated.type: ("conversation_created",),
    conversation_events.MessageReceived.type: ("message_created",),
    conversation_events.MessageSent.type: ("message_created",),
    conversation_events.MessageNoted.type: ("message_created",),
    conversation_events.MessageStatusChanged.type: ("message_updated",),
    contact_events.UserCreated.type: ("contact_created",),
    contact_events.UserUpdated.type: ("contact_updated",),
    TEST: (TEST,),
}
MESSAGE_TYPES = {dialect.INCOMING: "incoming", dialect.OUTGOING: "outgoing", dialect.TEMPLATE: "template"}
HARD_BREAK = re.compile(r"\\(\r?\n)")
# Our names of what changed, and Chatwoot's; the rest it has no word for.
OF_CONTACTS = {
    "name": "name", "last_name": "last_name", "email": "email", "phone_number": "phone_number",
    "external_id": "identifier", "avatar_url": "avatar_url", "custom_attributes": "custom_attributes",
    "blocked": "blocked", "country": "country_code", "city": "location", "tags": "label_list",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """What the callbacks of a batch of events are made from, as it stands now; ``accounts`` are names."""

    accounts: Mapping[int, str] = field(default_factory=dict)
    conversations: Mapping[int, Conversation] = field(default_factory=dict)
    messages: Mapping[int, Message] = field(default_factory=dict)
    contacts: Mapping[int, Contact] = field(default_factory=dict)

    def account(self, event: Event) -> dict[str, Any]:
        """Return the account block."""
        return {"id": event.environment_id, "name": self.accounts.get(event.environment_id, "")}


def types_of(event: Event) -> tuple[str, ...]:
    """Return the names of what Chatwoot would send for an event; none for what it does not know."""
    if isinstance(event, conversation_events.ConversationUpdated):
        changes = event.data.get("changes", {})
        if not OF_CONVERSATIONS.keys() & changes.keys():
            return ()
        updated = ("conversation_updated",)
        return ("conversation_status_changed", *updated) if "status" in changes else updated
    return OF_EVENTS.get(event.type, ())


def messages_of(event: Event) -> set[int]:
    """Return the rows of the messages that tell of an event: its own, and what was said last when it happened."""
    return {row for row in (event.context.get("message_id"), event.context.get("last_message_id")) if row}


def body(event: Event, name: str, rows: Rows) -> bytes | None:
    """Return the callback ``name``, one of ``types_of`` an event; None where there is nothing to tell."""
    told: dict[str, Any] | None
    if event.type == TEST:
        told = {"account": rows.account(event), "test": True}
    elif name in CONTACT_TYPES:
        told = _contact_told(event, name, rows)
    else:
        told = _conversation_told(event, rows)
    return None if told is None else encode({**told, "event": name})


def _contact_told(event: Event, name: str, rows: Rows) -> dict[str, Any] | None:
    contact = rows.contacts.get(event.context.get("contact_id", 0))
    if contact is None or contact.is_gone:
        return None
    block = _contact(contact, rows.account(event))
    if name == "contact_created":
        return block
    changed = [
        _change(OF_CONTACTS[ours], change["from"], change["to"])
        for ours, change in event.data.get("changes", {}).items()
        if ours in OF_CONTACTS
    ]
    return {**block, "changed_attributes": changed} if changed else None


def _conversation_told(event: Event, rows: Rows) -> dict[str, Any] | None:
    current = rows.conversations.get(event.conversation_id or 0)
    if current is None:
        return None
    conversation = _as_it_was(event, current)
    block = _conversation(event, conversation, rows)
    if isinstance(event, conversation_events.MessageEvent):
        message = rows.messages.get(event.context.get("message_id", 0))
        return None if message is None else _message(event, message, conversation, block, rows)
    if isinstance(event, conversation_events.ConversationUpdated):
        return {**block, "changed_attributes": _changes(event)}
    return block


def _as_it_was(event: Event, current: Conversation) -> Conversation:
    """Return a conversation as an event says it was, not as what became of it since."""
    then = event.data["conversation"]
    known = {name: then[name] for name in ("status", "priority", "labels", "custom_attributes", "unread_count")}
    snoozed_until = then["snoozed_until"]
    known["snoozed_until"] = None if snoozed_until is None else times.parse(snoozed_until)
    # With the same rows around it; copy() takes ten times as long.
    conversation = Conversation.__new__(Conversation)
    conversation.__dict__ = {**current.__dict__, **known}
    return conversation


def _conversation(event: Event, conversation: Conversation, rows: Rows) -> dict[str, Any]:
    """Return the conversation block."""
    last = rows.messages.get(event.context.get("last_message_id") or 0)
    block = dialect.conversation_push(conversation, last)
    del block["account_id"]
    if last is not None:
        text = _content(last, conversation)
        block["messages"][0] |= {"content": text, "processed_message_content": text}
    return {**block, "account": rows.account(event)}


def _message(
    event: Event, message: Message, conversation: Conversation, block: dict[str, Any], rows: Rows
) -> dict[str, Any] | None:
    """Return the message block; None for a trace of what was done."""
    kind = MESSAGE_TYPES.get(dialect.message_type(message))
    if kind is None:
        return None
    told = {
        "account": rows.account(event),
        "additional_attributes": {},
        "content_attributes": message.content_attributes,
        "content_type": message.content_type,
        "content": _content(message, conversation),
        "conversation": block,
        "created_at": dialect.iso_millis(message.created_at),
        "id": message.pk,
        "inbox": {"id": conversation.inbox_id, "name": conversation.inbox.name},
        "message_type": kind,
        "private": message.is_private,
        "sender": _sender(message, rows.account(event)),
        "source_id": message.provider_id,
    }
    files = [dialect.attachment(file) for file in attachments_of(message)]
    return {**told, "attachments": files} if files else told


def _content(message: Message, conversation: Conversation) -> str | None:
    """Return a message's text with plain line breaks, none at its end; a survey is a link where no widget shows it."""
    text = message.text
    if message.content_type == "input_csat" and conversation.inbox.channel != "web":
        return f"{text} {settings.BASE_URL}/survey/responses/{conversation.uuid}"
    if text is None or not text.strip():
        return text
    return HARD_BREAK.sub(r"\1", text).rstrip("\r\n")


def _sender(message: Message, account: dict[str, Any]) -> dict[str, Any] | None:
    if message.source == Message.Source.USER:
        return _contact(message.contact, account)
    agent = message.author
    return None if agent is None else {"id": agent.pk, "name": agent.name, "email": agent.email, "type": "user"}


def _contact(contact: Contact, account: dict[str, Any]) -> dict[str, Any]:
    shown = dialect.contact_sender(contact)
    del shown["type"]
    return {"account": account, **shown, "avatar": shown["thumbnail"]}


def _changes(event: Event) -> list[dict[str, Any]]:
    """Return what changed on a conversation, in raw column values as Chatwoot has them."""
    changes = []
    for ours, change in event.data.get("changes", {}).items():
        if ours == "team":
            changes.append(_change("team_id", *event.context.get("team_ids", (None, None))))
        elif ours in OF_CONVERSATIONS:
            name, shown = OF_CONVERSATIONS[ours]
            changes.append(_change(name, shown(change["from"]), shown(change["to"])))
    return changes


def _change(name: str, before: Any, after: Any) -> dict[str, Any]:
    return {name: {"previous_value": before, "current_value": after}}


def _agent(public_id: str | None) -> int | None:
    return None if public_id is None else ids.decode("agt", public_id)


def _moment(text: str | None) -> str | None:
    return None if text is None else dialect.iso_millis(times.parse(text))


def _same(value: Any) -> Any:
    return value


OF_CONVERSATIONS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "status": ("status", dialect.status_word),
    "assignee": ("assignee_id", _agent),
    "team": ("team_id", _same),
    "priority": ("priority", _same),
    "labels": ("label_list", _same),
    "custom_attributes": ("custom_attributes", _same),
    "snoozed_until": ("snoozed_until", _moment),
}
