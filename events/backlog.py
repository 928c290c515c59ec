"""How much waits in the log, and whether anybody takes it."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from events.relay import LEADER_LOCK

LATE_SECONDS = 10

BACKLOG = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8,
       count(*) FILTER (WHERE occurred_at < clock_timestamp() - make_interval(secs => %s))
FROM events_event WHERE position IS NULL
"""
LEADER = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid::bigint = %s
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
DAYS = """
SELECT inhparent::regclass::text, count(*) FILTER (WHERE day.relname ~ '_[0-9]{8}$'),
       max(to_date(substring(day.relname FROM '[0-9]{8}$'), 'YYYYMMDD')),
       coalesce(sum(pg_total_relation_size(day.oid)), 0)::bigint,
       coalesce(max(day.reltuples) FILTER (WHERE day.relname ~ '_default$'), 0) > 0
FROM pg_inherits JOIN pg_class AS day ON day.oid = inhrelid WHERE inhparent = ANY(%s::regclass[])
GROUP BY inhparent
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one queue; a row is late when it has waited for more than ten seconds."""

    waiting: int
    oldest_seconds: float
    late: int


@dataclass(frozen=True, slots=True)
class Days:
    """The partitions of a table kept by days; stray rows are of days that had no partition yet."""

    count: int
    last: date | None
    size_bytes: int
    has_strays: bool


def backlog() -> Backlog:
    """Return what waits for the relay: new events, and those it holds back because a handler fails."""
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG, [LATE_SECONDS])
        return Backlog(*cursor.fetchone())


def has_relay() -> bool:
    """Whether a relay is at work, on any machine."""
    with connection.cursor() as cursor:
        cursor.execute(LEADER, [LEADER_LOCK])
        return bool(cursor.fetchone()[0])


def days(*tables: str) -> dict[str, Days]:
    """Return how far the partitions of tables that are kept by days go, and how much they hold: ``{table: days}``."""
    with connection.cursor() as cursor:
        cursor.execute(DAYS, [list(tables)])
        return {table: Days(*figures) for table, *figures in cursor.fetchall()}
