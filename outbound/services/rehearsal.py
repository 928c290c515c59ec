"""What a sandbox's provider would have answered: nobody is called, and magic recipients force every outcome."""

import asyncio

from core import ids
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent, Uncertain
from outbound.services import magic
from outbound.services.composing import Composed

THINKS_SECONDS = 0.02
THROTTLED = 2


async def perform(composed: Composed) -> Outcome:
    """Return what became of a message that was not sent; only its attempt shows what would have been."""
    await asyncio.sleep(THINKS_SECONDS)
    match magic.outcome_of(composed.claimed.address):
        case "invalid":
            return Rejected("invalid_recipient")
        case "failed":
            return Rejected("recipient_not_reachable")
        case "throttled" if composed.claimed.tries <= THROTTLED:
            return Deferred("rate_limited", seconds=0.2)
        case "unknown":
            return Uncertain(detail="The sandbox lost the answer.")
        case _:
            return Sent(f"sandbox_{ids.new_token()}")
