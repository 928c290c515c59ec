"""How much waits for customers' servers, in each lane; and how those servers do."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from events.backlog import LATE_SECONDS, Backlog

LANES = ("first", "retry", "sandbox", "busy")
COUNTED_OF_EACH = 1000  # due rows of one endpoint; the oldest ones
# Every endpoint that is told is asked for its oldest rows, whether the engine means to look at it or not: what it has
# lost sight of must show here. A dead one is not asked, however much is held for it. What is due waits for us, unless
# its endpoint was left alone until a moment ago, or has as much to do as it may.
DUE = """
WITH told AS MATERIALIZED (
    SELECT endpoint.id, greatest(endpoint.updated_at, health.hold_until) AS since,
           least(health.in_flight_cap, endpoint.max_in_flight) AS cap,
           coalesce(health.tokens + endpoint.rate_per_second
                    * extract(epoch FROM statement_timestamp() - health.tokens_at) < 1, false) AS is_throttled
    FROM webhooks_endpoint AS endpoint JOIN webhooks_health AS health ON health.endpoint_id = endpoint.id
    WHERE endpoint.state = 'active' AND endpoint.deleted_at IS NULL
      AND coalesce(health.hold_until <= statement_timestamp(), true)
), due AS MATERIALIZED (
    SELECT told.id, cap, is_throttled, livemode, tries > 0 AS is_retry,
           extract(epoch FROM statement_timestamp() - greatest(next_attempt_at, since))::float8 AS age
    FROM told CROSS JOIN LATERAL (
        SELECT livemode, tries, next_attempt_at FROM webhooks_delivery
        WHERE endpoint_id = told.id AND state = 'pending' AND next_attempt_at <= statement_timestamp()
        ORDER BY next_attempt_at LIMIT %(most)s) AS oldest
), of_each AS MATERIALIZED (
    SELECT livemode, is_retry, count(*), max(age) AS age, count(*) FILTER (WHERE age > %(late)s) AS late,
           is_throttled OR cap <= (SELECT count(*) FROM webhooks_delivery WHERE endpoint_id = due.id
                                   AND state = 'delivering' AND lease_until > statement_timestamp()) AS is_busy
    FROM due GROUP BY id, cap, is_throttled, livemode, is_retry
)
SELECT CASE WHEN is_busy THEN 'busy' WHEN NOT livemode THEN 'sandbox' WHEN is_retry THEN 'retry' ELSE 'first' END,
       sum(count)::int, greatest(max(age), 0), sum(late)::int
FROM of_each GROUP BY 1
"""
# What could not be signed is tried again every minute. One fails once its people were told that it does.
STANDING = """
SELECT count(*) FILTER (WHERE is_active),
       count(*) FILTER (WHERE is_active AND greatest(last_success_at, last_failure_at) > now() - interval '1 hour'),
       count(*) FILTER (WHERE is_failing),
       count(*) FILTER (WHERE state = 'disabled' AND disabled_reason <> 'manual'),
       count(*) FILTER (WHERE is_active
                        AND signing_failed_at > greatest(last_success_at, now() - interval '5 minutes')),
       coalesce((array_agg(split_part(url, '?', 1) ORDER BY consecutive_failures DESC) FILTER (WHERE is_failing))[:3],
                '{}')
FROM (SELECT *, state = 'active' AS is_active, state = 'active' AND told_stage > 0 AS is_failing
      FROM webhooks_endpoint JOIN webhooks_health ON endpoint_id = id WHERE deleted_at IS NULL) AS endpoint
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How endpoints do: how many are told, and were in the last hour; how many fail, and were switched off for it.

    For ``unsigned`` of them nothing can be signed, because no key of ours opens their secrets.
    ``worst`` are the URLs of the three that failed most often in a row.
    """

    active: int
    at_work: int
    failing: int
    switched_off: int
    unsigned: int
    worst: list[str]


def lanes() -> Mapping[str, Backlog]:
    """
    Return what is due and has not left, by lane: live first attempts, live retries, the sandbox, and in ``busy`` what
    waits for an endpoint that has as much in flight, or as many in a second, as it may.

    Of each endpoint the 1,000 oldest are counted. What is held, or due later, waits for nobody and is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"most": COUNTED_OF_EACH, "late": LATE_SECONDS})
        found = {lane: Backlog(*figures) for lane, *figures in cursor.fetchall()}
    return {lane: found.get(lane, Backlog(0, 0.0, 0)) for lane in LANES}


def standing() -> Standing:
    """Return how endpoints do."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING)
        return Standing(*cursor.fetchone())
