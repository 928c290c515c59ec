"""
Whom it concerns that a provider refuses an inbox altogether, and said so long after the call: in a receipt. Filled from
``dexra/wiring.py`` when the process starts, as the queues before providers live above.
"""

from collections.abc import Callable
from datetime import datetime

from inboxes.channels.outcomes import Rejected
from inboxes.models import Inbox

Gate = Callable[[Inbox, Rejected, datetime], object]
_gates: list[Gate] = []


def employ(gate: Gate) -> None:
    """Say who holds an inbox's messages back."""
    _gates[:] = [gate]


def tell(inbox: Inbox, refusal: Rejected, at: datetime) -> None:
    """Have the messages of an inbox held back that its provider refused ``at`` a moment. Runs in a transaction."""
    for gate in _gates:
        gate(inbox, refusal, at)
