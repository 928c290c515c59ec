"""What is written down of attempts, and of what they say about endpoints."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.postgres.loops import Line
from tests.webhooks.working import attempts, claim, health_of, now_in_database, open_endpoint, queue, with_line
from webhooks import policy
from webhooks.models import Delivery, Health
from webhooks.policy import Verdict
from webhooks.services import settling
from webhooks.services.settling import Release, Result
from webhooks.transport.exchange import Answer

pytestmark = pytest.mark.django_db(transaction=True)

OK = Answer(200, "", 7, "192.0.2.1", {"content-type": "text/plain"}, "thanks")
BROKEN = Answer(500, "http_status", 7, "192.0.2.1", {}, "oh no")
DISTRUSTED = Answer(None, "tls", 7, "192.0.2.1", detail="certificate has expired")
LATER = Verdict(Delivery.State.PENDING, wait=300, rest=60, is_failure=True)
SPENT = Verdict(Delivery.State.EXHAUSTED, wait=300, rest=60, is_failure=True)


@pytest.fixture
def endpoint(live):
    return open_endpoint(live)


def result(delivery, verdict=policy.SUCCESS, answer=OK, **more):
    return Result(delivery, "http://127.0.0.1:9/", {"webhook-id": "evt_x"}, timezone.now(), answer, verdict, **more)


def settle(*results, calm=()):
    async def work(line: Line):
        async with line.transaction() as held:
            return await settling.settle(held, results, calm)

    return with_line(work)


def release(*released):
    async def work(line: Line):
        async with line.transaction() as held:
            return await settling.release(held, released)

    return with_line(work)


def fresh(delivery):
    return Delivery.unscoped.get(pk=delivery.pk)


def is_in(seconds, moment, since):
    """Whether a moment is so many seconds after something that was done between ``since`` and now."""
    return since <= moment - timedelta(seconds=seconds) <= now_in_database()


@pytest.fixture
def began(db):
    return now_in_database()


class TestSettle:
    def test_ends_what_arrived_and_writes_the_attempt_down(self, endpoint):
        delivery = queue(endpoint)[0]

        settled = settle(result(claim().deliveries[0]))

        row = fresh(delivery)
        assert settled.states == {delivery.pk: "delivered"}
        assert (row.state, row.attempts, row.tries, row.claims, row.last_status) == ("delivered", 1, 1, 0, 200)
        assert (row.next_attempt_at, row.lease_token, row.lease_until) == (None, None, None)
        assert row.finished_at is not None
        attempt = attempts(delivery)[0]
        assert (attempt.n, attempt.trigger, attempt.status_code, attempt.duration_ms) == (1, "auto", 200, 7)
        assert (attempt.response_body, attempt.remote_ip) == ("thanks", "192.0.2.1")
        assert attempt.request_headers == {"webhook-id": "evt_x"}
        assert attempt.environment_id == delivery.environment_id

    def test_has_what_failed_attempted_again(self, endpoint, began):
        delivery = queue(endpoint)[0]

        settle(result(claim().deliveries[0], LATER, BROKEN))

        row = fresh(delivery)
        assert (row.state, row.attempts, row.last_error, row.finished_at) == ("pending", 1, "http_status", None)
        assert is_in(300, row.next_attempt_at, began)
        assert is_in(300, health_of(endpoint).next_due_at, began)

    def test_keeps_what_is_known_of_a_failure(self, endpoint):
        delivery = queue(endpoint)[0]

        settle(result(claim().deliveries[0], LATER, DISTRUSTED))

        attempt = attempts(delivery)[0]
        assert (attempt.error_class, attempt.error_detail) == ("tls", "certificate has expired")
        assert (attempt.status_code, attempt.remote_ip) == (None, "192.0.2.1")

    def test_gives_up_what_failed_for_good(self, endpoint):
        delivery = queue(endpoint)[0]

        settled = settle(result(claim().deliveries[0], SPENT, BROKEN))

        assert (fresh(delivery).state, fresh(delivery).next_attempt_at) == ("exhausted", None)
        assert settled.exhausted == {delivery.pk}

    def test_writes_many_down_at_once(self, endpoint):
        deliveries = queue(endpoint, 6)
        claimed = claim().deliveries

        settle(*(result(one, *((LATER, BROKEN) if number % 2 else ())) for number, one in enumerate(claimed)))

        assert [fresh(one).state for one in deliveries] == ["delivered", "pending"] * 3
        assert [len(attempts(one)) for one in deliveries] == [1] * 6

    def test_does_nothing_for_a_worker_whose_lease_went_to_another(self, endpoint):
        delivery = queue(endpoint)[0]
        stale = claim().deliveries[0]
        Delivery.unscoped.update(state="pending", lease_token=None, lease_until=None)
        Health.unscoped.update(next_due_at=timezone.now())
        current = claim().deliveries[0]

        assert settle(result(stale, SPENT, BROKEN)).states == {}
        assert release(Release(stale, "stopped")) == []

        row = fresh(delivery)
        assert (row.state, row.lease_token, row.tries) == ("delivering", current.token, 0)
        assert attempts(delivery) == []
        assert health_of(endpoint).consecutive_failures == 0

    def test_does_nothing_twice(self, endpoint):
        delivery = queue(endpoint)[0]
        claimed = claim().deliveries[0]
        settle(result(claimed))

        assert settle(result(claimed)).states == {}
        assert len(attempts(delivery)) == 1


class TestExtraAttempts:
    """Somebody asked for them: they come on top of the schedule's."""

    def ask(self, delivery, **more):
        """Ask for one more, as the API does."""
        row = fresh(delivery)
        kept = {} if row.extra or row.state == "delivering" else {
            "returns_to": row.state, "returns_at": row.next_attempt_at, "state": "pending"
        }  # fmt: skip
        Delivery.unscoped.filter(pk=row.pk).update(
            extra=row.extra + 1, trigger="manual", next_attempt_at=timezone.now(), **kept, **more
        )
        Health.unscoped.update(next_due_at=timezone.now())

    def test_that_arrive_end_what_was_given_up(self, endpoint):
        delivery = queue(endpoint, state="exhausted", attempts=10, tries=10)[0]
        self.ask(delivery)

        settle(result(claim().deliveries[0]))

        row = fresh(delivery)
        assert (row.state, row.attempts, row.tries, row.extra, row.returns_to) == ("delivered", 10, 11, 0, "")
        assert attempts(delivery)[0].trigger == "manual"

    def test_that_fail_change_nothing_else(self, endpoint):
        later = timezone.now() + timedelta(hours=2)
        delivery = queue(endpoint, attempts=3, tries=3, next_attempt_at=later)[0]
        self.ask(delivery)

        settle(result(claim().deliveries[0], SPENT, BROKEN))

        row = fresh(delivery)
        assert (row.state, row.attempts, row.tries, row.trigger) == ("pending", 3, 4, "auto")
        assert (row.next_attempt_at, row.returns_to, row.returns_at) == (later, "", None)
        due_at = health_of(endpoint).next_due_at
        assert due_at is not None
        assert abs(due_at - later) < timedelta(minutes=5)

    def test_that_fail_leave_what_was_given_up_given_up(self, endpoint):
        delivery = queue(endpoint, state="exhausted", attempts=10, tries=10, finished_at=timezone.now())[0]
        before = fresh(delivery).finished_at
        self.ask(delivery)

        settled = settle(result(claim().deliveries[0], LATER, BROKEN))

        row = fresh(delivery)
        assert (row.state, row.next_attempt_at, row.finished_at) == ("exhausted", None, before)
        assert settled.exhausted == set()

    def test_asked_for_twice_are_made_twice(self, endpoint):
        delivery = queue(endpoint, state="delivered", attempts=1, tries=1)[0]
        self.ask(delivery)
        self.ask(delivery)

        settle(result(claim().deliveries[0]))
        between = fresh(delivery)
        settle(result(claim().deliveries[0], LATER, BROKEN))

        assert (between.state, between.extra, between.returns_to) == ("pending", 1, "delivered")
        assert (fresh(delivery).state, fresh(delivery).extra) == ("delivered", 0)
        assert [(one.n, one.status_code) for one in attempts(delivery)] == [(2, 200), (3, 500)]

    def test_asked_for_during_one_of_the_schedules_follow_it_at_once(self, endpoint, began):
        delivery = queue(endpoint)[0]
        claimed = claim().deliveries[0]
        self.ask(delivery)
        claim()  # looks meanwhile, and finds nothing to take

        settle(result(claimed, LATER, BROKEN))
        between = fresh(delivery)
        settle(result(claim().deliveries[0], SPENT, BROKEN))

        assert (between.state, between.extra, between.returns_to, between.attempts) == ("pending", 1, "pending", 1)
        assert is_in(300, between.returns_at, began)
        assert (fresh(delivery).state, fresh(delivery).attempts) == ("pending", 1)
        assert is_in(300, fresh(delivery).next_attempt_at, began)
        assert [one.trigger for one in attempts(delivery)] == ["auto", "manual"]


