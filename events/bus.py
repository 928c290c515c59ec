"""Who is told about what; filled from ``dexra/wiring.py`` when the process starts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from events.event import Event

# A handler gets the events it asked for, oldest first. It inserts rows of its own app or publishes to the cable;
# it may see an event again after a crash, and must not mind.
Handler = Callable[[Sequence[Event]], None]

_subscriptions: dict[type[Event], Sequence[Handler]] = {}


def subscribe(subscriptions: Mapping[type[Event], Sequence[Handler]]) -> None:
    """Replace the table of who is told about what."""
    _subscriptions.clear()
    _subscriptions.update(subscriptions)


def tell(events: Iterable[Event]) -> None:
    """Call every handler once with the events it subscribed to. Whatever a handler raises comes through."""
    batches: dict[Handler, list[Event]] = defaultdict(list)
    for event in events:
        if event.data.get("erased"):  # what was erased before anybody was told of it is news to nobody
            continue
        for handler in _subscriptions.get(type(event), ()):
            batches[handler].append(event)
    for handler, batch in batches.items():
        handler(batch)


def announce(event: Event) -> None:
    """Tell about something that is not worth remembering (typing): at most once, never stored."""
    tell([event])
