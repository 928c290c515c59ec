"""What an answer means: for its delivery, for its endpoint, and for the people whose endpoint it is."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from webhooks.models import Delivery
from webhooks.transport.exchange import Answer

# Seconds before each attempt, the first included; together a little over three days.
LIVE_STEPS = (0.0, 5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
SANDBOX_STEPS = (0.0, 5.0, 60.0, 300.0)
JITTER = 0.2
# An endpoint that is out of breath is not asked again sooner, whatever the schedule says.
SLOW_SECONDS = 60.0
LONGEST_HOLD_SECONDS = 3600.0
# One that fails on and on is left alone for as long as its deliveries wait, this long at most.
LONGEST_REST_SECONDS = 60.0
# Our own fault costs a delivery nothing but this.
RELEASE_SECONDS = 5.0
LONGEST_AGE_SECONDS = 80 * 3600.0

FAILURES_TO_REST = 20
FAILURES_TO_TELL = 4
SUCCESSES_TO_WIDEN = 20
# An endpoint fails for real once its failures are half a day apart, with no success between.
CLOCK_STARTS = timedelta(hours=12)
REMINDED_AFTER = timedelta(days=3)
DISABLED_AFTER = timedelta(days=5)
# What one endpoint's troubles are to the others are deliveries, too: one that fails by turns is not told of each time.
FAILING_TOLD_EVERY = timedelta(minutes=10)

REQUEST_TIMEOUT, GONE, TOO_MANY, BAD_GATEWAY, UNAVAILABLE, GATEWAY_TIMEOUT = 408, 410, 429, 502, 503, 504
SLOW_STATUSES = frozenset({REQUEST_TIMEOUT, BAD_GATEWAY, GATEWAY_TIMEOUT})
SLOW_ERRORS = frozenset({"timeout", "connect_timeout"})


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    When a delivery is attempted: seconds before each attempt, the first included.

    ``floor`` is the least a slow endpoint is given; an operator's own schedule is kept to the letter.
    """

    steps: tuple[float, ...]
    floor: float = 0.0

    def wait(self, attempts: int) -> float | None:
        """Return the seconds, give or take a fifth, until the next attempt after so many; None when that was all."""
        if attempts >= len(self.steps):
            return None
        return self.steps[attempts] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  not to be unguessable


LIVE = Schedule(LIVE_STEPS, floor=SLOW_SECONDS)
SANDBOX = Schedule(SANDBOX_STEPS, floor=SLOW_SECONDS)
ONCE = Schedule((0.0,))


def own_schedule(steps: Sequence[float]) -> Schedule:
    """Return the schedule of an operator, whose first attempt is always made at once."""
    return Schedule(tuple(steps) if steps[0] == 0 else (0.0, *steps))


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What an answer means. All times are seconds from now.

    ``state`` is what becomes of the delivery, ``wait`` when it is due again. For ``hold`` seconds nothing is sent to
    the endpoint, and for ``rest`` when it fails on and on. ``is_failure`` counts toward disabling it, ``is_slow``
    halves what is sent to it at a time, ``is_gone`` disables it at once.
    """

    state: Delivery.State
    wait: float = 0.0
    hold: float = 0.0
    rest: float = 0.0
    is_failure: bool = False
    is_slow: bool = False
    is_gone: bool = False


SUCCESS = Verdict(Delivery.State.DELIVERED)
WENT = Verdict(Delivery.State.CANCELED, is_failure=True, is_gone=True)


def judge(answer: Answer, schedule: Schedule, *, attempts: int, age: float = 0.0) -> Verdict:
    """
    Return what an answer means for a delivery that was attempted so many times, this one included.

    ``age`` is the delivery's, in seconds: what would be attempted at eighty hours is not waited for.
    """
    status = answer.status
    if status is not None and 200 <= status < 300 and not answer.error_class:
        return SUCCESS
    if status == GONE:
        return WENT
    is_slow = status in SLOW_STATUSES or answer.error_class in SLOW_ERRORS
    wait = schedule.wait(attempts)
    step = schedule.steps[min(attempts, len(schedule.steps) - 1)] if wait is None else wait
    floor = schedule.floor if is_slow else 0.0
    hold = 0.0
    if status in {TOO_MANY, UNAVAILABLE} and answer.retry_after is not None:
        hold = min(answer.retry_after, LONGEST_HOLD_SECONDS)
    due_in = max(step, floor, hold)
    is_spent = wait is None or age + due_in > LONGEST_AGE_SECONDS
    return Verdict(
        state=Delivery.State.EXHAUSTED if is_spent else Delivery.State.PENDING,
        wait=due_in,
        hold=hold,
        rest=min(max(step, floor), LONGEST_REST_SECONDS),
        is_failure=status != TOO_MANY,
        is_slow=is_slow,
    )


class Stage(IntEnum):
    """How far it has come with an endpoint that fails; each is told to its people."""

    WELL = 0
    FAILING = 1
    LASTING = 2
    DISABLED = 3


def stage(*, consecutive_failures: int, lasting: timedelta) -> Stage:
    """Return how far it has come; ``lasting`` is from the first failure to the latest, with no success between."""
    if lasting >= DISABLED_AFTER:
        return Stage.DISABLED
    if lasting >= REMINDED_AFTER:
        return Stage.LASTING
    if lasting >= CLOCK_STARTS or consecutive_failures >= FAILURES_TO_TELL:
        return Stage.FAILING
    return Stage.WELL
