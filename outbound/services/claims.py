"""
Taking what is due: a few messages of each line that has room, under a lease that ends by itself.

The line is locked first and looked at in further statements. Whoever makes a message due changes the line's row in the
same transaction, so nothing that was committed before the lock is missed, and whatever comes later makes the line due
again. Nobody is waited for: rows that somebody else holds are left for next time. The claim and the open attempt are
committed before anything leaves: what a dead worker had begun shows as an attempt that was never closed.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models.functions import Now

from outbound import policy
from outbound.models import Line
from outbound.services.buckets import Ask, Buckets, Wait, Wish
from outbound.services.inboxes import Inboxes, Known
from outbound.services.slots import Looked, Share, Slots

LEASE_SECONDS = 90.0
LINES_AT_ONCE = 50
SCANNED = 1000  # of one line and lane; behind so many to people who are being written to, the others wait
BEHIND_SECONDS = 0.25
STRANGE_SECONDS = 60.0
MOMENT_SECONDS = 0.1

# What waits before a closed inbox is ended by whoever attends to the clock.
LOOK = """
SELECT line.inbox_id, line.environment_id, environment.kind = 'live',
       line.is_disconnected OR line.consecutive_faults >= %(faults)s, inbox.updated_at,
       (SELECT count(*)::int FROM outbound_dispatch WHERE inbox_id = line.inbox_id AND state = 'sending')
FROM outbound_line AS line
JOIN accounts_environment AS environment ON environment.id = line.environment_id
JOIN inboxes_inbox AS inbox ON inbox.id = line.inbox_id
WHERE line.next_due_at <= statement_timestamp() AND coalesce(line.paused_until <= statement_timestamp(), true)
  AND inbox.deleted_at IS NULL
ORDER BY line.next_due_at LIMIT %(lines)s FOR UPDATE OF line SKIP LOCKED
"""
# One message of a pair leaves at a time, the oldest first; what hurries may pass what does not, and whoever waits for
# long lets others pass. What is scheduled becomes a message first.
IS_HEAD = """
NOT EXISTS (
    SELECT FROM outbound_dispatch AS older
    WHERE older.inbox_id = due.inbox_id AND older.address = due.address AND older.id <> due.id
      AND (older.state = 'sending' OR older.state = 'waiting' AND older.id < due.id AND older.lane <= due.lane
           AND older.next_attempt_at <= statement_timestamp() + make_interval(secs => %(patience)s)))
AND (due.send_at IS NULL OR NOT EXISTS (
    SELECT FROM conversations_message WHERE id = due.message_id AND status = 'scheduled'))
"""
DUE = f"""
SELECT due.id, due.address, due.lane FROM (
    SELECT * FROM outbound_dispatch
    WHERE inbox_id = ask.inbox_id AND state = 'waiting' AND lane = {{lane}}
      AND next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at LIMIT {SCANNED}) AS due
WHERE {IS_HEAD} ORDER BY due.next_attempt_at LIMIT {{most}}
"""  # noqa: S608  put together from the texts above
CANDIDATES = f"""
SELECT ask.inbox_id, due.id, due.address, due.lane
FROM unnest(%(inboxes)s::bigint[], %(most)s::int[], %(urgent)s::int[]) AS ask(inbox_id, most, urgent)
CROSS JOIN LATERAL (
    ({DUE.format(lane=0, most="ask.most + ask.urgent")}) UNION ALL ({DUE.format(lane=1, most="ask.most")})
    UNION ALL ({DUE.format(lane=2, most="ask.most")}) LIMIT ask.most + ask.urgent) AS due
