"""What the way to providers does when something happens."""

from collections.abc import Sequence

from events.event import Event
from outbound.services import carrying, fallbacks, receipts, simulating

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


def play_providers(events: Sequence[Event]) -> None:
    """Have receipts come for what sandboxes have sent, or may have: an answer was lost, and later one is found."""
    left = [event for event in events if not event.livemode and _status(event) in {"sent", "unknown"}]
    simulating.tell_of([event.context["message_id"] for event in left if not _was_in_doubt(event)])


def forget(events: Sequence[Event]) -> None:
    """Send nothing more to people who were erased."""
    carrying.forget([pk for event in events for pk in event.context["contact_ids"]])


def _status(event: Event) -> str:
    return str(event.data.get("message", {}).get("status", ""))


def _was_in_doubt(event: Event) -> bool:
    return "unknown" in event.context.get("previous", {}).get("status", ())[:1]
