"""
Taking what is due: a few deliveries of each endpoint that has room, under a lease that ends by itself.

The endpoint's row in ``webhooks_health`` is locked first and looked at in a second statement. Whoever makes a delivery
due changes that row in the same transaction, so nothing that was committed before the lock is missed, and whatever
comes later makes the endpoint due again. Nobody is waited for: rows that somebody else holds are left for next time.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from core.postgres.loops import Connection
from webhooks.services.slots import Looked, Slots

LEASE_SECONDS = 60.0
ENDPOINTS_AT_ONCE = 50
# How often a delivery may be claimed without an attempt that was written down: it seems to kill whoever takes it.
MOST_CLAIMS = 5
EXPIRED_AT_ONCE = 500
NO_ROOM_SECONDS = 0.25

LOOK = """
SELECT health.endpoint_id, health.environment_id, environment.kind = 'live', health.in_flight_cap::int
FROM webhooks_health AS health JOIN accounts_environment AS environment ON environment.id = health.environment_id
WHERE health.endpoint_id = ANY(ARRAY(
    (SELECT endpoint_id FROM webhooks_health WHERE next_due_at <= statement_timestamp() ORDER BY next_due_at LIMIT %b)
    UNION SELECT unnest(%b::bigint[])))
ORDER BY health.next_due_at FOR UPDATE OF health SKIP LOCKED
"""
# What somebody asked for by hand goes first, and is not held back with the rest; a test is not even by a pause.
URGENT = "trigger IN ('manual', 'test', 'rehearsal') AND (asked.is_active OR asked.stands AND trigger = 'test')"
ORDINARY = "trigger NOT IN ('manual', 'test', 'rehearsal')"
# A rate's bucket holds what comes together in a quarter of a second, and one at least.
ASKED = """
SELECT ask.endpoint_id, ask.most, endpoint.dialect, endpoint.rate_per_second AS rate, bucket.tokens, health.hold_until,
       coalesce(extract(epoch FROM statement_timestamp() - health.resumed_at)::float8, 'infinity') AS told_for,
       endpoint.deleted_at IS NULL AS stands,
       endpoint.deleted_at IS NULL AND endpoint.state = 'active' AS is_active,
       coalesce(health.hold_until > statement_timestamp(), false) AS is_held,
       least(health.in_flight_cap, endpoint.max_in_flight) - busy.count AS vacant
FROM unnest(%(endpoints)b::bigint[], %(most)b::int[]) AS ask(endpoint_id, most)
JOIN webhooks_health AS health ON health.endpoint_id = ask.endpoint_id
JOIN webhooks_endpoint AS endpoint ON endpoint.id = ask.endpoint_id
CROSS JOIN LATERAL (
    SELECT count(*)::int FROM webhooks_delivery WHERE endpoint_id = ask.endpoint_id AND state = 'delivering') AS busy
CROSS JOIN LATERAL (
    SELECT CASE WHEN endpoint.rate_per_second IS NOT NULL THEN
        least(greatest(1, endpoint.rate_per_second / 4),
              coalesce(health.tokens + endpoint.rate_per_second
                       * extract(epoch FROM statement_timestamp() - health.tokens_at)::float8, 'infinity'))
    END AS tokens) AS bucket
"""
TAKEN = f"""
SELECT asked.endpoint_id, due.id FROM asked
CROSS JOIN LATERAL (SELECT greatest(0, least(most, vacant, coalesce(floor(tokens)::int, most))) AS room) AS has
CROSS JOIN LATERAL (
    SELECT id FROM (
        SELECT id FROM (
            SELECT id FROM webhooks_delivery
            WHERE endpoint_id = asked.endpoint_id AND state = 'pending' AND {URGENT}
              AND next_attempt_at <= statement_timestamp()
            ORDER BY next_attempt_at LIMIT has.room FOR UPDATE SKIP LOCKED) AS urgent
        UNION ALL
        SELECT id FROM (
            SELECT id FROM webhooks_delivery
            WHERE endpoint_id = asked.endpoint_id AND state = 'pending' AND {ORDINARY}
              AND next_attempt_at <= statement_timestamp() AND asked.is_active AND NOT asked.is_held
              AND (tries = 0 OR NOT %(only_first)b)
            ORDER BY next_attempt_at LIMIT has.room FOR UPDATE SKIP LOCKED) AS ordinary
    ) AS both_kinds LIMIT has.room) AS due
