"""The admin's first page says how the installation is doing, above all when it is doing badly."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core import tenancy
from dexra import pulse, vitals
from events import backlog
from events.models import LoggedEvent
from events.relay import LEADER_LOCK, Relay
from realtime.models import HeldBroadcast
from tests.dexra import operating
from webhooks.models import Delivery, Endpoint, Health


def sign(label: str) -> vitals.Sign:
    with tenancy.everyone():
        return next(sign for sign in vitals.signs() if sign.label == label)


def log_event(*, seconds_ago: float) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    LoggedEvent.unscoped.create(
        environment_id=1, livemode=True, type="user_created", actor_type="system", api_version="x",
        occurred_at=at, data={}, context={},
    )  # fmt: skip


def queue_webhook(environment, *, seconds_ago: float = 0, **health) -> Endpoint:
    now = timezone.now()
    endpoint = Endpoint.unscoped.create(environment=environment, url="https://hooks.acme.test/")
    Endpoint.unscoped.update(updated_at=now - timedelta(days=1))
    Health.unscoped.create(environment=environment, endpoint=endpoint, **health)
    Delivery.unscoped.create(
        environment=environment, endpoint=endpoint, event_id=endpoint.pk, event_at=now, type="message_in",
        livemode=True, next_attempt_at=now - timedelta(seconds=seconds_ago),
    )  # fmt: skip
    return endpoint


class TestQueues:
    def test_are_empty_at_first(self, anyone):
        assert vitals.backlogs() == {
            name: backlog.Backlog(0, 0.0, 0)
            for name in (
                "events", "broadcasts", "callbacks", "outbound_urgent", "outbound_normal", "outbound_bulk",
                "outbound_held", "webhooks_first", "webhooks_retry", "webhooks_sandbox", "webhooks_busy",
            )
        }  # fmt: skip
        assert (sign("Queue: events").value, sign("Queue: events").state) == ("0 waiting", "ok")

    def test_say_how_much_waits_how_long_and_how_much_is_late(self, anyone):
        for seconds in (0, 20, 30):
            log_event(seconds_ago=seconds)

        waits = vitals.backlogs()["events"]

        assert (waits.waiting, waits.late) == (3, 2)
        assert 30 <= waits.oldest_seconds < 300

    @pytest.mark.parametrize(("seconds", "state"), [(1, "ok"), (20, "warn"), (90, "bad")])
    def test_are_marked_by_the_age_of_what_waits(self, anyone, seconds, state):
        log_event(seconds_ago=seconds)

        assert sign("Queue: events").state == state

    def test_do_not_count_what_was_told(self, anyone, relay):
        log_event(seconds_ago=20)
        relay.drain()

        assert vitals.backlogs()["events"].waiting == 0

    def test_say_what_waits_for_redis(self, anyone):
        HeldBroadcast.objects.create(event_id=7)

        assert sign("Queue: broadcasts").value == "1 waiting"

    def test_see_every_tenants_rows(self, acme, globex):
        with tenancy.everyone():
            log_event(seconds_ago=0)
        tenancy.release()

        assert sign("Queue: events").value == "1 waiting"

    @pytest.mark.parametrize(("seconds", "state", "shown"), [(1, "ok", "pending"), (20, "warn", "late")])
    def test_lead_to_the_webhooks_that_wait(self, live, seconds, state, shown):
        queue_webhook(live, seconds_ago=seconds)

        found = sign("Queue: webhooks, first")

        assert (found.value, found.state) == ("1 waiting", state)
        listed = operating.operator_client()[0].get(found.url)
        assert f"state={shown}" in found.url
        assert listed.context["cl"].result_count == 1

    def test_are_no_trouble_of_ours_where_a_customers_server_is_too_slow(self, live):
        endpoint = queue_webhook(live, seconds_ago=600)
        Health.unscoped.filter(endpoint=endpoint).update(in_flight_cap=0)

        found = sign("Queue: webhooks, busy")

        assert (found.value, found.state) == ("1 waiting", "ok")

    def test_all_lead_to_a_list(self, anyone):
        browser, _ = operating.operator_client()

        for found in vitals.signs():
            assert not found.url or browser.get(found.url).status_code == 200, found.label


class TestEndpoints:
    def test_are_named_when_they_fail(self, live):
        queue_webhook(live, told_stage=1, last_failure_at=timezone.now())

        found = sign("Webhook endpoints")

        assert (found.value, found.state) == ("1 active", "ok")
        assert "1 failing: https://hooks.acme.test/" in found.note
        listed = operating.operator_client()[0].get(found.url)
        assert listed.context["cl"].result_count == 1

    def test_are_our_fault_when_no_key_of_ours_opens_their_secrets(self, live):
        queue_webhook(live, signing_failed_at=timezone.now())

        found = sign("Webhook endpoints")

        assert found.state == "bad"
        assert "For 1 nothing can be signed: no key in DEXRA_ENCRYPTION_KEY opens their secrets." in found.note
        listed = operating.operator_client()[0].get(found.url)
        assert listed.context["cl"].result_count == 1

    @pytest.mark.parametrize(("well", "state"), [(2, "warn"), (3, "ok")])
    def test_are_our_trouble_when_most_of_those_at_work_fail(self, live, well, state):
        for told_stage in [1] * 3 + [0] * well:
            queue_webhook(live, told_stage=told_stage, last_failure_at=timezone.now())

        assert sign("Webhook endpoints").state == state


class TestWorkers:
    def test_are_missed(self, anyone):
        assert (sign("Workers").value, sign("Workers").state) == ("None", "bad")

    def test_are_seen(self, anyone):
        pulse.show("worker")

        assert (sign("Workers").value, sign("Workers").state) == ("1 alive", "ok")
        assert pulse.seen("worker") == [sign("Workers").note]

    def test_relay_or_nobody_does(self, anyone):
        assert (sign("Event relay").value, sign("Event relay").state) == ("Nobody", "bad")

    def test_names_the_relays_lock_as_postgresql_does(self, anyone):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEADER_LOCK])
            assert backlog.has_relay()

    @pytest.mark.django_db(transaction=True)
    def test_are_known_to_relay_by_the_lock_they_hold(self):
        stop, relay = threading.Event(), Relay()
        thread = threading.Thread(target=relay.run, args=(stop,))
        thread.start()
        try:
            assert soon(backlog.has_relay)
        finally:
            stop.set()
            thread.join()
        assert soon(lambda: not backlog.has_relay())


def soon(is_so) -> bool:
    pause = threading.Event()
    return any(is_so() or pause.wait(0.1) for _ in range(600))


class TestWhatIsKeptByDays:
    @pytest.mark.parametrize(("table", "label"), vitals.KEPT_BY_DAYS.items())
    def test_has_days_ahead(self, anyone, table, label):
        days = backlog.days(table)[table]

        assert days.last is not None
        assert days.last >= timezone.now().date() + timedelta(days=vitals.DAYS_AHEAD)
        assert (sign(label).state, days.has_strays) == ("ok", False)

    @pytest.mark.parametrize(("table", "label"), vitals.KEPT_BY_DAYS.items())
    def test_is_in_trouble_when_nobody_makes_new_days(self, anyone, table, label):
        days = backlog.days(table)[table]

        assert days.last is not None
        assert vitals._days(label, days, days.last - timedelta(days=1)).state == "bad"


class TestTheFirstPage:
    def test_shows_every_sign(self, acme):
        page = operating.operator_client()[0].get("/admin/").content.decode()

        for label in (
            "Queue: events",
            "Queue: webhooks, first",
            "Webhook endpoints",
            "Event relay",
            "Workers",
            "Sockets",
            "Redis",
            "PostgreSQL",
            "Event log",
        ):
            assert label in page

    @pytest.mark.usefixtures("_redis_away")
    def test_is_there_while_redis_is_away(self, acme):
        page = operating.operator_client()[0].get("/admin/")

        assert page.status_code == 200
        states = {sign.label: (sign.value, sign.state) for sign in page.context["signs"]}
        assert states["Redis"] == ("Away", "bad")
        assert states["Workers"] == ("Unknown", "warn")

    def test_asks_little_of_the_database(self, acme, django_assert_max_num_queries):
        browser, _ = operating.operator_client()

        with django_assert_max_num_queries(17):
            browser.get("/admin/")
