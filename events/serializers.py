"""The public JSON of an event: one shape for ``GET /v1/events`` and whoever repeats it."""

from typing import Any

from core import ids
from core.times import iso
from events.event import ID_PREFIX
from events.models import LoggedEvent


def event_json(event: LoggedEvent) -> dict[str, Any]:
    """Return the ``event`` object; ``data`` is the snapshot of what was true then."""
    return {
        "id": ids.encode(ID_PREFIX, event.pk),
        "object": "event",
        "type": event.type,
        "livemode": event.livemode,
        "api_version": event.api_version,
        "timestamp": iso(event.occurred_at),
        "sequence": event.sequence,
        "conversation_id": ids.encode("conv", event.conversation_id) if event.conversation_id else None,
        "actor": {"type": event.actor_type, "id": event.actor_id},
        "data": event.data,
    }
