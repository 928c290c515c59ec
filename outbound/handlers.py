"""What the way to providers does when something happens."""

from collections.abc import Sequence

from events.event import Event
from outbound.services import carrying, fallbacks, receipts

ARRIVED = {"delivered", "read"}


def enqueue_carried(events: Sequence[Event]) -> None:
    """Queue messages that a provider carries and that nobody has queued: replies, greetings, surveys."""
    carrying.enqueue_missing([event.context["message_id"] for event in events if _status(event) == "queued"])


def follow_statuses(events: Sequence[Event]) -> None:
    """Take messages out of doubt by their receipts, and let their chains go on or end."""
    statuses = [(event.context["message_id"], _status(event)) for event in events]
    receipts.settle(statuses)
    fallbacks.note_delivered([pk for pk, status in statuses if status in ARRIVED])
    fallbacks.note_failed([pk for pk, status in statuses if status == "failed"])


def forget(events: Sequence[Event]) -> None:
    """Send nothing more to people who were erased."""
    carrying.forget([pk for event in events for pk in event.context["contact_ids"]])


def _status(event: Event) -> str:
    return str(event.data.get("message", {}).get("status", ""))
