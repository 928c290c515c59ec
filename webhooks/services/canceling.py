"""Deliveries that are not to be made any more."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from accounts.services import audit
from core.errors import Conflict
from webhooks.models import Delivery, Endpoint

Reason = Delivery.Canceled
CANCELABLE = (Delivery.State.PENDING, Delivery.State.QUARANTINED)
AT_ONCE = 5000
# In one go; the thread of a request serves nobody else meanwhile.
MOST = 20_000
# The state is asked for once more: what somebody took in the meantime is theirs.
CANCEL = """
UPDATE webhooks_delivery SET
    state = 'canceled', canceled_reason = %s, finished_at = now(), next_attempt_at = NULL, lease_token = NULL,
    lease_until = NULL, extra = 0, returns_to = '', returns_at = NULL
WHERE id = ANY(%s) AND state = ANY(%s)
"""


@transaction.atomic
def cancel(*, delivery: Delivery, by: audit.Who) -> None:
    """Take a delivery off the queue, with every attempt that was asked for. Raises Conflict when it is not on it."""
    if not cancel_rows([delivery.pk], Reason.OPERATOR, CANCELABLE):
        raise Conflict("Only what waits can be canceled: an attempt is under way, or all is over.", code="not_waiting")
    audit.record(
        environment=delivery.environment, who=by, action="webhook_delivery.canceled", target=delivery.public_id
    )


def cancel_waiting(endpoint: Endpoint, reason: Reason, *wanted: Q, **which: Any) -> bool:
    """Cancel what waits for an endpoint, in statements of bounded length; returns whether that was all."""
    waiting = Delivery.unscoped.filter(*wanted, endpoint=endpoint, state=Delivery.State.PENDING, **which)
    for _ in range(MOST // AT_ONCE):
        some = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
        cancel_rows(some, reason)
        if len(some) < AT_ONCE:
            return True
    return not waiting.exists()


def cancel_rows(
    delivery_ids: Sequence[int], reason: Reason, states: Collection[str] = (Delivery.State.PENDING,)
) -> int:
    """Cancel those of the deliveries that are in one of the ``states``; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(CANCEL, [reason, list(delivery_ids), [str(state) for state in states]])
        return int(cursor.rowcount)
