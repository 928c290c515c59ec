"""The nudge that spares the outbound engine its poll. A lost one costs a poll interval."""

from django.db import transaction

from events.hints import Hint

CHANNEL = "dexra:hint:outbound"

_engine = Hint(CHANNEL)


def wake_engine() -> None:
    """Ask, once the transaction has committed, for the engine to look at what is due."""
    transaction.on_commit(_engine.give)
