"""What is shown to those who are there now and kept nowhere: who is typing, and what the assistant is doing."""

from typing import Any

from accounts.models import User
from conversations import client, dialect
from conversations.models import Conversation
from conversations.queries import complete_conversations
from events.event import Event
from realtime.cable import native
from realtime.cable.pushes import Rows, conversation_data, is_native
from realtime.services import broker
from realtime.services.broadcasts import encode, rows_for

ASSISTANT = {"id": None, "name": "Assistant", "avatar_url": "", "thumbnail": "", "type": "agent_bot"}
NOBODY = {"type": "api", "id": None, "name": "", "avatar_url": ""}  # the business's own program
AT_WORK = frozenset({"thinking", "searching", "writing"})


def show_typing(event: Event) -> None:
    """
    Push that somebody started or stopped typing; to everybody in the conversation but themselves.

    A person's other browsers are told, too, where they speak Chatwoot; the SDK shows only what somebody else writes.
    """
    conversation = _conversation(event)
    if conversation is None:
        return
    rows, is_on = rows_for({conversation.pk: conversation}), bool(event.context["is_on"])
    if session_id := event.context.get("session_id"):
        user = dialect.contact_sender(conversation.contact)
        _show_to_chatwoots(conversation, rows, user, is_on=is_on, skip=f"s:{session_id}")
        return
    agent = User.objects.filter(pk=event.context["agent_id"]).first()
    user = ASSISTANT if agent is None else dialect.agent_sender(agent)
    skip = "" if agent is None else f"u:{event.environment_id}:{agent.pk}"
    _show_to_chatwoots(conversation, rows, user, is_on=is_on, skip=skip)
    author = NOBODY if agent is None else client.agent_author(agent)
    _show_to_natives(conversation, rows, native.typing(conversation.public_id, author, is_typing=is_on))


def show_ai_state(event: Event) -> None:
    """Push what the assistant is doing; to clients that know no such thing, whether it is typing."""
    conversation = _conversation(event)
    if conversation is None:
        return
    rows, state = rows_for({conversation.pk: conversation}), event.context["state"]
    _show_to_natives(conversation, rows, native.ai_state(conversation.public_id, state, event.context["text"]))
    _show_to_chatwoots(conversation, rows, ASSISTANT, is_on=state in AT_WORK)


def _conversation(event: Event) -> Conversation | None:
    return complete_conversations([event.conversation_id or 0]).get(event.conversation_id or 0)


def _show_to_natives(conversation: Conversation, rows: Rows, payload: bytes) -> None:
    for session in filter(is_native, rows.audience(conversation)):
        broker.publish_transient(f"s:{session.pk}", payload)


def _show_to_chatwoots(
    conversation: Conversation, rows: Rows, user: dict[str, Any], *, is_on: bool, skip: str = ""
) -> None:
    """Show agents, and people whose clients speak Chatwoot, who is typing."""
    data = {
        "conversation": conversation_data(conversation, rows),
        "user": user,
        "is_private": False,
        "account_id": conversation.environment_id,
    }
    payload = encode("conversation.typing_on" if is_on else "conversation.typing_off", data)
    broker.publish_transient(f"a:{conversation.environment_id}", payload, skip=skip)
    for session in rows.audience(conversation):
        if not is_native(session):
            broker.publish_transient(f"s:{session.pk}", payload, skip=skip)