"""  # noqa: S608  put together from the texts above
WAITS = f"""
SELECT asked.*, taken.count, least(urgent.at, ordinary.at) AS due_at FROM asked
CROSS JOIN LATERAL (SELECT count(*)::int FROM taken WHERE taken.endpoint_id = asked.endpoint_id) AS taken
LEFT JOIN LATERAL (
    SELECT next_attempt_at AS at FROM webhooks_delivery
    WHERE endpoint_id = asked.endpoint_id AND state = 'pending' AND {URGENT} AND id NOT IN (SELECT id FROM taken)
    ORDER BY next_attempt_at LIMIT 1) AS urgent ON true
LEFT JOIN LATERAL (
    SELECT greatest(next_attempt_at, asked.hold_until) AS at FROM webhooks_delivery
    WHERE endpoint_id = asked.endpoint_id AND state = 'pending' AND {ORDINARY} AND id NOT IN (SELECT id FROM taken)
    ORDER BY next_attempt_at LIMIT 1) AS ordinary ON asked.is_active
"""  # noqa: S608  the same
TAKE = f"""
WITH asked AS MATERIALIZED ({ASKED}), taken AS MATERIALIZED ({TAKEN}), claimed AS (
    UPDATE webhooks_delivery SET
        state = 'delivering', claims = claims + 1, lease_token = %(token)b,
        lease_until = statement_timestamp() + make_interval(secs => %(lease)b)
    WHERE id = ANY(ARRAY(SELECT id FROM taken))
    RETURNING id, environment_id, endpoint_id, event_id, event_at, type, livemode, rehearsal, trigger, attempts, tries,
              extra, extract(epoch FROM statement_timestamp() - created_at)::float8
), waits AS MATERIALIZED ({WAITS}), looks AS MATERIALIZED (
    SELECT *, CASE
        WHEN due_at > statement_timestamp() THEN extract(epoch FROM due_at - statement_timestamp())::float8
        WHEN tokens < count + 1 THEN (count + 1 - tokens) / rate
        WHEN count = most AND most BETWEEN 1 AND vacant - 1 THEN 0
        ELSE {NO_ROOM_SECONDS} END AS seconds
    FROM waits
), noted AS (
    UPDATE webhooks_health AS health SET
        next_due_at = CASE WHEN looks.due_at IS NOT NULL
                      THEN statement_timestamp() + make_interval(secs => looks.seconds) END,
        tokens = coalesce(looks.tokens - looks.count, 0),
        tokens_at = CASE WHEN looks.tokens IS NOT NULL THEN statement_timestamp() END
    FROM looks WHERE health.endpoint_id = looks.endpoint_id
)
SELECT looks.endpoint_id, CASE WHEN looks.due_at IS NOT NULL THEN looks.seconds END, looks.told_for, claimed.*
FROM looks LEFT JOIN claimed ON claimed.endpoint_id = looks.endpoint_id
"""  # noqa: S608  the same
# The first and the last day spare a look into all the others.
READ = """
SELECT body.event_id, body.dialect, body.type, body.content
FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::timestamptz[]) AS wanted(event_id, dialect, type, event_at)
JOIN webhooks_body AS body ON body.event_id = wanted.event_id AND body.dialect = wanted.dialect
    AND body.type = wanted.type AND body.event_at = wanted.event_at
