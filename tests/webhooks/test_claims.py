"""What is claimed, by whom, and for how long."""

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from core.postgres.loops import Line
from tests.conftest import open_account
from tests.webhooks.working import claim, claimed_of, health_of, open_endpoint, queue, with_line
from webhooks.models import Delivery, Health
from webhooks.services import claims
from webhooks.services.slots import Slots

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def endpoint(live):
    return open_endpoint(live)


def states(deliveries):
    rows = Delivery.unscoped.filter(pk__in=[delivery.pk for delivery in deliveries]).order_by("pk")
    return [row.state for row in rows]


def expire():
    async def work(line: Line):
        return await claims.expire(await line.open())

    return with_line(work)


class TestClaim:
    def test_takes_what_is_due_oldest_first_under_a_lease(self, endpoint):
        deliveries = queue(endpoint, 3)
        later = queue(endpoint, next_attempt_at=timezone.now() + timedelta(minutes=5))

        found = claim()

        assert [one.id for one in found.deliveries] == [one.pk for one in deliveries]
        assert states(later) == ["pending"]
        row = Delivery.unscoped.get(pk=deliveries[0].pk)
        assert (row.state, row.claims, row.lease_token) == ("delivering", 1, found.deliveries[0].token)
        assert timedelta(seconds=30) < row.lease_until - timezone.now() <= timedelta(seconds=61)

    def test_takes_nothing_twice(self, endpoint):
        queue(endpoint, 3)

        assert len(claim().deliveries) == 3
        assert claim(also=[endpoint.pk]).deliveries == []

    def test_leaves_rows_that_somebody_else_holds(self, endpoint):
        deliveries = queue(endpoint, 3)

        async def work(line: Line):
            async with line.transaction() as held:
                await held.execute("SELECT FROM webhooks_delivery WHERE id = %s FOR UPDATE", [deliveries[0].pk])
                other = Line()
                try:
                    async with other.transaction() as second:
                        return await claims.claim(second, Slots(500), time.monotonic)
                finally:
                    await other.close()

        assert [one.id for one in with_line(work).deliveries] == [one.pk for one in deliveries[1:]]

    def test_leaves_an_endpoint_that_somebody_else_is_looking_at(self, endpoint, live):
        other_endpoint = open_endpoint(live)
        queue(endpoint, 3)
        queue(other_endpoint, 1)

        async def work(line: Line):
            async with line.transaction() as held:
                await held.execute("SELECT FROM webhooks_health WHERE endpoint_id = %s FOR UPDATE", [endpoint.pk])
                other = Line()
                try:
                    async with other.transaction() as second:
                        return await claims.claim(second, Slots(500), time.monotonic)
                finally:
                    await other.close()

        assert [one.endpoint_id for one in with_line(work).deliveries] == [other_endpoint.pk]

    def test_sends_an_endpoint_no_more_at_a_time_than_it_takes(self, live):
        endpoint = open_endpoint(live, max_in_flight=4)
        queue(endpoint, 9)

        assert len(claim().deliveries) == 4
        assert claim(also=[endpoint.pk]).deliveries == []

    def test_sends_one_that_is_out_of_breath_less(self, endpoint):
        Health.unscoped.filter(pk=endpoint.pk).update(in_flight_cap=2)
        queue(endpoint, 9)

        assert len(claim().deliveries) == 2

    def test_shares_slots_among_endpoints_and_tenants(self, live):
        globex = open_account("Globex", "mallory@globex.test").environments.get(kind="live")
        hogs = [open_endpoint(live) for _ in range(4)]
        small = open_endpoint(globex)
        for endpoint in (*hogs, small):
            queue(endpoint, 12)

        found = claim(Slots(20))

        # Acme has the share of a tenant, evenly dealt; Globex the same.
        assert sum(len(claimed_of(found, hog)) for hog in hogs) == 6
        assert len(claimed_of(found, small)) == 6

    def test_gives_a_sandbox_its_part_of_a_tenth(self, live, sandbox):
        real, rehearsed = open_endpoint(live), open_endpoint(sandbox)
        queue(real, 9)
        queue(rehearsed, 9)

        found = claim(Slots(100))

        assert len(claimed_of(found, rehearsed)) == 3
        assert len(claimed_of(found, real)) == 9

    def test_takes_only_first_attempts_when_retries_have_their_share(self, endpoint):
        retries = queue(endpoint, 3, tries=1, attempts=1)
        fresh = queue(endpoint, 2)
        slots = Slots(5)
        for _ in range(4):
            slots.take(SimpleNamespace(environment_id=99, livemode=True, is_retry=True))

        found = claim(slots)

        assert [one.id for one in found.deliveries] == [fresh[0].pk]
        assert states(retries) == ["pending"] * 3

    def test_knows_when_to_look_again(self, endpoint):
        queue(endpoint, 1)
        soon = timezone.now() + timedelta(seconds=30)
        queue(endpoint, 1, next_attempt_at=soon)

        found = claim()

        assert 10 < (found.looks[endpoint.pk] or 0) <= 30
        due_at = health_of(endpoint).next_due_at
        assert due_at is not None
        assert abs(due_at - soon) < timedelta(seconds=10)

    def test_forgets_an_endpoint_for_which_nothing_waits(self, endpoint):
        queue(endpoint, 1)

        found = claim()

        assert found.looks == {endpoint.pk: None}
        assert health_of(endpoint).next_due_at is None

    def test_looks_again_in_a_moment_where_there_was_no_room(self, live):
        endpoint = open_endpoint(live, max_in_flight=1)
        queue(endpoint, 2)

        assert claim().looks == {endpoint.pk: 0.25}

    def test_looks_again_at_once_where_only_the_share_was_used_up(self, live):
        endpoints = [open_endpoint(live) for _ in range(2)]
        for endpoint in endpoints:
            queue(endpoint, 9)

        assert claim(Slots(20)).looks == {endpoint.pk: 0.0 for endpoint in endpoints}


