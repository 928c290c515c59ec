"""The nudge that spares the inbound engine its poll. A lost one costs a poll interval."""

from django.db import transaction

from events.hints import Hint

CHANNEL = "dexra:hint:inbound"

_engine = Hint(CHANNEL)


def wake_engine() -> None:
    """Ask, once the transaction has committed, for the engine to look at what came."""
    transaction.on_commit(_engine.give)