class TestRelease:
    def test_costs_a_delivery_nothing(self, endpoint, began):
        delivery = queue(endpoint)[0]

        release(Release(claim().deliveries[0], "our_fault", wait=5.0))

        row = fresh(delivery)
        assert (row.state, row.attempts, row.tries, row.claims, row.lease_token) == ("pending", 0, 0, 0, None)
        assert is_in(5, row.next_attempt_at, began)
        assert is_in(5, health_of(endpoint).next_due_at, began)
        assert attempts(delivery) == []

    def test_sets_aside_what_is_blamed_again_and_again(self, endpoint):
        delivery = queue(endpoint)[0]

        for _ in range(5):
            assert fresh(delivery).state == "pending"
            Health.unscoped.update(next_due_at=timezone.now())
            set_aside = release(Release(claim().deliveries[0], "broke", is_blamed=True))

        assert set_aside == [delivery.pk]
        assert fresh(delivery).state == "quarantined"

    def test_ends_what_there_is_nothing_to_send_of(self, endpoint):
        delivery = queue(endpoint)[0]

        release(Release(claim().deliveries[0], "no_body", canceled="body_gone"))

        assert (fresh(delivery).state, fresh(delivery).next_attempt_at) == ("canceled", None)
        assert fresh(delivery).canceled_reason == "body_gone"


