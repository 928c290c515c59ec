"""What happens to deliveries when time passes: each step does a bounded piece, as often as there is something left."""

import structlog
from django.conf import settings
from django.db import connection

from webhooks.policy import LONGEST_AGE_SECONDS
from webhooks.services import canceling
from webhooks.services.canceling import Reason

AT_ONCE = 2000
DAYS_AHEAD = 14
# Due for so long, a delivery waits for an endpoint that cannot be told; sooner it may only wait for its turn.
OVERDUE_SECONDS = 3600

log = structlog.get_logger(__name__)

OF_THE_DELETED = """
SELECT waits.id FROM webhooks_endpoint AS endpoint CROSS JOIN LATERAL (
    SELECT id FROM webhooks_delivery WHERE endpoint_id = endpoint.id AND state = 'pending' LIMIT %(most)s) AS waits
WHERE endpoint.deleted_at IS NOT NULL LIMIT %(most)s
"""
# As ``held.drop_unwanted`` has it, for every endpoint at once.
OF_UNTICKED_TYPES = """
SELECT delivery.id FROM webhooks_endpoint AS endpoint
JOIN webhooks_delivery AS delivery ON delivery.endpoint_id = endpoint.id
WHERE delivery.state = 'pending' AND delivery.rehearsal = '' AND delivery.trigger <> 'test' AND delivery.extra = 0
  AND cardinality(endpoint.events) > 0 AND delivery.type <> ALL(endpoint.events) LIMIT %(most)s
"""
# What no body is kept for can never be sent again, whatever its endpoint does.
WITHOUT_BODY = """
SELECT id FROM webhooks_delivery
WHERE state = 'pending' AND event_at < now() - make_interval(days => %(body_days)s + 1) LIMIT %(most)s
"""
UNWANTED = {
    OF_THE_DELETED: Reason.ENDPOINT_DELETED,
    OF_UNTICKED_TYPES: Reason.TYPE_UNWANTED,
    WITHOUT_BODY: Reason.BODY_GONE,
}
TOO_OLD = """
UPDATE webhooks_delivery SET state = 'exhausted', next_attempt_at = NULL, finished_at = now() WHERE id = ANY(ARRAY(
    SELECT delivery.id FROM webhooks_endpoint AS endpoint
    JOIN webhooks_health AS health ON health.endpoint_id = endpoint.id
    JOIN webhooks_delivery AS delivery ON delivery.endpoint_id = endpoint.id
    WHERE endpoint.state = 'active' AND endpoint.deleted_at IS NULL
      AND coalesce(health.resumed_at < now() - make_interval(secs => %(age)s), true)
      AND delivery.state = 'pending' AND delivery.extra = 0
      AND delivery.next_attempt_at < now() - make_interval(secs => %(overdue)s)
      AND delivery.created_at < now() - make_interval(secs => %(age)s) LIMIT %(most)s))
"""
PURGE = """
DELETE FROM webhooks_delivery WHERE id = ANY(ARRAY(
    SELECT id FROM webhooks_delivery WHERE finished_at < now() - make_interval(days => %(attempt_days)s)
      AND state NOT IN ('pending', 'delivering') ORDER BY finished_at LIMIT %(most)s))
"""
FORGOTTEN = """
UPDATE webhooks_health SET next_due_at = now() WHERE endpoint_id = ANY(ARRAY(
    SELECT health.endpoint_id FROM webhooks_health AS health
    JOIN webhooks_endpoint AS endpoint ON endpoint.id = health.endpoint_id
    WHERE health.next_due_at IS NULL AND endpoint.state = 'active' AND endpoint.deleted_at IS NULL
      AND EXISTS (SELECT FROM webhooks_delivery WHERE endpoint_id = endpoint.id AND state = 'pending')))
"""


def keep_days() -> int:
    """Make the next days of bodies and attempts, and drop those past retention; returns how many of either."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dexra_keep_days('webhooks_body', %s, %s) + dexra_keep_days('webhooks_attempt', %s, %s)",
            [DAYS_AHEAD, settings.BODY_RETENTION_DAYS, DAYS_AHEAD, settings.ATTEMPT_RETENTION_DAYS],
        )
        changed: int = cursor.fetchone()[0]
        return changed


def cancel_unwanted() -> int:
    """Cancel what waits for deleted endpoints, is of a type they do not listen to, or has nothing left to be sent."""
    total = 0
    for which, reason in UNWANTED.items():
        while found := _found(which):
            total += canceling.cancel_rows(found, reason)
    return total


def end_too_old() -> int:
    """End what could not be attempted in eighty hours; what a paused endpoint holds is kept for it."""
    return _all_of(TOO_OLD)


def purge() -> int:
    """Delete deliveries that ended so long ago that their attempts are no longer kept."""
    return _all_of(PURGE)


def remember_forgotten() -> int:
    """Make the engine look at endpoints that have something to do and are not due: there should be none."""
    found = _some_of(FORGOTTEN)
    if found:
        log.warning("webhook_endpoints_forgotten", endpoints=found)
    return found


def _all_of(statement: str) -> int:
    total = 0
    while (found := _some_of(statement)) >= AT_ONCE:
        total += found
    return total + found


def _some_of(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, _bounds())
        return int(cursor.rowcount)


def _found(statement: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, _bounds())
        return [delivery_id for (delivery_id,) in cursor.fetchall()]


def _bounds() -> dict[str, float]:
    return {
        "most": AT_ONCE,
        "age": LONGEST_AGE_SECONDS,
        "overdue": OVERDUE_SECONDS,
        "body_days": settings.BODY_RETENTION_DAYS,
        "attempt_days": settings.ATTEMPT_RETENTION_DAYS,
    }
