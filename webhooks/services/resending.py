"""Attempts that somebody asked for, beside those of the schedule."""

from collections.abc import Collection, Sequence

from django.db import connection, transaction

from core.errors import Conflict, Gone
from webhooks import queries
from webhooks.models import Delivery
from webhooks.services import hints

MOST_WAITING = 20
# While an attempt is under way the row keeps its state; how it ends is settled first, then comes this one. A row that
# was set aside because it seemed to kill its worker gets its chances anew. What was asked for first goes first.
ASK = """
UPDATE webhooks_delivery AS delivery SET
    extra = extra + 1,
    trigger = %(trigger)s,
    returns_to = CASE WHEN extra = 0 AND state <> 'delivering' THEN state ELSE returns_to END,
    returns_at = CASE WHEN extra = 0 AND state <> 'delivering' THEN next_attempt_at ELSE returns_at END,
    claims = CASE WHEN state = 'quarantined' THEN 0 ELSE claims END,
    state = CASE WHEN state = 'delivering' THEN state ELSE 'pending' END,
    next_attempt_at = statement_timestamp() + asked.place * interval '1 microsecond'
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked(id, place)
WHERE delivery.id = asked.id AND extra < %(most)s
"""
# The rows are locked in the order everybody locks them in.
WAKE = """
UPDATE webhooks_health SET next_due_at = least(coalesce(next_due_at, statement_timestamp()), statement_timestamp())
WHERE endpoint_id IN (SELECT endpoint_id FROM webhooks_health WHERE endpoint_id = ANY(%s) ORDER BY 1 FOR NO KEY UPDATE)
"""


@transaction.atomic
def resend(*, delivery: Delivery) -> Delivery:
    """
    Attempt a delivery once more, as soon as its endpoint is told; its schedule goes on as if nothing had happened.

    Asked twice, it is attempted twice. Raises Conflict when the endpoint is deleted, when it was a rehearsal, or when
    too many attempts wait already; Gone when there is nothing left to send.
    """
    if delivery.endpoint.deleted_at is not None:
        raise Conflict("The endpoint of this delivery was deleted.", code="endpoint_deleted")
    if delivery.rehearsal:
        raise Conflict("A rehearsal is made once; ask for another: redeliver its event.", code="is_rehearsal")
    content = queries.body_of(delivery)
    if content is None:
        raise Gone("What was sent is too old to be kept: it cannot be sent again.", code="body_gone")
    if not content:
        raise erased()
    if not ask_again([delivery.pk], trigger=Delivery.Trigger.MANUAL):
        raise Conflict(f"{MOST_WAITING} attempts of this delivery wait already.", code="too_many_attempts")
    wake([delivery.endpoint_id])
    delivery.refresh_from_db()
    return delivery


def erased() -> Gone:
    """Return what is answered to whoever wants to send again what was about a person who is erased."""
    return Gone("What was sent was erased with the person it was about: it cannot be sent again.", code="person_erased")


def ask_again(delivery_ids: Sequence[int], *, trigger: str) -> int:
    """Ask for one more attempt of each delivery; returns of how many. Afterwards ``wake`` their endpoints."""
    with connection.cursor() as cursor:
        cursor.execute(ASK, {"ids": list(delivery_ids), "trigger": trigger, "most": MOST_WAITING})
        return int(cursor.rowcount)


def wake(endpoint_ids: Collection[int]) -> None:
    """Have the engine look at these endpoints once the transaction has committed."""
    with connection.cursor() as cursor:
        cursor.execute(WAKE, [list(endpoint_ids)])
    hints.wake_engine()
