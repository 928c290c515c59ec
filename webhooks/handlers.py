"""What webhooks do when something happens."""

from collections.abc import Sequence

from events.event import Event
from webhooks.services import fanout, forgetting


def fan_out(events: Sequence[Event]) -> None:
    """Queue events for the endpoints that want them."""
    fanout.fan_out(events)


def forget(events: Sequence[Event]) -> None:
    """Leave nothing of people who were erased in what was sent about them, or was about to be."""
    for event in events:
        forgetting.forget(event)
