"""What a stored callback says, and whose order it must keep."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from inbound.models import RawCallback
from inboxes import channels
from inboxes.channels.incoming import (
    Callback,
    Consent,
    Edited,
    Incoming,
    Moved,
    Reacted,
    Receipt,
    Said,
    TemplateChanged,
)
from inboxes.models import Inbox

Key = tuple[int, str]


@dataclass(eq=False, slots=True)
class Job:
    """A callback that was taken up, and what it says; ``problem`` where that could not be read."""

    row: RawCallback
    inbox: Inbox
    items: Sequence[Incoming] = ()
    problem: str = ""
    keys: frozenset[Key] = field(default_factory=frozenset)

    @property
    def is_receipts_only(self) -> bool:
        """Whether it says nothing but what became of messages: those need no order, and go together."""
        return bool(self.items) and all(isinstance(item, Receipt) for item in self.items)


def as_callback(row: RawCallback) -> Callback:
    """Return a stored callback as its channel reads it."""
    query = f"?{urlencode(row.query)}" if row.query else ""
    return Callback(row.method, row.url + query, bytes(row.body), row.headers, row.query, row.received_at)


def read(row: RawCallback, inbox: Inbox) -> Job:
    """Return what a callback says. A body that nobody can read is a problem to be looked at, whatever it raises."""
    try:
        items = list(channels.find(inbox.channel).read(as_callback(row), inbox.settings))
    except Exception as why:  # noqa: BLE001  a provider may send anything
        return Job(row, inbox, problem=f"{type(why).__name__}: {why}"[:500])
    return Job(row, inbox, items, keys=frozenset((inbox.pk, name) for item in items for name in _people(item)))


def _people(item: Incoming) -> Iterator[str]:
    """Yield by what addresses the people are known whom an item is about."""
    match item:
        case Said() | Edited() | Reacted():
            yield item.sender.address
            yield from item.sender.aliases
        case Consent():
            yield item.address
        case Moved():
            yield from (item.before, item.after)
        case Receipt() | TemplateChanged():
            return
