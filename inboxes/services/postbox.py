"""
Where callbacks are put in that nobody called with: in the sandbox providers are played. Filled from
``dexra/wiring.py`` when the process starts, as what takes callbacks in lives above.
"""

from collections.abc import Callable

from inboxes.channels.incoming import Callback
from inboxes.models import Inbox

Door = Callable[[Inbox, Callback], object]
_doors: list[Door] = []


def employ(door: Door) -> None:
    """Say who takes callbacks in."""
    _doors[:] = [door]


def post(inbox: Inbox, callback: Callback) -> None:
    """Have a callback taken in, as if the inbox's provider had called at ``callback.received_at``."""
    for door in _doors:
        door(inbox, callback)