class TestPausedEndpoints:
    @pytest.mark.parametrize("state", ["paused", "disabled"])
    def test_are_sent_nothing_and_keep_what_waits(self, live, state):
        endpoint = open_endpoint(live, state=state)
        deliveries = queue(endpoint, 2)

        assert claim().deliveries == []
        assert states(deliveries) == ["pending"] * 2
        assert health_of(endpoint).next_due_at is None

    def test_are_sent_a_test_all_the_same(self, live):
        endpoint = open_endpoint(live, state="paused")
        queue(endpoint, 2)
        test = queue(endpoint, 1, type="endpoint_test", trigger="test")

        assert [one.id for one in claim().deliveries] == [test[0].pk]

    def test_wait_even_with_what_was_asked_for_by_hand(self, live):
        queue(open_endpoint(live, state="paused"), 1, trigger="manual", extra=1)

        assert claim().deliveries == []

    def test_that_are_deleted_are_sent_nothing_at_all(self, live):
        endpoint = open_endpoint(live, deleted_at=timezone.now())
        queue(endpoint, 1, type="endpoint_test", trigger="test")

        assert claim().deliveries == []
        assert health_of(endpoint).next_due_at is None


class TestAge:
    def test_is_what_passed_since_the_delivery_was_made(self, endpoint):
        queue(endpoint, created_at=timezone.now() - timedelta(hours=90))

        assert 89 * 3600 < claim().deliveries[0].age < 91 * 3600

    def test_begins_anew_for_what_was_held_when_its_endpoint_is_resumed(self, endpoint):
        Health.unscoped.update(resumed_at=timezone.now() - timedelta(hours=2))
        ages = [
            (queue(endpoint, created_at=timezone.now() - timedelta(hours=hours)), claim().deliveries[0].age)[1]
            for hours in (90, 1)
        ]

        assert [round(age / 3600) for age in ages] == [2, 1]


class TestHeldEndpoints:
    def hold(self, endpoint, seconds):
        Health.unscoped.filter(pk=endpoint.pk).update(hold_until=timezone.now() + timedelta(seconds=seconds))

    def test_are_left_alone_until_then(self, endpoint):
        queue(endpoint, 2)
        self.hold(endpoint, 40)

        found = claim()

        assert found.deliveries == []
        assert 20 < (found.looks[endpoint.pk] or 0) <= 40

    def test_are_sent_what_was_asked_for_by_hand(self, endpoint):
        queue(endpoint, 2)
        resent = queue(endpoint, 1, trigger="manual", extra=1)
        self.hold(endpoint, 40)

        assert [one.id for one in claim().deliveries] == [resent[0].pk]

    def test_are_told_again_when_it_is_over(self, endpoint):
        queue(endpoint, 2)
        self.hold(endpoint, -1)

        assert len(claim().deliveries) == 2


class TestRate:
    def test_lets_one_through_at_a_time_and_says_when_the_next_may(self, live):
        endpoint = open_endpoint(live, rate_per_second=0.01)
        queue(endpoint, 9)

        found = claim()

        assert len(found.deliveries) == 1
        assert 80 < (found.looks[endpoint.pk] or 0) <= 100
        assert claim(also=[endpoint.pk]).deliveries == []

    @pytest.mark.slow
    def test_is_kept_over_several_claims(self, live):
        endpoint = open_endpoint(live, rate_per_second=40.0, max_in_flight=200)
        queue(endpoint, 100)
        sent, started = 0, time.monotonic()

        while time.monotonic() - started < 1:
            sent += len(claim(also=[endpoint.pk]).deliveries)

        # A quarter of a second's worth may come together at the start.
        assert 10 <= sent <= 40 * (time.monotonic() - started) + 11

    def test_counts_what_was_asked_for_by_hand_too(self, live):
        endpoint = open_endpoint(live, rate_per_second=2.0)
        queue(endpoint, 3, trigger="manual", extra=1)

        assert len(claim().deliveries) == 1


class TestUrgent:
    def test_goes_before_whatever_waits_longer(self, live):
        endpoint = open_endpoint(live, max_in_flight=2)
        queue(endpoint, 5)
        resent = queue(endpoint, 1, trigger="manual", extra=1)

        assert resent[0].pk in [one.id for one in claim().deliveries]


class TestExpire:
    def test_tells_the_databases_clock(self, endpoint):
        assert abs(expire().moment - time.time()) < 30

    def end_leases(self):
        Delivery.unscoped.filter(state="delivering").update(lease_until=timezone.now() - timedelta(seconds=1))

    def test_gives_others_what_a_dead_process_held(self, endpoint):
        deliveries = queue(endpoint, 3)
        first = claim().deliveries

        assert expire()[:2] == (0, [])
        self.end_leases()
        assert expire()[:2] == (3, [])

        second = claim().deliveries
        assert [one.id for one in second] == [one.id for one in first] == [one.pk for one in deliveries]
        assert second[0].token != first[0].token

    def test_sets_aside_what_was_claimed_five_times_without_an_attempt(self, endpoint):
        poison = queue(endpoint, 1, claims=4)
        other = queue(endpoint, 1)
        claim()
        self.end_leases()

        assert expire()[:2] == (2, [poison[0].pk])
        row = Delivery.unscoped.get(pk=poison[0].pk)
        assert (row.state, row.next_attempt_at, row.lease_token) == ("quarantined", None, None)
        assert row.finished_at is not None
        assert [one.id for one in claim().deliveries] == [other[0].pk]