WHERE body.event_at BETWEEN %b AND %b
"""
EXPIRE = """
WITH expired AS (
    UPDATE webhooks_delivery SET
        state = CASE WHEN claims >= %(most)b THEN 'quarantined' ELSE 'pending' END,
        next_attempt_at = CASE WHEN claims >= %(most)b THEN NULL ELSE next_attempt_at END,
        finished_at = CASE WHEN claims >= %(most)b THEN statement_timestamp() END,
        extra = CASE WHEN claims >= %(most)b THEN 0 ELSE extra END,
        lease_token = NULL, lease_until = NULL
    WHERE id = ANY(ARRAY(SELECT id FROM webhooks_delivery WHERE state = 'delivering'
                         AND lease_until <= statement_timestamp() LIMIT %(limit)b FOR UPDATE SKIP LOCKED))
    RETURNING id, endpoint_id, state
), locked AS (
    SELECT endpoint_id FROM webhooks_health WHERE endpoint_id IN (SELECT endpoint_id FROM expired)
    ORDER BY endpoint_id FOR UPDATE
), noted AS (
    UPDATE webhooks_health AS health SET next_due_at = least(next_due_at, statement_timestamp())
    FROM locked WHERE health.endpoint_id = locked.endpoint_id
)
SELECT count(*), coalesce(array_agg(id) FILTER (WHERE state = 'quarantined'), '{}'),
       extract(epoch FROM statement_timestamp())::float8
FROM expired
"""


class Claimed(NamedTuple):
    """A delivery that is this process's to attempt until its lease ends."""

    id: int
    environment_id: int
    endpoint_id: int
    event_id: int
    event_at: datetime
    type: str
    livemode: bool
    rehearsal: str
    trigger: str
    attempts: int  # of the schedule's, this one not included
    tries: int
    extra: int
    age: float  # seconds, of which those it was held for do not count
    token: UUID
    ends_at: float  # of the lease, in monotonic seconds

    @property
    def is_extra(self) -> bool:
        """Whether somebody asked for this attempt, beside the schedule's."""
        return self.extra > 0

    @property
    def is_retry(self) -> bool:
        """Whether it was attempted before."""
        return self.tries > 0


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken, and in how many seconds each endpoint is to be looked at again; None where nothing waits."""

    deliveries: list[Claimed]
    looks: dict[int, float | None]


NOTHING = Claim([], {})


class Expired(NamedTuple):
    """How many leases had ended, which deliveries were set aside, and the database's clock (Unix seconds)."""

    ended: int
    set_aside: list[int]
    moment: float


async def claim(connection: Connection, slots: Slots, clock: Callable[[], float], also: Collection[int] = ()) -> Claim:
    """
    Take what is due within what ``slots`` allow, of the endpoints that are due and of ``also`` these.

    Call it in a transaction. ``clock`` gives monotonic seconds. Raises psycopg.Error.
    """
    cursor = await connection.execute(LOOK, [ENDPOINTS_AT_ONCE, list(also)], binary=True)
    looked = [Looked(*row) for row in await cursor.fetchall()]
    if not looked:
        return NOTHING
    deal, token, ends_at = slots.deal(looked), uuid4(), clock() + LEASE_SECONDS
    cursor = await connection.execute(
        TAKE,
        {
            "endpoints": [one.endpoint_id for one in looked],
            "most": deal.most,
            "only_first": deal.only_first,
            "token": token,
            "lease": LEASE_SECONDS,
        },
        binary=True,
    )
    taken: list[Claimed] = []
    looks: dict[int, float | None] = {}
    for endpoint_id, seconds, told_for, *columns, age in await cursor.fetchall():
        looks[endpoint_id] = seconds
        if age is not None:
            taken.append(Claimed(*[*columns, min(age, told_for), token, ends_at]))
    return Claim(taken, looks)


async def read_bodies(
    connection: Connection, wanted: Collection[tuple[int, str, str, datetime]]
) -> dict[tuple[int, str, str], bytes]:
    """
    Return what is to be sent, by event, dialect and type, for those and the time of their events.

    What is no longer kept is missing, what was erased is empty. Raises psycopg.Error.
    """
    rows = list(set(wanted))
    times = [event_at for *_, event_at in rows]
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor = await connection.execute(READ, [*columns, min(times), max(times)], binary=True)
    return {(event_id, dialect, kind): content for event_id, dialect, kind, content in await cursor.fetchall()}


async def expire(connection: Connection) -> Expired:
    """Let others have what was claimed and whose lease has ended, or set it aside. Raises psycopg.Error."""
    cursor = await connection.execute(EXPIRE, {"most": MOST_CLAIMS, "limit": EXPIRED_AT_ONCE}, binary=True)
    found = await cursor.fetchone()
    assert found is not None
    return Expired(*found)
