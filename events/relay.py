"""
The relay: takes pending events in order, tells their handlers, gives each its place in the feed.

Exactly one relay works at a time (a PostgreSQL advisory lock, released by the server the moment its holder dies).
A batch is one transaction: the rows its handlers insert and the positions commit together, or the batch is taken
again. Ids of one conversation rise in commit order because its row is locked while they are drawn, so taking
pending events by id keeps each conversation in order.

A handler that fails holds back its own event and the later events of that conversation only.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.db import Error as DatabaseFailure
from django.db import InterfaceError, OperationalError, connection, transaction
from prometheus_client import Counter, Histogram

from core import tenancy
from core.rows import Shape
from events import bus, hints
from events.event import Event
from events.log import from_row
from events.models import LoggedEvent

BATCH = 500
POLL_SECONDS = 0.25
LEADER_LOCK = 0x_DE_5A_0001
# No event is to blame for these. Whatever else a database says to a handler is about what that wanted to write.
AWAY = (OperationalError, InterfaceError)
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.5, 60.0

log = structlog.get_logger(__name__)
relayed = Counter("dexra_events_relayed", "Events handed to their handlers", ["type"])
lag = Histogram(
    "dexra_event_relay_lag_seconds",
    "From the event's transaction to its handlers",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)

EVENT = Shape(LoggedEvent, "event")
PENDING = f"""
SELECT {EVENT.columns} FROM events_event AS event
WHERE position IS NULL AND id <> ALL(%s::bigint[])
  AND (conversation_id IS NULL OR conversation_id <> ALL(%s::bigint[]))
ORDER BY id LIMIT %s
"""  # noqa: S608  the columns come from the model
PLACE = """
UPDATE events_event AS event SET position = place.position
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS place(id, occurred_at, position)
WHERE event.id = place.id AND event.occurred_at = place.occurred_at
"""


class Relay:
    """An engine of the worker; see the module's text."""

    name = "event-relay"

    def __init__(self) -> None:
        self._held: dict[int, _Hold] = {}
        self._leads = False

    def run(self, stop: threading.Event) -> None:
        """Relay until told to stop. Loses nothing when killed at any point."""
        ear = hints.Ear(hints.CHANNEL)
        try:
            while not stop.is_set():
                if not self._step():
                    ear.wait(POLL_SECONDS)
        finally:
            ear.close()
            connection.close()

    def drain(self) -> int:
        """Relay whatever is pending now and return how many events that was (for tests and shells)."""
        total = 0
        while count := self._relay_batch():
            total += count
        return total

    def _step(self) -> bool:
        """Do one batch; True when there may be more at once."""
        try:
            if connection.connection is None or connection.connection.closed or not self._leads:
                self._leads = self._take_the_lead()
            return self._leads and self._relay_batch() == BATCH
        except DatabaseFailure as failure:
            self._leads = False
            connection.close()
            log.warning("relay_without_database", error=type(failure).__name__)
            time.sleep(POLL_SECONDS)
            return False

    def _take_the_lead(self) -> bool:
        tenancy.bind_engine()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
            return bool(cursor.fetchone()[0])

    def _relay_batch(self) -> int:
        with tenancy.everyone():
            pending = self._pending()
            if not pending:
                return 0
            try:
                self._tell(pending)
            except AWAY:
                raise
            except Exception:
                log.exception("handler_failed_in_batch", events=len(pending))
                return self._one_by_one(pending)
            return len(pending)

    def _pending(self) -> list[Event]:
        """Return the next events to tell, leaving out what is held back and all that must wait behind it."""
        now = time.monotonic()
        held = {event_id: hold for event_id, hold in self._held.items() if hold.until > now}
        blocked = {hold.conversation_id for hold in held.values() if hold.conversation_id}
        with connection.cursor() as cursor:
            cursor.execute(PENDING, [list(held), list(blocked), BATCH])
            return [from_row(EVENT.build(row)) for row in cursor.fetchall()]

    def _tell(self, events: Sequence[Event]) -> None:
        with transaction.atomic():
            bus.tell(events)
            self._place(events)
        now = time.time()
        for event in events:
            relayed.labels(event.type).inc()
            if event.occurred_at:
                lag.observe(max(0.0, now - event.occurred_at.timestamp()))

    def _place(self, events: Sequence[Event]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('events_position') FROM generate_series(1, %s)", [len(events)])
            positions = sorted(row[0] for row in cursor.fetchall())
            cursor.execute(PLACE, [[e.id for e in events], [e.occurred_at for e in events], positions])

    def _one_by_one(self, events: Sequence[Event]) -> int:
        """Find the event whose handler fails, hold it back with its conversation, relay the rest."""
        told, held_conversations = 0, set[int]()
        for event in events:
            if event.conversation_id in held_conversations:
                continue
            try:
                self._tell([event])
            except AWAY:
                raise
            except Exception:
                log.exception("handler_failed", event_id=event.public_id, type=event.type)
                self._hold(event)
                if event.conversation_id:
                    held_conversations.add(event.conversation_id)
                continue
            self._held.pop(event.id, None)
            told += 1
        return told

    def _hold(self, event: Event) -> None:
        before = self._held.get(event.id)
        backoff = min(before.backoff * 2, LONGEST_BACKOFF_SECONDS) if before else FIRST_BACKOFF_SECONDS
        self._held[event.id] = _Hold(time.monotonic() + backoff, backoff, event.conversation_id)
        log.warning("event_held_back", event_id=event.public_id, retry_in=backoff)


@dataclass(frozen=True, slots=True)
class _Hold:
    """An event whose handler failed, and when it is tried again (monotonic seconds)."""

    until: float
    backoff: float
    conversation_id: int | None
