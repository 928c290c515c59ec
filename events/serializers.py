"""The public JSON of an event: one shape for ``GET /v1/events`` and whoever repeats it."""

from typing import Any

from core import ids
from core.times import iso
from events.event import Event
from events.log import from_row
from events.models import LoggedEvent


def event_json(row: LoggedEvent) -> dict[str, Any]:
    """Return the ``event`` object; ``data`` is the snapshot of what was true then."""
    event = from_row(row)
    return {
        "object": "event",
        **summary(event),
        "conversation_id": ids.encode("conv", event.conversation_id) if event.conversation_id else None,
        "actor": event.actor.as_json(),
        "data": event.data,
    }


def summary(event: Event) -> dict[str, Any]:
    """Return what everybody is told of an event in the log beside its data, webhooks too."""
    if event.occurred_at is None:
        raise ValueError("Only an event in the log can be told of.")
    return {
        "id": event.public_id,
        "type": event.type,
        "timestamp": iso(event.occurred_at),
        "livemode": event.livemode,
        "api_version": event.api_version,
        "sequence": event.sequence,
    }
