"""What became of many messages at once: the same steps as ``statuses.advance``, for an engine that reports hundreds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts.models import Environment
from conversations import events
from conversations.models import Conversation, Message
from conversations.queries import complete_conversations, complete_messages
from conversations.services.statuses import RANK
from core.times import iso
from events import log
from events.event import SYSTEM

LOCK = "SELECT id FROM conversations_conversation WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
MOVE = """
UPDATE conversations_conversation AS conversation SET sequence = moved.sequence, updated_at = moved.at
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS moved(id, sequence, at) WHERE conversation.id = moved.id
"""
# JSON is said in binary: in a text array, psycopg escapes each of its quotation marks by itself.
CHANGE = """
UPDATE conversations_message AS message SET status = changed.status, failure = changed.failure,
    timeline = changed.timeline, provider_id = changed.provider_id, updated_at = changed.at
FROM unnest(%s::bigint[], %s::text[], %b::jsonb[], %b::jsonb[], %s::text[], %s::timestamptz[])
    AS changed(id, status, failure, timeline, provider_id, at)
WHERE message.id = changed.id
"""


@dataclass(frozen=True, slots=True)
class Step:
    """
    What became of one message: its ``status``, its ``failure`` where that has one, what the provider calls it.

    ``began_at`` is when it was handed over; the timeline says that it was being sent then.
    """

    message_id: int
    status: str
    failure: Mapping[str, Any] | None = None
    provider_id: str = ""
    began_at: datetime | None = None


def lock(conversation_ids: Collection[int]) -> dict[int, Conversation]:
    """Lock conversations, always in the same order, and return those that are left. Must run in a transaction."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Conversations are locked inside a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [sorted(conversation_ids)])
    found = complete_conversations(conversation_ids)
    for conversation in found.values():
        conversation.environment = _environment(conversation.environment_id)
    return found


def advance(conversations: Mapping[int, Conversation], steps: Sequence[Step]) -> set[int]:
    """
    Take messages of locked conversations one step further each; returns the ids of those that moved.

    One that already was there or beyond stays as it is, but learns what the provider calls it.
    """
    messages, now = complete_messages({step.message_id for step in steps}), timezone.now()
    changed, happened, moved = list[Message](), list[events.ConversationEvent](), set[int]()
    for step in steps:
        message = messages.get(step.message_id)
        conversation = conversations.get(message.conversation_id) if message is not None else None
        if message is None or conversation is None:
            continue
        before, message.provider_id = message.status, step.provider_id or message.provider_id
        changed.append(message)
        if RANK.get(step.status, -1) <= RANK.get(before, 0):  # type: ignore[call-overload]
            continue
        _change(message, step, now)
        message.conversation = conversation
        moved.add(message.pk)
        happened.append(
            events.about_message(message, conversation, events.MessageStatusChanged, actor=SYSTEM,
                                 context={"previous": {"status": [before, step.status]}})
        )  # fmt: skip
    _store(changed, [conversations[messages[pk].conversation_id] for pk in moved], now)
    if happened:
        log.publish(*happened)
    return moved


@lru_cache(maxsize=10_000)
def _environment(environment_id: int) -> Environment:
    """Return an environment; whether it is live never changes."""
    return Environment.objects.get(pk=environment_id)


def _change(message: Message, step: Step, now: datetime) -> None:
    began = [{"status": Message.Status.SENDING, "at": iso(step.began_at)}] if step.began_at else []
    message.status, message.updated_at = step.status, now
    message.failure = None if step.failure is None else dict(step.failure)
    message.timeline = [*message.timeline, *began, {"status": step.status, "at": iso(now)}]


def _store(messages: Sequence[Message], conversations: Sequence[Conversation], now: datetime) -> None:
    if not messages:
        return
    columns: list[Any] = [
        [each.pk for each in messages],
        [each.status for each in messages],
        [None if each.failure is None else Jsonb(each.failure) for each in messages],
        [Jsonb(each.timeline) for each in messages],
        [each.provider_id for each in messages],
        [each.updated_at for each in messages],
    ]
    unique = {each.pk: each for each in conversations}.values()
    with connection.cursor() as cursor:
        cursor.execute(CHANGE, columns)
        if unique:
            cursor.execute(
                MOVE, [[each.pk for each in unique], [each.sequence for each in unique], [now] * len(unique)]
            )