"""  # noqa: S608  the same
TAKE = """
WITH held AS MATERIALIZED (
    SELECT id FROM outbound_dispatch WHERE id = ANY(%(ids)s) AND state = 'waiting' FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE outbound_dispatch SET state = 'sending', tries = tries + 1, lease_token = %(token)s,
        lease_until = statement_timestamp() + make_interval(secs => %(lease)s)
    WHERE id IN (SELECT id FROM held)
    RETURNING id, environment_id, inbox_id, message_id, conversation_id, livemode, lane, tries, address,
              extract(epoch FROM statement_timestamp() - greatest(created_at, send_at))::float8
), opened AS (
    INSERT INTO outbound_attempt (environment_id, dispatch_id, n, state, started_at, code, detail, provider_code)
    SELECT environment_id, id, tries, 'open', statement_timestamp(), '', '', '' FROM claimed
)
SELECT * FROM claimed ORDER BY lane, id
"""
PUT_OFF = """
WITH asked(id, wait) AS (SELECT * FROM unnest(%(ids)s::bigint[], %(waits)s::float8[])), held AS MATERIALIZED (
    SELECT id FROM outbound_dispatch WHERE id = ANY(%(ids)s) AND state = 'waiting' FOR UPDATE SKIP LOCKED
)
UPDATE outbound_dispatch AS dispatch SET next_attempt_at = statement_timestamp() + make_interval(secs => asked.wait)
FROM asked WHERE dispatch.id = asked.id AND dispatch.id IN (SELECT id FROM held)
"""
# When a line is looked at again: when something is due; soon, where something due waits for what goes before it; by
# whoever has a free slot, where it had no room.
NOTE = f"""
UPDATE outbound_line AS line SET next_due_at = CASE
    WHEN asked.wait > 0 THEN statement_timestamp() + make_interval(secs => asked.wait)
    WHEN waits.due_at <= statement_timestamp()
    THEN statement_timestamp() + make_interval(secs => CASE WHEN asked.is_full THEN 0 ELSE {BEHIND_SECONDS} END)
    ELSE waits.due_at END
FROM unnest(%(inboxes)s::bigint[], %(waits)s::float8[], %(full)s::boolean[]) AS asked(inbox_id, wait, is_full),
     LATERAL (SELECT min(first.due_at) AS due_at FROM (VALUES (0), (1), (2)) AS each(lane), LATERAL (
         SELECT next_attempt_at AS due_at FROM outbound_dispatch
         WHERE inbox_id = asked.inbox_id AND lane = each.lane AND state = 'waiting'
         ORDER BY next_attempt_at LIMIT 1) AS first) AS waits
WHERE line.inbox_id = asked.inbox_id
RETURNING line.inbox_id, extract(epoch FROM line.next_due_at - statement_timestamp())::float8
"""  # noqa: S608  the same


class Claimed(NamedTuple):
    """A message that is this process's to send until its lease ends."""

    id: int
    environment_id: int
    inbox_id: int
    message_id: int
    conversation_id: int
    livemode: bool
    lane: int
    tries: int
    address: str
    age: float  # seconds since it was queued
    token: UUID
    ends_at: float  # of the lease, in monotonic seconds


@dataclass(slots=True)
class Claim:
    """
    What was taken, and in how many seconds the next line is due; None: none of those that were looked at.

    ``is_hungry``: a line had more due than room; it is to be looked at as soon as a slot is free.
    """

    dispatches: list[Claimed] = field(default_factory=list)
    next_due: float | None = None
    is_hungry: bool = False


class _Due(NamedTuple):
    """A message that may be taken."""

    id: int
    address: str
    lane: int


