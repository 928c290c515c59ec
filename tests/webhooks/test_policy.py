"""What an answer means: a table, and the arithmetic around it."""

from datetime import timedelta

import pytest

from webhooks import policy
from webhooks.models import Delivery
from webhooks.policy import LIVE, ONCE, SANDBOX, Stage, judge, own_schedule, stage
from webhooks.transport.exchange import Answer

State = Delivery.State


def answered(status: int | None, error: str = "http_status", retry_after: float | None = None) -> Answer:
    return Answer(status=status, error_class=error, milliseconds=5, retry_after=retry_after)


class TestJudge:
    @pytest.mark.parametrize("status", [200, 201, 204, 299])
    def test_takes_any_2xx_for_a_success(self, status):
        assert judge(answered(status, ""), LIVE, attempts=1) == policy.SUCCESS

    def test_does_not_take_a_2xx_that_broke_off_for_one(self):
        assert judge(answered(200, "invalid_answer"), LIVE, attempts=1).state == State.PENDING

    @pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 422, 500, 501])
    def test_tries_again_after_whatever_a_customer_may_mend(self, status):
        verdict = judge(answered(status), LIVE, attempts=1)

        assert verdict.state == State.PENDING
        assert 4 <= verdict.wait <= 6
        assert verdict.is_failure
        assert not verdict.is_slow
        assert not verdict.hold

    @pytest.mark.parametrize("error", ["connection_refused", "connection_reset", "tls", "dns", "blocked_address"])
    def test_tries_again_when_nobody_answered(self, error):
        verdict = judge(answered(None, error), LIVE, attempts=1)

        assert (verdict.state, verdict.is_failure, verdict.is_slow) == (State.PENDING, True, False)

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (408, "http_status"),
            (502, "http_status"),
            (504, "http_status"),
            (None, "timeout"),
            (None, "connect_timeout"),
        ],
    )
    def test_gives_a_slow_endpoint_a_minute_at_least_and_half_as_much(self, status, error):
        verdict = judge(answered(status, error), LIVE, attempts=1)

        assert verdict.wait == 60
        assert verdict.is_slow

    def test_ends_with_410_and_switches_the_endpoint_off(self):
        verdict = judge(answered(410), LIVE, attempts=1)

        assert (verdict.state, verdict.is_gone, verdict.is_failure) == (State.CANCELED, True, True)

    @pytest.mark.parametrize("status", [429, 503])
    def test_holds_the_endpoint_for_as_long_as_it_asks(self, status):
        verdict = judge(answered(status, retry_after=90.0), LIVE, attempts=1)

        assert verdict.hold == verdict.wait == 90

    @pytest.mark.parametrize("status", [429, 503])
    def test_holds_it_for_an_hour_at_most(self, status):
        assert judge(answered(status, retry_after=86_400.0), LIVE, attempts=1).hold == 3600

    def test_never_asks_sooner_than_the_schedule_because_of_retry_after(self):
        assert 240 <= judge(answered(503, retry_after=1.0), LIVE, attempts=2).wait <= 360

    def test_does_not_hold_the_endpoint_for_as_long_as_one_delivery_of_it_waits(self):
        verdict = judge(answered(429, retry_after=1.0), LIVE, attempts=9)

        assert verdict.wait > 60_000
        assert verdict.hold == 1

    def test_takes_no_wish_from_other_statuses(self):
        assert judge(answered(500, retry_after=90.0), LIVE, attempts=1).hold == 0

    def test_does_not_count_429_as_a_failure_of_the_endpoint(self):
        assert not judge(answered(429), LIVE, attempts=1).is_failure
        assert judge(answered(503), LIVE, attempts=1).is_failure

    def test_gives_up_after_the_last_attempt(self):
        assert judge(answered(500), LIVE, attempts=9).state == State.PENDING
        assert judge(answered(500), LIVE, attempts=10).state == State.EXHAUSTED
        assert judge(answered(500), SANDBOX, attempts=4).state == State.EXHAUSTED
        assert judge(answered(500), ONCE, attempts=1).state == State.EXHAUSTED

    def test_holds_an_endpoint_whose_delivery_it_gives_up(self):
        assert judge(answered(503, retry_after=90.0), ONCE, attempts=1).hold == 90

    def test_gives_up_what_would_be_attempted_after_eighty_hours(self):
        day = 86_400.0

        assert judge(answered(500), LIVE, attempts=8, age=2 * day).state == State.PENDING
        assert judge(answered(500), LIVE, attempts=8, age=3 * day).state == State.EXHAUSTED

    def test_rests_an_endpoint_for_a_minute_at_most(self):
        assert 4 <= judge(answered(500), LIVE, attempts=1).rest <= 6
        assert judge(answered(500), LIVE, attempts=5).rest == 60


class TestSchedule:
    def test_is_that_of_the_promise(self):
        assert LIVE.steps == (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
        assert SANDBOX.steps == (0, 5, 60, 300)

    def test_is_spread_by_a_fifth(self):
        waits = [LIVE.wait(2) or 0 for _ in range(2000)]

        assert 240 <= min(waits) < 250
        assert 350 < max(waits) <= 360

    def test_is_kept_to_the_letter_when_it_is_an_operators_own(self):
        verdict = judge(answered(None, "timeout"), own_schedule([0, 1, 1]), attempts=1)

        assert 0.8 <= verdict.wait <= 1.2

    @pytest.mark.parametrize("steps", [[0, 1, 2], [1, 2]])
    def test_begins_at_once_whether_an_operator_says_so_or_not(self, steps):
        assert own_schedule(steps).steps == (0, 1, 2)


class TestStage:
    def test_is_failing_after_four_failures_in_a_row(self):
        assert stage(consecutive_failures=3, lasting=timedelta(minutes=1)) == Stage.WELL
        assert stage(consecutive_failures=4, lasting=timedelta(minutes=1)) == Stage.FAILING

    def test_starts_the_clock_once_failures_are_half_a_day_apart(self):
        assert stage(consecutive_failures=2, lasting=timedelta(hours=11)) == Stage.WELL
        assert stage(consecutive_failures=2, lasting=timedelta(hours=12)) == Stage.FAILING

    def test_is_told_again_on_day_three_and_disabled_on_day_five(self):
        assert stage(consecutive_failures=2, lasting=timedelta(days=2, hours=23)) == Stage.FAILING
        assert stage(consecutive_failures=2, lasting=timedelta(days=3)) == Stage.LASTING
        assert stage(consecutive_failures=2, lasting=timedelta(days=4, hours=23)) == Stage.LASTING
        assert stage(consecutive_failures=2, lasting=timedelta(days=5)) == Stage.DISABLED
