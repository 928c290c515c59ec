"""What becomes of deliveries that wait for an endpoint: sent after all, or canceled."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from core.errors import Conflict
from webhooks.models import Delivery, Endpoint
from webhooks.services import canceling
from webhooks.services.canceling import Reason

# What waited longer than this for a paused endpoint is old news: it is only sent when somebody asks for it.
SENT_WITHIN = timedelta(hours=72)


def settle(endpoint: Endpoint, held: str | None) -> None:
    """
    Cancel what is not to be sent when an endpoint is told again: all with ``skip``, nothing with ``resume``.

    Left open, it is what is older than 72 hours and was not asked for since. Raises Conflict when there is more than
    one request cancels: what was canceled stays so, and the next request goes on.
    """
    if held == "resume":
        return
    if not _cancel_old(endpoint, is_all=held == "skip"):
        raise Conflict(
            f"So much is held that only {canceling.MOST} deliveries were canceled; the endpoint is not told yet. "
            "Send the request again.",
            code="held_remains", retry_after=1,
        )  # fmt: skip


def drop_unwanted(endpoint: Endpoint) -> bool:
    """
    Cancel what waits for an endpoint that is deleted, or no longer wants its type; returns whether that was all.

    What it leaves, and what is queued at this very moment, upkeep cancels.
    """
    if endpoint.deleted_at is not None:
        return canceling.cancel_waiting(endpoint, Reason.ENDPOINT_DELETED)
    if not endpoint.events:
        return True
    unwanted = ~Q(type__in=endpoint.events) & ~Q(trigger=Delivery.Trigger.TEST)
    return canceling.cancel_waiting(endpoint, Reason.TYPE_UNWANTED, unwanted, rehearsal="", extra=0)


def _cancel_old(endpoint: Endpoint, *, is_all: bool) -> bool:
    if is_all:
        return canceling.cancel_waiting(endpoint, Reason.SKIPPED)
    since = timezone.now() - SENT_WITHIN
    return canceling.cancel_waiting(endpoint, Reason.HELD_TOO_LONG, created_at__lt=since, extra=0)