class Claimer:
    """Takes what is due within what the slots and the buckets allow; lives in one thread."""

    def __init__(self, inboxes: Inboxes, buckets: Buckets) -> None:
        self._inboxes = inboxes
        self._buckets = buckets

    @transaction.atomic
    def claim(self, slots: Slots) -> Claim:
        """Take what is due, in one transaction. Raises django.db.Error."""
        rows = _fetch(LOOK, {"faults": policy.FAULTS_TO_REST, "lines": LINES_AT_ONCE})
        if not rows:
            return Claim()
        busy = {row[0]: row[5] for row in rows}
        known = self._inboxes.known({row[0]: row[4] for row in rows})
        looked = [Looked(*row[:4]) for row in rows if row[0] in known]
        _leave_alone([row[0] for row in rows if row[0] not in known])
        shares = [
            Share() if one.is_probing and busy[one.inbox_id] else share
            for one, share in zip(looked, slots.deal(looked), strict=True)
        ]
        due = _candidates(looked, shares)
        asks, sandboxed = [], list[_Due]()
        for one in looked:
            if not one.livemode:
                sandboxed += due[one.inbox_id]
            elif due[one.inbox_id]:
                asks.append(self._ask(one, known[one.inbox_id], due[one.inbox_id]))
        waits = dict(zip((ask.inbox_id for ask in asks), self._buckets.take(asks), strict=True))
        allowed = [each.id for each in sandboxed] + _allowed(due, waits)
        taken = self._take(allowed)
        _put_off(due, waits)
        full = [share.most <= len(due[one.inbox_id]) for one, share in zip(looked, shares, strict=True)]
        next_due = _note(looked, full, waits)
        if len(rows) == LINES_AT_ONCE:  # there may be more of them
            next_due = 0.0
        return Claim(taken, next_due, is_hungry=any(full))

    def _ask(self, one: Looked, known: Known, due: Sequence[_Due]) -> Ask:
        wishes = [Wish(each.address, each.lane) for each in due]
        return Ask(one.environment_id, one.inbox_id, known.limits.account_rate, known.limits.recipient_rate, wishes)

    def _take(self, ids: Sequence[int]) -> list[Claimed]:
        if not ids:
            return []
        token, ends_at = uuid4(), time.monotonic() + LEASE_SECONDS
        rows = _fetch(TAKE, {"ids": list(ids), "token": token, "lease": LEASE_SECONDS})
        return [Claimed(*[*row, token, ends_at]) for row in rows]


def _leave_alone(inbox_ids: Sequence[int]) -> None:
    """Let lines be whose channel another version of us speaks."""
    if inbox_ids:
        due_at = Now() + timedelta(seconds=STRANGE_SECONDS)
        Line.unscoped.filter(pk__in=inbox_ids).update(next_due_at=due_at)


def _candidates(looked: Sequence[Looked], shares: Sequence[Share]) -> dict[int, list[_Due]]:
    """Return what may be taken of each line, one message of a pair."""
    found: dict[int, list[_Due]] = {one.inbox_id: [] for one in looked}
    pairs = set[tuple[int, str]]()
    params = {
        "inboxes": [one.inbox_id for one in looked],
        "most": [share.most for share in shares],
        "urgent": [share.urgent for share in shares],
        "patience": policy.PATIENCE_SECONDS,
    }
    for inbox_id, *due in _fetch(CANDIDATES, params):
        each = _Due(*due)
        if (inbox_id, each.address) not in pairs:
            pairs.add((inbox_id, each.address))
            found[inbox_id].append(each)
    return found


def _allowed(due: Mapping[int, Sequence[_Due]], waits: Mapping[int, Sequence[Wait]]) -> list[int]:
    return [
        each.id
        for inbox_id, found in waits.items()
        for each, wait in zip(due[inbox_id], found, strict=True)
        if wait.seconds == 0
    ]


def _put_off(due: Mapping[int, Sequence[_Due]], waits: Mapping[int, Sequence[Wait]]) -> None:
    """Let those wait whose recipient has had enough for now."""
    late = [
        (each.id, wait.seconds)
        for inbox_id, found in waits.items()
        for each, wait in zip(due[inbox_id], found, strict=True)
        if wait.seconds and not wait.by_all
    ]
    if late:
        with connection.cursor() as cursor:
            cursor.execute(PUT_OFF, {"ids": [pk for pk, _ in late], "waits": [wait for _, wait in late]})


def _note(looked: Sequence[Looked], full: Sequence[bool], waits: Mapping[int, Sequence[Wait]]) -> float | None:
    """
    Say of each line when it is to be looked at again; returns in how many seconds the first is that had room.

    Tokens that come one by one are let come together for a moment; what hurries has its line looked at by itself.
    """
    by_all = {
        inbox_id: max(MOMENT_SECONDS, *(wait.seconds for wait in found if wait.by_all))
        for inbox_id, found in waits.items()
        if any(wait.by_all for wait in found)
    }
    params = {
        "inboxes": [one.inbox_id for one in looked],
        "waits": [by_all.get(one.inbox_id, 0.0) for one in looked],
        "full": list(full),
    }
    had_room = {
        one.inbox_id for one, is_full in zip(looked, full, strict=True) if not is_full or one.inbox_id in by_all
    }
    due_in = [seconds for inbox_id, seconds in _fetch(NOTE, params) if inbox_id in had_room and seconds is not None]
    return min(due_in, default=None)


def _fetch(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
