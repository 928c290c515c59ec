"""Writing to the log: in the transaction of the change itself, or not at all."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from core.errors import Invalid, Problem
from events import hints
from events.event import CATALOGUE, Actor, Event
from events.models import LoggedEvent

# 256 KiB is the most a webhook carries: what every event says besides its data fits into the last of them.
LARGEST_DATA_BYTES = 255 * 1024
OBJECTS = frozenset({"user", "conversation", "message", "changes"})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

INSERT = """INSERT INTO events_event (environment_id, livemode, type, conversation_id, sequence, actor_type, actor_id,
                                      api_version, data, context, occurred_at) """
VALUES = "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())"
# Of many events each column is one parameter: psycopg takes a statement with hundreds of them apart every time.
FEW = 4
MANY = f"""{INSERT} SELECT *, clock_timestamp() FROM unnest(
    %s::bigint[], %s::boolean[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[],
    %b::jsonb[], %b::jsonb[])"""  # noqa: S608  the texts above
# What is left of an event about somebody who was erased: that it happened, and to which ids.
SCRUB = """
UPDATE events_event SET
    data = jsonb_strip_nulls(jsonb_build_object(
        'erased', true,
        'conversation_id', data->'conversation_id',
        'merged_user_id', data->'merged_user_id',
        'user', jsonb_build_object('id', data->'user'->'id', 'object', 'user'),
        'message', CASE WHEN data ? 'message'
                   THEN jsonb_build_object('id', data->'message'->'id', 'object', 'message') END)),
    context = jsonb_strip_nulls(jsonb_build_object(
        'contact_id', context->'contact_id', 'inbox_id', context->'inbox_id', 'message_id', context->'message_id'))
WHERE environment_id = %s AND
"""
HOLD = "SELECT id FROM events_event WHERE id = ANY(%s) AND NOT data ? 'erased' FOR SHARE"
SCRUB_CONVERSATIONS = SCRUB + "conversation_id = ANY(%s)"
SCRUB_PEOPLE = SCRUB + "conversation_id IS NULL AND (context->>'contact_id')::bigint = ANY(%s)"


class EventTooLarge(Invalid):
    """What would have happened cannot be told: its event is larger than a webhook may be, so it does not happen."""

    def __init__(self, data: Mapping[str, Any], size: int) -> None:
        path, share = _heaviest(data)
        # The objects' names are ours; the caller knows the field.
        field = ".".join(name for name in path if name not in OBJECTS) or path[-1]
        message = (
            f"This makes an event of {size:,} bytes, and webhooks carry at most {LARGEST_DATA_BYTES:,}. Most of it is "
            f"{'.'.join(path)} with {share:,} bytes: shorten it, or keep it elsewhere and send a link to it."
        )
        super().__init__(Problem(field, "event_too_large", message, LARGEST_DATA_BYTES))


def publish(*events: Event) -> None:
    """
    Append events to the log; the relay is woken once the transaction has committed.

    Must be called inside the transaction that makes the events true. Raises RuntimeError outside of one: an event
    without its change, or a change without its event, would be a lie. Raises EventTooLarge.
    """
    if len(events) <= FEW:
        publish_with([], [], events)
        return
    columns = [list(column) for column in zip(*map(_row, events), strict=True)]
    _execute(MANY, columns, events)


def publish_with(steps: Sequence[str], params: Sequence[Any], events: Sequence[Event]) -> None:
    """
    Append events in the same statement as the changes they tell about (``steps``: ``name AS (INSERT ...)``).

    One round trip instead of several, for paths where that counts; otherwise as ``publish``.
    """
    head = f"WITH {','.join(steps)} " if steps else ""
    tail = f"{INSERT} VALUES {', '.join([VALUES] * len(events))}" if events else "SELECT 1"
    _execute(head + tail, [*params, *(value for event in events for value in _row(event))], events)


def _execute(sql: str, params: Sequence[Any], events: Sequence[Event]) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("Events are published inside the transaction of the change they tell about.")
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
    if events:
        transaction.on_commit(hints.wake_relay)


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.environment_id,
        event.livemode,
        event.type,
        event.conversation_id,
        event.sequence,
        event.actor.type,
        event.actor.id,
        settings.API_VERSION,
        Jsonb(_encoded(event), dumps=bytes),  # it is written once: what was measured is what is stored
        Jsonb(event.context),
    )


def _encoded(event: Event) -> bytes:
    """Return an event's data as JSON. Raises EventTooLarge."""
    encoded = _encode(event.data).encode()
    if len(encoded) > LARGEST_DATA_BYTES and event.is_refusable:
        raise EventTooLarge(event.data, len(encoded))
    return encoded


def _heaviest(data: Mapping[str, Any]) -> tuple[list[str], int]:
    """Return the path to what weighs most, down to where nothing is more than half of what it is in, and its bytes."""
    inner: Any = data
    path, weight = list[str](), 0
    while isinstance(inner, Mapping) and inner:
        sizes = {name: len(_encode(value).encode()) for name, value in inner.items()}
        name = max(sizes, key=sizes.__getitem__)
        if path and sizes[name] * 2 < weight:
            break
        path, weight, inner = [*path, name], sizes[name], inner[name]
    return path, weight


def scrub(environment_id: int, *, conversation_ids: Sequence[int], contact_ids: Sequence[int]) -> None:
    """Leave of the events of these conversations, and of those about these people, only that they happened."""
    with connection.cursor() as cursor:
        cursor.execute(SCRUB_CONVERSATIONS, [environment_id, list(conversation_ids)])
        cursor.execute(SCRUB_PEOPLE, [environment_id, list(contact_ids)])


def hold(events: Sequence[Event]) -> list[Event]:
    """Return those that nobody has erased, and let nobody erase them until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [[event.id for event in events]])
        held = {row[0] for row in cursor.fetchall()}
    return [event for event in events if event.id in held]


def read(event_ids: Iterable[int]) -> list[Event]:
    """Return stored events by id, oldest first; those that retention has dropped or somebody erased are left out."""
    kept = LoggedEvent.unscoped.filter(id__in=list(event_ids)).exclude(data__has_key="erased")
    return [from_row(row) for row in kept.order_by("id")]


def from_row(row: LoggedEvent) -> Event:
    """Return the typed event a row holds."""
    kind = CATALOGUE.get(row.type, Event)
    return kind(
        id=row.id,
        environment_id=row.environment_id,
        livemode=row.livemode,
        actor=Actor(row.actor_type, row.actor_id),
        conversation_id=row.conversation_id,
        sequence=row.sequence,
        data=row.data,
        context=row.context,
        occurred_at=row.occurred_at,
        api_version=row.api_version,
    )
