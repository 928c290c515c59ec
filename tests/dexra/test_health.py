"""``/healthz`` and ``/readyz`` tell the truth, and never fall over."""

import threading
import time

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from core import redis as redis_connections
from dexra import health, probe, pulse


@pytest.fixture
def worker():
    """A worker that gave a sign of life."""
    pulse.show("worker")


@pytest.fixture
def _database_away(monkeypatch):
    """Lead every new connection nowhere, and the threads that check to new connections."""
    health._checkers.cache_clear()
    monkeypatch.setitem(connections["default"].settings_dict, "HOST", "/nowhere")
    yield
    health._checkers.cache_clear()


@pytest.mark.django_db(transaction=True)
class TestReady:
    def test_is_ready_when_everything_answers(self, client: Client, worker):
        answer = client.get("/readyz")

        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert answer["Cache-Control"] == "no-store"

    def test_is_not_ready_before_a_worker_was_seen(self, client: Client):
        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["checks"] == {
            "database": "ok",
            "redis": "ok",
            "worker": "no worker was seen in the last 15 s",
        }

    def test_is_not_ready_while_migrations_are_missing(self, client: Client, worker, monkeypatch):
        monkeypatch.setattr(health._Migrated, "known", False)
        applied, latest = MigrationRecorder(connection), ("sessions", "0001_initial")
        applied.record_unapplied(*latest)

        try:
            answer = client.get("/readyz")
        finally:
            applied.record_applied(*latest)

        assert answer.status_code == 503
        assert answer.json()["checks"]["database"] == "migrations are not applied: 1; run manage.py migrate"

    @pytest.mark.usefixtures("_redis_away")
    def test_names_an_absent_redis_but_not_where_it_was_looked_for(self, client: Client):
        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["checks"]["redis"] == "no answer (ConnectionError)"
        assert "nowhere" not in answer.content.decode()

    @pytest.mark.usefixtures("_database_away")
    def test_names_an_absent_database(self, client: Client, worker):
        answer = client.get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["checks"]["database"] == "no answer (OperationalError)"

    @pytest.mark.slow
    def test_a_check_that_hangs_holds_nobody_up(self, client: Client, worker, monkeypatch):
        let_go = threading.Event()
        monkeypatch.setattr(health, "CHECKS", {"database": lambda: let_go.wait(60), "redis": health.check_redis})
        started = time.monotonic()

        answer = client.get("/readyz")

        assert time.monotonic() - started < 30
        let_go.set()
        assert answer.json()["checks"] == {"database": "no answer within 2 s", "redis": "ok"}


@pytest.mark.usefixtures("_redis_away")
def test_is_alive_whatever_is_away(client: Client):
    assert client.get("/healthz").status_code == 200


class TestPulse:
    def test_is_seen_for_a_while(self):
        pulse.show("worker")

        assert pulse.is_seen("worker")
        assert pulse.is_seen_here("worker")
        assert not pulse.is_seen("beat")
        assert all(
            0 < redis_connections.client().ttl(key) <= pulse.SEEN_SECONDS
            for key in redis_connections.client().scan_iter("dexra:worker:*")
        )

    def test_a_worker_elsewhere_is_not_here(self):
        redis_connections.client().set("dexra:worker:elsewhere:1", "1")

        assert not pulse.is_seen_here("worker")

    @pytest.mark.usefixtures("_redis_away")
    def test_survives_an_absent_redis(self):
        pulse.show("worker")

    @pytest.mark.usefixtures("_redis_away")
    def test_an_absent_redis_is_no_reason_to_start_a_worker_again(self):
        assert probe.shows_pulse("worker")
