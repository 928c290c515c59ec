"""``/metrics``: what Prometheus reads off the web and off a worker."""

import http.client
import socket
import threading
from contextlib import contextmanager

import pytest
from django.db import connections
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from contacts.services import contacts
from core import tenancy
from dexra.metrics import MetricsServer
from dexra.wiring import engines
from tests.ports import free_port

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
EVENTS = (("queue", "events"),)


def scrape(**headers: str) -> Samples:
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    return read(answer.content.decode())


def read(text: str) -> Samples:
    """Return every sample, (name, labels) to value; none may be told twice."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = (sample.name, tuple(sorted(sample.labels.items())))
            assert name not in found
            found[name] = sample.value
    return found


@pytest.fixture
def _database_away(monkeypatch):
    connections["default"].close()
    monkeypatch.setitem(connections["default"].settings_dict, "HOST", "/nowhere")
    yield
    connections["default"].close()


class TestTheWebs:
    def test_tells_what_waits_of_every_tenant(self, live, globex):
        for environment in (live, globex):
            contacts.create(environment=environment, fields={"name": "Amine"})
        tenancy.release()

        found = scrape()

        assert found["dexra_queue_waiting", EVENTS] == 2
        assert found["dexra_queue_late", EVENTS] == 0
        assert 0 <= found["dexra_queue_oldest_seconds", EVENTS] < 300
        assert found["dexra_database_up", ()] == 1

    def test_leaves_the_wall_standing(self, live):
        scrape()

        assert tenancy.bound() is None

    def test_tells_nothing_waits_once_it_is_relayed(self, live, relay):
        contacts.create(environment=live, fields={"name": "Amine"})
        relay.drain()

        assert scrape()["dexra_queue_waiting", EVENTS] == 0

    def test_tells_what_the_process_counts(self, db):
        before = scrape()
        Client().get("/healthz")
        counted = ("dexra_http_requests_total", (("method", "GET"), ("status", "200"), ("surface", "other")))

        assert scrape()[counted] >= before.get(counted, 0) + 1

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("_database_away")
    def test_says_that_the_database_is_away(self):
        found = scrape()

        assert found["dexra_database_up", ()] == 0
        assert ("dexra_queue_waiting", EVENTS) not in found


class TestTheToken:
    @pytest.fixture(autouse=True)
    def _token(self, db, settings):
        settings.METRICS_TOKEN = "scrape-me"

    @pytest.mark.parametrize("said", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "scrape-me"}])
    def test_keeps_strangers_out(self, said):
        answer = Client().get("/metrics", headers=said)

        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")
        assert "dexra_" not in answer.content.decode()

    def test_lets_prometheus_in(self):
        assert scrape(Authorization="Bearer scrape-me")


class TestWithoutATokenInProduction:
    @pytest.fixture(autouse=True)
    def _production(self, db, settings):
        settings.IS_PRODUCTION = True

    @pytest.mark.parametrize("said", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}])
    def test_there_are_no_metrics(self, said):
        answer = Client().get("/metrics", headers=said)

        assert answer.status_code == 404
        assert "dexra_" not in answer.content.decode()

    @pytest.mark.slow
    def test_there_are_none_of_a_worker_either(self):
        with serving() as port:
            assert get(port) == (404, "")

    def test_there_are_some_again_with_a_token(self, settings):
        settings.METRICS_TOKEN = "scrape-me"

        assert scrape(Authorization="Bearer scrape-me")


class TestTheWorkers:
    def test_is_off_unless_it_has_a_port(self, settings):
        assert not [engine for engine in engines() if isinstance(engine, MetricsServer)]
        settings.WORKER_METRICS_PORT = 9109

        assert [engine.name for engine in engines() if isinstance(engine, MetricsServer)] == ["metrics"]

    def test_tells_what_the_worker_counts_and_leaves_the_database_to_the_web(self):
        with serving() as port:
            status, body = get(port)

        assert status == 200
        found = read(body)
        assert ("dexra_event_relay_lag_seconds_count", ()) in found
        assert not [name for name, _ in found if name.startswith("dexra_queue")]

    def test_takes_the_token_too(self, settings):
        settings.METRICS_TOKEN = "scrape-me"

        with serving() as port:
            assert get(port)[0] == 401
            assert get(port, Authorization="Bearer scrape-me")[0] == 200

    @pytest.mark.slow
    def test_lets_go_of_its_port_when_it_stops(self):
        with serving() as port:
            pass

        with serving(port):
            assert get(port)[0] == 200

    def test_fails_loudly_on_a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("", 0))
            taken.listen()

            with pytest.raises(OSError, match="in use"):
                MetricsServer(taken.getsockname()[1]).run(threading.Event())


@contextmanager
def serving(port: int = 0):
    """Run the worker's server; yields its port."""
    port = port or free_port()
    stop = threading.Event()
    thread = threading.Thread(target=MetricsServer(port).run, args=(stop,))
    thread.start()
    try:
        wait_until_open(port)
        yield port
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def wait_until_open(port: int) -> None:
    pause = threading.Event()
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.1)
    raise AssertionError("the server does not open its port")


def get(port: int, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
