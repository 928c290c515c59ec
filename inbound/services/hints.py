"""The nudge that spares the inbound engine its poll, given once the transaction has committed."""

from events.hints import Hint

CHANNEL = "dexra:hint:inbound"

wake_engine = Hint(CHANNEL).give_on_commit
