"""
Taking up what waits: each inbox by one worker at a time, in the order it came.

An inbox belongs to whoever holds its advisory lock, which PostgreSQL lets go of the moment its holder dies: another
worker then goes on at once, and nobody waits for a lease to end. What was taken up and not finished is simply still
there.

Each time something is taken up is written down before it is handled, and taken back when it comes to an end, whichever.
What never does, because it kills whoever handles it, is tried alone after the second time, so that nothing else is
blamed for it, and is set aside after the fifth.
"""

from collections.abc import Collection, Sequence

from django.db import connection

from core.rows import Shape
from inbound.models import SUSPECT_AFTER, RawCallback
from inboxes.models import Inbox

OWNERS = 0x_DE_5B << 40  # the upper half of the advisory locks' numbers; the lower is the inbox
MOST_OF_AN_INBOX = 100
MOST_BYTES = 64 * 1024 * 1024
MOST_BEGUN = 5  # so many workers may end with a callback in their hands
ROW = Shape(RawCallback, "callback")

# From inbox to inbox along the index, however much waits in each.
WAITING = """
WITH RECURSIVE inbox(id) AS (
    SELECT min(inbox_id) FROM inbound_rawcallback WHERE state = 'waiting'
    UNION ALL
    SELECT (SELECT min(inbox_id) FROM inbound_rawcallback WHERE state = 'waiting' AND inbox_id > inbox.id)
    FROM inbox WHERE inbox.id IS NOT NULL
)
SELECT id FROM inbox WHERE id IS NOT NULL AND EXISTS (
    SELECT FROM inbound_rawcallback AS callback
    WHERE callback.inbox_id = inbox.id AND state = 'waiting' AND next_attempt_at <= statement_timestamp()
      AND callback.id <> ALL(%s::bigint[]))
"""
LOCK = "SELECT id FROM unnest(%s::bigint[]) AS id WHERE pg_try_advisory_lock(%s + id)"
UNLOCK = "SELECT pg_advisory_unlock(%s + id) FROM unnest(%s::bigint[]) AS id"
TAKE = f"""
WITH due AS (
    SELECT oldest.id FROM unnest(%s::bigint[]) AS inbox(id) CROSS JOIN LATERAL (
        SELECT callback.id, sum(octet_length(body)) OVER oldest_first AS bytes, row_number() OVER oldest_first AS place
        FROM (SELECT id, body, next_attempt_at FROM inbound_rawcallback
              WHERE inbox_id = inbox.id AND state = 'waiting' AND next_attempt_at <= statement_timestamp()
                AND begun < {SUSPECT_AFTER} AND id <> ALL(%s::bigint[])
              ORDER BY next_attempt_at, id LIMIT %s) AS callback
        WINDOW oldest_first AS (ORDER BY next_attempt_at, callback.id)) AS oldest
    WHERE oldest.place = 1 OR oldest.bytes <= %s
)
UPDATE inbound_rawcallback AS callback SET attempts = callback.attempts + 1, begun = callback.begun + 1
FROM due WHERE callback.id = due.id AND callback.state = 'waiting'
RETURNING {ROW.columns}
"""  # noqa: S608  the columns come from the model
SUSPECT = f"""
SELECT id FROM inbound_rawcallback AS callback
WHERE inbox_id = ANY(%s::bigint[]) AND state = 'waiting' AND next_attempt_at <= statement_timestamp()
  AND begun >= {SUSPECT_AFTER} AND id <> ALL(%s::bigint[])
ORDER BY next_attempt_at, id LIMIT 1
"""  # noqa: S608  a number of ours
TAKE_ALONE = f"""
UPDATE inbound_rawcallback AS callback SET attempts = callback.attempts + 1, begun = callback.begun + 1
WHERE callback.id = %s AND callback.state = 'waiting' RETURNING {ROW.columns}
"""  # noqa: S608  the columns come from the model
GIVE_BACK = "UPDATE inbound_rawcallback SET begun = greatest(begun - 1, 0) WHERE id = ANY(%s) AND state = 'waiting'"


def waiting(in_flight: Collection[int]) -> list[int]:
    """Return the inboxes that have something due that is not ``in_flight`` here already."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [list(in_flight)])
        return [pk for (pk,) in cursor.fetchall()]


def own(inbox_ids: Collection[int]) -> set[int]:
    """Lock inboxes for this connection; returns those that nobody else has."""
    if not inbox_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [list(inbox_ids), OWNERS])
        return {pk for (pk,) in cursor.fetchall()}


def disown(inbox_ids: Collection[int]) -> None:
    """Let other workers have inboxes."""
    if inbox_ids:
        with connection.cursor() as cursor:
            cursor.execute(UNLOCK, [OWNERS, list(inbox_ids)])


def take(inbox_ids: Sequence[int], in_flight: Collection[int]) -> list[RawCallback]:
    """
    Take up what is due in inboxes of ours, oldest first; each time counts as an attempt.

    Of each inbox at most so many, and so many bytes: mails bring their files along.
    """
    if not inbox_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [list(inbox_ids), list(in_flight), MOST_OF_AN_INBOX, MOST_BYTES])
        rows = [ROW.build(row) for row in cursor.fetchall()]
    return sorted(_with_inboxes(rows), key=lambda row: int(row.pk))


def suspect(inbox_ids: Collection[int], in_flight: Collection[int]) -> int | None:
    """Return the first due callback of inboxes of ours that ended workers; there is hardly ever one."""
    with connection.cursor() as cursor:
        cursor.execute(SUSPECT, [list(inbox_ids), list(in_flight)])
        found = cursor.fetchone()
    return None if found is None else int(found[0])


def take_alone(callback_id: int) -> list[RawCallback]:
    """Take up one suspect; nothing else may be in flight, nor be taken up, until it has ended."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_ALONE, [callback_id])
        return _with_inboxes([ROW.build(row) for row in cursor.fetchall()])


def is_alone(callback: RawCallback) -> bool:
    """Whether a callback that was taken up is a suspect."""
    return callback.begun > SUSPECT_AFTER


def give_back(callback_ids: Collection[int]) -> None:
    """Take it back that callbacks were begun: their worker lives, and it was not for them that they came to no end."""
    if callback_ids:
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, [list(callback_ids)])


def _with_inboxes(rows: list[RawCallback]) -> list[RawCallback]:
    wanted = {row.inbox_id for row in rows}
    inboxes = {each.pk: each for each in Inbox.unscoped.select_related("environment").filter(pk__in=wanted)}
    for row in rows:
        row.inbox = inboxes[row.inbox_id]
    return rows
