"""Many messages that come to nothing at the same moment: whose fault it was, and how long the others wait for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inboxes.channels.outcomes import Uncertain
from outbound import policy
from outbound.models import Dispatch, Line
from outbound.policy import Terms
from outbound.services import settling
from outbound.services.attending import Attendant
from outbound.services.buckets import Buckets
from outbound.services.claims import Claimer
from outbound.services.inboxes import Inboxes
from outbound.services.results import Result
from outbound.services.slots import Slots
from tests.outbound.working import line_of, say

MANY = policy.FAULTS_TO_REST + 6
LIVE = Terms(attempts=0, livemode=True, at_least_once=False, is_idempotent=False, can_look_up=False)


@pytest.fixture
def under_way(toys):
    """Messages that were all claimed and not answered yet."""
    for number in range(MANY):
        say(toys, f"somebody-{number}")
    claimed = Claimer(Inboxes(), Buckets()).claim(Slots(200)).dispatches
    assert len(claimed) == MANY
    return claimed


def test_of_a_worker_that_died_is_not_the_providers(toys, under_way):
    Dispatch.unscoped.update(lease_until=timezone.now() - timedelta(seconds=1))
    Attendant(Buckets()).attend()

    assert Dispatch.unscoped.filter(state="unknown").count() == MANY
    line: Line = line_of(toys)
    assert (line.paused_until, line.consecutive_faults) == (None, 0)


def test_of_the_provider_begins_with_the_shortest_rest(toys, under_way):
    outcome, now = Uncertain(detail="reset"), timezone.now()
    settling.settle([Result(each, policy.verdict_of(outcome, LIVE), outcome, now, "toy") for each in under_way])

    line = line_of(toys)
    assert line.consecutive_faults == policy.FAULTS_TO_REST
    assert line.paused_until is not None
    assert (line.paused_until - now).total_seconds() <= policy.FIRST_REST_SECONDS + 30
