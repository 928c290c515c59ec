"""The engine's work a step at a time: one claim, and one settlement of what came of it."""

from django.utils import timezone

from inboxes.channels.outcomes import Outcome
from outbound import policy
from outbound.policy import Terms
from outbound.services import settling
from outbound.services.buckets import Buckets
from outbound.services.claims import Claimer
from outbound.services.inboxes import Inboxes
from outbound.services.results import Result
from outbound.services.slots import Slots

LIVE = Terms(attempts=0, livemode=True, at_least_once=False, is_idempotent=False, can_look_up=False)


def claim(slots=100):
    """Claim once."""
    return Claimer(Inboxes(), Buckets()).claim(Slots(slots))


def taken(slots=100):
    """Claim once, and return what was taken."""
    return [claimed.id for claimed in claim(slots).dispatches]


def result(claimed, outcome: Outcome):
    """Return what an outcome comes to for a message of a live environment."""
    return Result(claimed, policy.verdict_of(outcome, LIVE), outcome, timezone.now(), "toy", status_code=200)


def settle(outcome, claimed):
    """Write one outcome down."""
    return settling.settle([result(claimed, outcome)])