class TestHealth:
    def settle(self, endpoint, *verdicts, calm=()):
        queue(endpoint, len(verdicts))
        Health.unscoped.update(hold_until=None)
        claimed = claim().deliveries
        assert len(claimed) == len(verdicts)
        answers = [OK if verdict == policy.SUCCESS else BROKEN for verdict in verdicts]
        rows = zip(claimed, verdicts, answers, strict=True)
        return settle(*(result(*row) for row in rows), calm=calm)

    def test_counts_failures_in_a_row_and_since_when(self, endpoint):
        self.settle(endpoint, LATER, LATER)

        health = health_of(endpoint)
        assert (health.consecutive_failures, health.last_error) == (2, "http_status")
        assert health.failing_since == health.last_failure_at
        assert health.last_success_at is None

    def test_begins_anew_with_any_success(self, endpoint):
        self.settle(endpoint, LATER, LATER)
        self.settle(endpoint, LATER, policy.SUCCESS, LATER)

        health = health_of(endpoint)
        assert health.consecutive_failures == 1
        assert health.failing_since == health.last_failure_at

        self.settle(endpoint, policy.SUCCESS)
        assert (health_of(endpoint).consecutive_failures, health_of(endpoint).failing_since) == (0, None)
        assert health_of(endpoint).last_error == ""

    def test_keeps_the_first_failure_while_it_lasts(self, endpoint):
        long_ago = timezone.now() - timedelta(days=2)
        Health.unscoped.update(consecutive_failures=7, failing_since=long_ago, last_failure_at=long_ago)

        settled = self.settle(endpoint, LATER)

        assert health_of(endpoint).failing_since == long_ago
        assert 172_000 < settled.healths[0].lasting < 173_000

    def test_halves_what_a_slow_endpoint_is_sent_and_never_sends_none(self, live):
        endpoint, slow = open_endpoint(live, max_in_flight=5), Verdict(Delivery.State.PENDING, wait=60, is_slow=True)

        caps = []
        for _ in range(4):
            self.settle(endpoint, slow)
            caps.append(health_of(endpoint).in_flight_cap)

        assert caps == [2, 1, 1, 1]

    def test_sends_it_one_more_after_every_twenty_successes(self, live):
        endpoint = open_endpoint(live, max_in_flight=30)
        Health.unscoped.update(in_flight_cap=20)

        self.settle(endpoint, *[policy.SUCCESS] * 19)
        assert health_of(endpoint).in_flight_cap == 20
        self.settle(endpoint, policy.SUCCESS)
        assert health_of(endpoint).in_flight_cap == 21

    def test_sends_it_no_more_than_it_takes(self, live):
        endpoint = open_endpoint(live, max_in_flight=20)

        self.settle(endpoint, *[policy.SUCCESS] * 20)

        assert health_of(endpoint).in_flight_cap == 20

    def test_holds_an_endpoint_that_asks_for_it(self, endpoint, began):
        self.settle(endpoint, Verdict(Delivery.State.PENDING, wait=90, hold=90))

        health = health_of(endpoint)
        assert is_in(90, health.hold_until, began)
        assert health.consecutive_failures == 0

    def test_holds_it_although_something_arrived_that_was_under_way(self, endpoint, began):
        queue(endpoint, 2)
        asking, slow = claim().deliveries

        settle(result(asking, Verdict(Delivery.State.PENDING, wait=90, hold=90), BROKEN))
        settle(result(slow))

        assert is_in(90, health_of(endpoint).hold_until, began)

    def test_lets_one_that_rests_go_on_as_soon_as_something_arrives(self, endpoint):
        Health.unscoped.update(consecutive_failures=20, failing_since=timezone.now())
        queue(endpoint, 2)
        failing, slow = claim().deliveries

        settle(result(failing, LATER, BROKEN))
        assert health_of(endpoint).hold_until is not None
        settle(result(slow))

        assert health_of(endpoint).hold_until is None

    def test_rests_one_that_fails_on_and_on(self, endpoint, began):
        Health.unscoped.update(consecutive_failures=18, failing_since=timezone.now())

        self.settle(endpoint, LATER)
        assert health_of(endpoint).hold_until is None
        self.settle(endpoint, LATER)
        assert is_in(60, health_of(endpoint).hold_until, began)

    def test_is_not_changed_by_good_news_that_is_no_news(self, endpoint):
        self.settle(endpoint, policy.SUCCESS, calm=[endpoint.pk])
        assert health_of(endpoint).last_success_at is None

        self.settle(endpoint, policy.SUCCESS)
        assert health_of(endpoint).last_success_at is not None

    def test_is_not_changed_by_what_does_not_count(self, endpoint):
        queue(endpoint, 1, type="endpoint_test", trigger="test")

        settled = settle(result(claim().deliveries[0], SPENT, BROKEN, counts=False))

        assert health_of(endpoint).consecutive_failures == 0
        assert not settled.asks_for_attention

    def test_asks_for_attention_when_its_people_are_to_be_told(self, endpoint):
        assert not self.settle(endpoint, LATER, LATER, LATER).asks_for_attention
        assert self.settle(endpoint, LATER).asks_for_attention
        Health.unscoped.update(told_stage=1)
        assert not self.settle(endpoint, LATER).asks_for_attention
        assert self.settle(endpoint, policy.SUCCESS).asks_for_attention

    def test_asks_for_none_while_its_people_were_told_of_its_troubles_a_moment_ago(self, endpoint):
        Health.unscoped.update(told_failing_at=timezone.now())

        assert not self.settle(endpoint, LATER, LATER, LATER, LATER).asks_for_attention

        Health.unscoped.update(told_failing_at=timezone.now() - timedelta(minutes=11))
        assert self.settle(endpoint, LATER).asks_for_attention

    def test_reports_an_endpoint_that_is_gone(self, endpoint):
        settled = self.settle(endpoint, policy.WENT)

        assert settled.gone == {endpoint.pk}
        delivery = Delivery.unscoped.get()
        assert (delivery.state, delivery.canceled_reason) == ("canceled", "endpoint_gone")
