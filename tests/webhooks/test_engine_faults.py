"""Whatever is killed, away or broken: nothing is lost, and at most what was under way is sent twice."""

import signal
import sys
import time
from collections import Counter
from ipaddress import ip_network

import pytest
from django.utils import timezone

from core import redis as redis_connections
from tests.dexra.launching import execute
from tests.engines import cut_connections, in_process, until
from tests.webhooks.receivers import answer, hang
from tests.webhooks.working import at_work, attempts, open_endpoint, queue, settled
from webhooks.models import Attempt, Delivery, Secret
from webhooks.services import claims, dispatching

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_machine(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.WEBHOOK_DRAIN_SECONDS = 2.0


@pytest.fixture
def endpoint(live, receiver):
    return open_endpoint(live, receiver.url)


@pytest.mark.slow
def test_a_killed_process_loses_nothing_and_repeats_only_what_was_under_way(live, receiver):
    receiver.script(answer(delay=0.05))
    endpoints = [open_endpoint(live, receiver.at(f"/{number}"), max_in_flight=4) for number in range(3)]
    deliveries = [delivery for endpoint in endpoints for delivery in queue(endpoint, 80)]

    with in_process("tests.webhooks.lonely") as process:
        receiver.wait_for(60)
        process.send_signal(signal.SIGKILL)
        process.wait()
    under_way = Delivery.unscoped.filter(state="delivering").update(lease_until=timezone.now())
    with at_work():
        settled(deliveries)

    counts = Counter(request.headers["webhook-id"] for request in receiver.requests)
    assert len(counts) == 240
    assert 0 < under_way <= 12
    assert sum(counts.values()) - 240 <= under_way


def test_a_stopped_engine_finishes_what_is_under_way(live, receiver, settings):
    settings.WEBHOOK_DRAIN_SECONDS = 30.0
    receiver.script(answer(delay=0.5))
    endpoint = open_endpoint(live, receiver.url, max_in_flight=3)

    with at_work():
        deliveries = queue(endpoint, 20)
        receiver.wait_for(3)

    rows = Delivery.unscoped.filter(pk__in=[delivery.pk for delivery in deliveries])
    assert Counter(row.state for row in rows) == {"delivered": 3, "pending": 17}
    assert len(receiver.requests) == 3


def test_a_stopped_engine_gives_back_what_does_not_end(live, receiver, settings):
    settings.WEBHOOK_DRAIN_SECONDS = 0.3
    receiver.script(hang())
    endpoint = open_endpoint(live, receiver.url, max_in_flight=3)

    with at_work():
        deliveries = queue(endpoint, 5)
        receiver.wait_for(3)

    for row in Delivery.unscoped.filter(pk__in=[delivery.pk for delivery in deliveries]):
        assert (row.state, row.attempts, row.tries, row.claims, row.lease_token) == ("pending", 0, 0, 0, None)
    assert Attempt.unscoped.count() == 0


@pytest.mark.slow
def test_without_redis_the_poll_finds_what_is_due(endpoint, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    with at_work():
        time.sleep(0.5)
        settled(queue(endpoint))


@pytest.mark.slow
def test_a_flushed_redis_loses_nothing(endpoint, receiver):
    receiver.script(answer(delay=0.1))

    with at_work():
        deliveries = queue(endpoint, 50)
        receiver.wait_for(10)
        redis_connections.client().flushall()
        settled(deliveries)

    assert len(receiver.requests) == 50


@pytest.mark.slow
def test_connections_that_are_cut_lose_nothing_and_repeat_nothing(endpoint, receiver):
    receiver.script(answer(delay=0.3))

    with at_work():
        deliveries = queue(endpoint, 30)
        for count in (5, 15, 25):
            receiver.wait_for(count)
            cut_connections()
        settled(deliveries, seconds=claims.LEASE_SECONDS + 30)

    # A claim whose commit was cut off may have to wait for its lease; what was answered is never asked again.
    assert len(receiver.requests) == 30
    assert all(len(attempts(delivery)) == 1 for delivery in deliveries)


def test_our_own_fault_costs_a_delivery_nothing(endpoint, settings):
    settings.WEBHOOK_PROXY = "http://127.0.0.1:9"

    with at_work():
        delivery = queue(endpoint)[0]
        until(lambda: Delivery.unscoped.filter(pk=delivery.pk, next_attempt_at__gt=delivery.next_attempt_at).exists())

    row = Delivery.unscoped.get(pk=delivery.pk)
    assert (row.state, row.attempts, row.claims) == ("pending", 0, 0)
    assert attempts(delivery) == []


def test_a_secret_that_signs_nothing_costs_a_delivery_nothing(endpoint, receiver):
    Secret.unscoped.get().delete()
    Secret.unscoped.create(environment=endpoint.environment, endpoint=endpoint, secret="whsec_not base64")

    with at_work():
        delivery = queue(endpoint)[0]
        until(lambda: Delivery.unscoped.filter(pk=delivery.pk, next_attempt_at__gt=delivery.next_attempt_at).exists())

    assert Delivery.unscoped.get(pk=delivery.pk).claims == 0
    assert receiver.requests == []


def test_a_lease_about_to_end_is_not_begun_with(endpoint, receiver, monkeypatch):
    monkeypatch.setattr(dispatching, "SPARE_SECONDS", claims.LEASE_SECONDS + 1)

    with at_work():
        delivery = queue(endpoint)[0]
        until(lambda: Delivery.unscoped.filter(pk=delivery.pk, next_attempt_at__gt=delivery.next_attempt_at).exists())

    assert Delivery.unscoped.get(pk=delivery.pk).claims == 0
    assert receiver.requests == []


@pytest.mark.slow
def test_a_restarted_postgresql_loses_nothing(tmp_path):
    command = (sys.executable, "-m", "tests.webhooks.restarting")
    done = execute(tmp_path / "home", *command, DJANGO_SETTINGS_MODULE="dexra.settings")

    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["delivered=300", "distinct=300", "repeated=0"]
