"""What waits for customers' servers is measured by lane, and what waits for nobody is not."""

from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import tenancy
from events.backlog import Backlog
from webhooks import backlog
from webhooks.models import Delivery, Endpoint, Health

NOBODY = Backlog(0, 0.0, 0)
EVENTS = count(1)


def endpoint_of(environment, **health) -> Endpoint:
    settings = {name: health.pop(name) for name in ("state", "deleted_at", "rate_per_second") if name in health}
    endpoint = Endpoint.unscoped.create(environment=environment, url="https://hooks.acme.test/", **settings)
    Health.unscoped.create(environment=environment, endpoint=endpoint, **health)
    Endpoint.unscoped.update(updated_at=timezone.now() - timedelta(days=1))
    return endpoint


def queue(endpoint, *, due_for: float = 0.1, **fields) -> Delivery:
    now = timezone.now()
    fields = {"livemode": endpoint.environment.livemode, "next_attempt_at": now - timedelta(seconds=due_for), **fields}
    return Delivery.unscoped.create(
        environment=endpoint.environment, endpoint=endpoint, event_id=next(EVENTS), event_at=now, type="message_in",
        **fields,
    )  # fmt: skip


def waiting() -> dict[str, int]:
    return {lane: waits.waiting for lane, waits in backlog.lanes().items() if waits != NOBODY}


class TestLanes:
    def test_are_empty_at_first(self, anyone):
        assert backlog.lanes() == dict.fromkeys(backlog.LANES, NOBODY)

    def test_keep_first_attempts_retries_and_the_sandbox_apart(self, live, sandbox):
        for _ in range(3):
            queue(endpoint_of(live))
        for _ in range(2):
            queue(endpoint_of(live), tries=1)
        queue(endpoint_of(sandbox), tries=1)

        assert waiting() == {"first": 3, "retry": 2, "sandbox": 1}

    def test_say_how_long_the_oldest_is_due_and_how_many_are_late(self, live):
        endpoint = endpoint_of(live)
        for seconds in (1, 30, 90):
            queue(endpoint, due_for=seconds)

        found = backlog.lanes()["first"]

        assert (found.waiting, found.late) == (3, 2)
        assert 90 <= found.oldest_seconds < 600

    def test_see_every_tenants(self, live, globex):
        for environment in (live, globex):
            queue(endpoint_of(environment))

        assert waiting() == {"first": 2}
        with tenancy.one(globex.pk):
            assert waiting() == {"first": 1}

    def test_see_what_the_engine_has_lost_sight_of(self, live):
        queue(endpoint_of(live, next_due_at=None), due_for=600)

        assert backlog.lanes()["first"].oldest_seconds >= 600

    @pytest.mark.parametrize("state", ["delivering", "delivered", "exhausted", "canceled", "quarantined"])
    def test_leave_out_what_does_not_wait(self, live, state):
        queue(endpoint_of(live), state=state)

        assert waiting() == {}

    def test_leave_out_what_is_due_later(self, live):
        queue(endpoint_of(live), due_for=-60)

        assert waiting() == {}

    @pytest.mark.parametrize(
        "endpoint",
        [
            pytest.param({"state": "paused"}, id="paused"),
            pytest.param({"state": "disabled"}, id="disabled"),
            pytest.param({"deleted_at": timezone.now()}, id="deleted"),
            pytest.param({"hold_until": timezone.now() + timedelta(days=1)}, id="left alone"),
        ],
    )
    def test_leave_out_what_is_held(self, live, endpoint):
        queue(endpoint_of(live, **endpoint), due_for=600)

        assert waiting() == {}

    def test_count_from_the_moment_an_endpoint_is_told_again(self, live):
        held = endpoint_of(live, hold_until=timezone.now() - timedelta(seconds=20))
        queue(held, due_for=3600)

        assert 20 <= backlog.lanes()["first"].oldest_seconds < 600

    def test_count_from_the_moment_an_endpoint_was_resumed(self, live):
        resumed = endpoint_of(live)
        queue(resumed, due_for=3600)
        resumed.save()

        assert backlog.lanes()["first"].oldest_seconds < 600

    def test_count_no_more_than_the_oldest_thousand_of_an_endpoint(self, live):
        endpoint, now = endpoint_of(live), timezone.now()
        rows = [
            Delivery(
                environment=live, endpoint=endpoint, event_id=number, event_at=now, type="message_in", livemode=True,
                next_attempt_at=now - timedelta(seconds=number),
            )
            for number in range(backlog.COUNTED_OF_EACH + 5)
        ]  # fmt: skip
        Delivery.unscoped.bulk_create(rows)

        found = backlog.lanes()["first"]

        assert found.waiting == backlog.COUNTED_OF_EACH
        assert found.oldest_seconds >= backlog.COUNTED_OF_EACH + 4

    def test_ask_the_database_once(self, live):
        queue(endpoint_of(live))

        with CaptureQueriesContext(connection) as asked:
            backlog.lanes()

        assert len(asked) == 1


