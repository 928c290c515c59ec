"""Messages that began elsewhere: those a provider carries are queued before it, those of erased people are not sent."""

from collections.abc import Sequence

from django.utils import timezone

from conversations.models import Message
from outbound.models import Dispatch
from outbound.services import queueing


def enqueue_missing(message_ids: Sequence[int]) -> None:
    """Queue those of these messages that are to be carried and are not in the queue."""
    if not message_ids:
        return
    waiting = Message.unscoped.filter(pk__in=message_ids, status=Message.Status.QUEUED, dispatch=None)
    around = ("conversation__environment", "conversation__inbox", "conversation__session")
    for message in waiting.select_related(*around).order_by("pk"):
        queueing.enqueue(message)


def forget(contact_ids: Sequence[int]) -> None:
    """Withdraw what waits for these people."""
    waiting = Dispatch.unscoped.filter(
        contact__in=contact_ids, state__in=[Dispatch.State.WAITING, Dispatch.State.UNKNOWN]
    )
    waiting.update(
        state=Dispatch.State.CANCELED, next_attempt_at=None, resolve_at=None, fallback_at=None,
        finished_at=timezone.now(),
    )  # fmt: skip
