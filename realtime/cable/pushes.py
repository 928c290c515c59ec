"""
What each event looks like on the cable, and who gets it: pure functions from rows to frames.

The names and shapes are Chatwoot's; its clients read them, and what the SDK's sessions get instead is in ``native``. A
frame for a person never carries a note, a trace of what agents did, or somebody else's token.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contacts import events as contact_events
from contacts.models import Contact, ContactSession
from conversations import dialect
from conversations import events as conversation_events
from conversations.models import Conversation, Message
from conversations.queries import Standing
from core import ids
from events.event import Event
from inboxes.channels import SHOWN_TO_CLIENTS

USER_FRAMES: dict[type[Event], str] = {
    contact_events.UserCreated: "contact.created",
    contact_events.UserUpdated: "contact.updated",
    contact_events.UserMerged: "contact.merged",
    contact_events.UserDeleted: "contact.deleted",
}
CHANGE_FRAMES = {"assignee": "assignee.changed", "team": "team.changed"}


@dataclass(frozen=True, slots=True)
class Push:
    """One frame's ``message`` object and whose eyes it is for."""

    name: str
    data: dict[str, Any]
    for_contact: bool
    shows_conversation: bool = False  # then the owner's frame carries the owner's token


@dataclass(frozen=True, slots=True)
class Rows:
    """What the frames of a batch of events are made from, as it stands now."""

    conversations: dict[int, Conversation] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    contacts: dict[int, Contact] = field(default_factory=dict)
    verified_sessions: dict[int, list[ContactSession]] = field(default_factory=dict)
    # Only where sessions of the SDK are among those who are told.
    standings: dict[int, Standing] = field(default_factory=dict)  # by conversation
    native_sessions: dict[int, list[ContactSession]] = field(
        default_factory=dict
    )  # by contact whose own record changed

    def audience(self, conversation: Conversation) -> list[ContactSession]:
        """
        Return the sessions that may see a conversation: its own, or all that proved to be its person's.

        Nobody where a provider carries what is said: it is seen there, by whoever has that phone or mailbox.
        """
        if conversation.inbox.channel not in SHOWN_TO_CLIENTS:
            return []
        if not conversation.session.verified:
            return [conversation.session]
        return self.verified_sessions.get(conversation.contact_id) or [conversation.session]


def is_native(session: ContactSession) -> bool:
    """Whether a session is told in Dexra's own words."""
    return session.dialect == ContactSession.Dialect.DEXRA


def is_told_to_contact(event: conversation_events.MessageEvent, message: Message) -> bool:
    """Whether a person may hear of a message's event: not of how something went that is only planned."""
    if isinstance(event, conversation_events.MessageStatusChanged):
        was_said = event.data.get("message", {}).get("status") != Message.Status.SCHEDULED
        return message.is_shown_to_contact and was_said
    return message.is_shown_to_contact


def pushes(event: Event, rows: Rows) -> Iterator[Push]:
    """Yield the frames of one event, in the order clients expect them; none when its rows are gone."""
    if isinstance(event, contact_events.UserEvent):
        yield from _user_pushes(event, rows)
    elif isinstance(event, conversation_events.ConversationEvent):
        conversation = rows.conversations.get(event.conversation_id or 0)
        if conversation is not None:
            yield from _conversation_pushes(event, conversation, rows)


def conversation_data(
    conversation: Conversation, rows: Rows, *, token_for: ContactSession | None = None
) -> dict[str, Any]:
    """Return a conversation as frames carry it."""
    last = rows.messages.get(conversation.last_message_id or 0)
    return dialect.conversation_push(conversation, last, token_for=token_for)


def _conversation_pushes(
    event: conversation_events.ConversationEvent, conversation: Conversation, rows: Rows
) -> Iterator[Push]:
    if isinstance(event, conversation_events.MessageEvent):
        yield from _message_pushes(event, conversation, rows)
        return
    shown = conversation_data(conversation, rows)
    if isinstance(event, conversation_events.ConversationCreated):
        yield Push("conversation.created", shown, for_contact=True, shows_conversation=True)
    elif isinstance(event, conversation_events.ConversationSeen):
        yield Push("conversation.read", shown, for_contact=False)
    elif isinstance(event, conversation_events.ConversationUpdated):
        changes = event.data.get("changes", {})
        if "status" in changes:
            yield Push("conversation.status_changed", shown, for_contact=True, shows_conversation=True)
        for name, frame in CHANGE_FRAMES.items():
            if name in changes:
                yield Push(frame, shown, for_contact=False)
        yield Push("conversation.updated", shown, for_contact=True, shows_conversation=True)


def _message_pushes(event: conversation_events.MessageEvent, conversation: Conversation, rows: Rows) -> Iterator[Push]:
    message = rows.messages.get(event.context.get("message_id", 0))
    if message is None:
        return
    data = dialect.message_push(message, conversation, client_message_id=event.context.get("client_message_id"))
    if message.author is not None:
        data["performer"] = dialect.agent_sender(message.author)
    shown = is_told_to_contact(event, message)
    if isinstance(event, conversation_events.MessageStatusChanged):
        data["previous_changes"] = event.context.get("previous", {})
        yield Push("message.updated", data, for_contact=shown)
        return
    yield Push("message.created", data, for_contact=shown)
    moved = event.context.get("moved", ())
    if "first_reply_at" in moved:
        yield Push("first.reply.created", data, for_contact=False)
    if moved:
        yield Push(
            "conversation.updated", conversation_data(conversation, rows), for_contact=True, shows_conversation=True
        )


def _user_pushes(event: contact_events.UserEvent, rows: Rows) -> Iterator[Push]:
    contact = rows.contacts.get(event.context.get("contact_id", 0))
    if contact is None:
        return
    data = {**dialect.contact_sender(contact), "account_id": event.environment_id}
    if isinstance(event, contact_events.UserDeleted):
        data["id"] = ids.decode("usr", event.data["user"]["id"]) or contact.pk
    yield Push(USER_FRAMES[type(event)], data, for_contact=False)
