"""The nudge that spares the outbound engine its poll, given once the transaction has committed."""

from events.hints import Hint

CHANNEL = "dexra:hint:outbound"

wake_engine = Hint(CHANNEL).give_on_commit
