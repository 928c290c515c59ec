"""What waits for providers is measured by lane, and what a provider holds is told apart."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.backlog import Backlog
from outbound import backlog
from outbound.models import Dispatch, Line
from tests.outbound.working import open_toy, say

NOBODY = Backlog(0, 0.0, 0)


def waiting():
    """Return how much waits in each lane that has something, when nobody has looked for a while."""
    return {lane: found.waiting for lane, found in backlog.lanes().items() if found != NOBODY}


def nobody_looks(seconds=60):
    Line.unscoped.update(next_due_at=timezone.now() - timedelta(seconds=seconds))


def test_nothing_waits_at_first(anyone):
    assert backlog.lanes() == dict.fromkeys(backlog.LANES, NOBODY)


def test_lanes_are_apart(toys):
    for number, category in enumerate(["authentication", "utility", "transactional", "marketing"]):
        say(toys, f"somebody-{number}", category=category)
    nobody_looks()

    assert waiting() == {"urgent": 2, "normal": 1, "bulk": 1}


def test_the_oldest_counts(toys):
    for number, seconds in enumerate((1, 30, 90)):
        dispatch = say(toys, f"somebody-{number}")
        due_at = timezone.now() - timedelta(seconds=seconds)
        Dispatch.unscoped.filter(pk=dispatch.pk).update(next_attempt_at=due_at)
    nobody_looks()

    found = backlog.lanes()["normal"]
    assert (found.waiting, found.late) == (3, 2)
    assert found.oldest_seconds == pytest.approx(90, abs=60)


def test_what_is_due_later_is_left_out(toys):
    dispatch = say(toys, "ana")
    Dispatch.unscoped.filter(pk=dispatch.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=60))

    assert waiting() == {}


@pytest.mark.parametrize("fields", [{"paused_until": 60}, {"next_due_at": 10}])
def test_what_its_provider_holds_is_told_apart(live, toys, fields):
    say(toys, "ana")
    say(open_toy(live), "ben")
    nobody_looks()
    Line.unscoped.filter(pk=toys.pk).update(
        **{name: timezone.now() + timedelta(seconds=seconds) for name, seconds in fields.items()}
    )

    assert waiting() == {"held": 1, "normal": 1}
