"""What the cable does when something happens."""

from collections.abc import Sequence

from events.event import Event
from realtime.services import access, broadcasts, moments


def broadcast(events: Sequence[Event]) -> None:
    """Push events to the agents and the people they concern; hold them back while Redis is away."""
    broadcasts.send_or_hold(events)


def cut_off(events: Sequence[Event]) -> None:
    """End what people have open who may no longer see it. Raises RedisError: then it is tried again."""
    for event in events:
        access.cut_off(event)


def show_typing(events: Sequence[Event]) -> None:
    """Push who is typing, to those connected now."""
    for event in events:
        moments.show_typing(event)


def show_ai_state(events: Sequence[Event]) -> None:
    """Push what the assistant is doing, to those connected now."""
    for event in events:
        moments.show_ai_state(event)
