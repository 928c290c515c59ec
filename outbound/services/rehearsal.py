"""What a sandbox's provider answers: nobody is called, and magic recipients force every outcome."""

import asyncio
from uuid import uuid4

from core import ids
from inboxes.channels import enacted
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent, Uncertain
from outbound import policy
from outbound.services import magic
from outbound.services.composing import Composed

THINKS_SECONDS = 0.02
THROTTLED = 2
THROTTLED_SECONDS = 0.2


async def perform(composed: Composed) -> Outcome:
    """
    Return what became of a message that was not sent; only its attempt shows what would have been.

    The answer is one that the provider could have given, judged as one that it did give.
    """
    await asyncio.sleep(THINKS_SECONDS)
    channel, settings = composed.known.channel, composed.known.settings
    actor, forced = enacted.actor_for(channel.kind, settings), magic.outcome_of(composed.claimed.address)
    match forced:
        case "invalid":
            return Rejected("invalid_recipient", "This recipient of the sandbox is always invalid.")
        case "throttled" if composed.claimed.tries <= THROTTLED:
            return Deferred("rate_limited", "The sandbox asks for patience.", seconds=THROTTLED_SECONDS)
        case "unknown" if not (composed.terms.is_idempotent and composed.claimed.tries > 1):  # else it knows the key
            return Uncertain(detail="The sandbox lost the answer.")
        case "undelivered" if actor is None or "failed" not in actor.told(settings):
            return Rejected("undelivered", "This recipient of the sandbox gets nothing.")
    if actor is None:  # nobody plays this provider
        return Rejected("recipient_not_reachable") if forced == "failed" else Sent(f"sandbox_{ids.new_token()}")
    assert composed.message is not None
    assert composed.order is not None
    reply = actor.refused() if forced == "failed" else actor.taken(composed.order, composed.message, uuid4())
    return policy.outcome_of(channel, composed.message, reply)
