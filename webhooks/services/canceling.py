"""Deliveries that are not to be made any more."""

from django.db import transaction
from django.db.models.functions import Now

from accounts.services import audit
from core.errors import Conflict
from webhooks.models import Delivery

CANCELABLE = (Delivery.State.PENDING, Delivery.State.QUARANTINED)


@transaction.atomic
def cancel(*, delivery: Delivery, by: audit.Who) -> None:
    """Take a delivery off the queue, with every attempt that was asked for. Raises Conflict when it is not on it."""
    waiting = Delivery.of(delivery.environment).filter(pk=delivery.pk, state__in=CANCELABLE)
    canceled = waiting.update(
        state=Delivery.State.CANCELED, finished_at=Now(), next_attempt_at=None, extra=0, returns_to="", returns_at=None
    )
    if not canceled:
        raise Conflict("Only what waits can be canceled: an attempt is under way, or all is over.", code="not_waiting")
    audit.record(
        environment=delivery.environment, who=by, action="webhook_delivery.canceled", target=delivery.public_id
    )