class TestTheBusyLane:
    def lease(self, endpoint, times: int, *, ends_in: float = 60) -> None:
        for _ in range(times):
            queue(endpoint, state="delivering", lease_until=timezone.now() + timedelta(seconds=ends_in))

    def test_holds_what_waits_for_an_endpoint_with_its_hands_full(self, live):
        slow, quick = endpoint_of(live, in_flight_cap=2), endpoint_of(live, in_flight_cap=2)
        self.lease(slow, 2)
        self.lease(quick, 1)
        queue(slow, due_for=600, tries=1)
        queue(quick)

        assert waiting() == {"busy": 1, "first": 1}

    def test_does_not_excuse_a_worker_that_died_with_its_hands_full(self, live):
        endpoint = endpoint_of(live, in_flight_cap=2)
        self.lease(endpoint, 2, ends_in=-1)
        queue(endpoint)

        assert waiting() == {"first": 1}

    @pytest.mark.parametrize(("tokens", "lane"), [(0.2, "busy"), (1.2, "first")])
    def test_holds_what_waits_for_an_endpoints_own_rate(self, live, tokens, lane):
        queue(endpoint_of(live, rate_per_second=0.01, tokens=tokens, tokens_at=timezone.now()))

        assert waiting() == {lane: 1}


class TestStanding:
    def test_counts_those_that_are_told_and_were_lately(self, live):
        endpoint_of(live)
        endpoint_of(live, last_success_at=timezone.now())
        endpoint_of(live, last_failure_at=timezone.now())
        endpoint_of(live, last_success_at=timezone.now() - timedelta(hours=2))
        endpoint_of(live, state="paused", last_success_at=timezone.now())
        endpoint_of(live, deleted_at=timezone.now())

        found = backlog.standing()

        assert (found.active, found.at_work, found.failing, found.switched_off) == (4, 2, 0, 0)

    def test_names_those_that_fail_worst_first(self, live):
        for failures in (5, 90, 7, 30):
            endpoint = endpoint_of(live, consecutive_failures=failures, told_stage=1)
            Endpoint.unscoped.filter(pk=endpoint.pk).update(url=f"https://{failures}.test/?token=secret")

        found = backlog.standing()

        assert found.failing == 4
        assert found.worst == ["https://90.test/", "https://30.test/", "https://7.test/"]

    @pytest.mark.parametrize(
        ("minutes", "fields", "counted"),
        [
            (1, {}, 1), (1, {"last_success_at": timezone.now() - timedelta(days=1)}, 1), (10, {}, 0),
            (1, {"last_success_at": timezone.now() + timedelta(days=1)}, 0), (1, {"state": "paused"}, 0),
        ],
    )  # fmt: skip
    def test_counts_those_that_nothing_can_be_signed_for(self, live, minutes, fields, counted):
        endpoint_of(live, signing_failed_at=timezone.now() - timedelta(minutes=minutes), **fields)

        assert backlog.standing().unsigned == counted

    @pytest.mark.parametrize(("reason", "counted"), [("failing", 1), ("gone", 1), ("manual", 0)])
    def test_counts_those_that_were_switched_off_for_failing(self, live, reason, counted):
        Endpoint.unscoped.filter(pk=endpoint_of(live, state="disabled").pk).update(disabled_reason=reason)

        assert backlog.standing().switched_off == counted
