"""Deliveries that are not to be made any more."""

from django.db import transaction

from accounts.services import audit
from core.errors import Conflict
from webhooks.models import Delivery
from webhooks.services.held import CANCELED

CANCELABLE = (Delivery.State.PENDING, Delivery.State.QUARANTINED)


@transaction.atomic
def cancel(*, delivery: Delivery, by: audit.Who) -> None:
    """Take a delivery off the queue, with every attempt that was asked for. Raises Conflict when it is not on it."""
    waiting = Delivery.of(delivery.environment).filter(pk=delivery.pk, state__in=CANCELABLE)
    if not waiting.update(**CANCELED):
        raise Conflict("Only what waits can be canceled: an attempt is under way, or all is over.", code="not_waiting")
    audit.record(
        environment=delivery.environment, who=by, action="webhook_delivery.canceled", target=delivery.public_id
    )
