"""The nudge that spares the webhook engine its poll, given once the transaction has committed."""

from events.hints import Hint

CHANNEL = "dexra:hint:webhooks"

wake_engine = Hint(CHANNEL).give_on_commit
