"""What inbound does when something happens."""

from collections.abc import Sequence

from events.event import Event
from inbound.services import forgetting


def forget(events: Sequence[Event]) -> None:
    """Leave nothing of people who were erased in the callbacks that brought their words."""
    for event in events:
        people = event.context.get("contact_ids") or [event.context["contact_id"]]
        forgetting.forget(event.environment_id, people)
