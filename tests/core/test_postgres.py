"""A server that falls silent is noticed, by everybody, and so is its return."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.db.utils import ConnectionHandler

from core.postgres import base
from tests.engines import until
from tests.stopping import ask, needs_own_server, silent

pytestmark = pytest.mark.slow

LIMIT = 0.4  # seconds
PAUSE = 0.3


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(base, "PAUSE_SECONDS", PAUSE)
    yield
    base.silence.end()


@pytest.fixture
def connect(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[..., Any]]:
    """Return what opens connections of their own to the tests' database, with changed settings."""
    opened = []

    def open_one(**changes: Any) -> Any:
        told = {**connections["default"].settings_dict, "ANSWER_SECONDS": 30.0, **changes}
        one = ConnectionHandler({"default": told})["default"]
        one.inc_thread_sharing()
        opened.append(one)
        return one

    with django_db_blocker.unblock():
        yield open_one
        for one in opened:
            one.close()


def refusal(act: Callable[[], Any]) -> tuple[str, float]:
    """Return what a refused act was told, and after how many seconds."""
    started = time.monotonic()
    with pytest.raises(OperationalError) as refused:
        act()
    return str(refused.value), time.monotonic() - started


@needs_own_server
class TestASilentServer:
    def test_is_waited_for_no_longer_than_the_limit(self, connect):
        database = connect(ANSWER_SECONDS=LIMIT)

        with silent(database):
            said, took = refusal(lambda: ask(database))

        assert said == "The database did not answer within 0.4 s."
        assert LIMIT <= took < 30
        assert database.connection.closed

    def test_holds_no_transaction_open(self, connect):
        database = connect(ANSWER_SECONDS=LIMIT)

        def write() -> None:
            with transaction.atomic(), silent(connections["default"]):
                ask(connections["default"])

        connections["default"], before = database, connections["default"]
        try:
            _, took = refusal(write)
        finally:
            connections["default"] = before

        assert took < 30
        assert database.connection is None

    def test_is_not_asked_by_everybody_after_one_has_waited_in_vain(self, connect, monkeypatch):
        monkeypatch.setattr(base, "PAUSE_SECONDS", 60.0)
        database = connect(ANSWER_SECONDS=LIMIT)
        with silent(database):
            refusal(lambda: ask(database))

        said, _ = refusal(lambda: ask(connect()))

        assert said == "The database did not answer a moment ago."

    @pytest.mark.slow
    def test_is_tried_again_by_one_at_a_time(self, connect):
        limit = 1.5
        first, *others = [connect(ANSWER_SECONDS=limit) for _ in range(4)]
        took: list[float] = []
        threads = [
            threading.Thread(target=lambda one=other: took.append(refusal(lambda: ask(one))[1])) for other in others
        ]
        with ExitStack() as stopped:
            for database in (first, *others):
                stopped.enter_context(silent(database))
            refusal(lambda: ask(first))
            time.sleep(PAUSE)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert sorted(seconds >= limit for seconds in took) == [False, False, True]

    @pytest.mark.slow
    def test_is_believed_again_once_it_answers_anybody(self, connect):
        database = connect(ANSWER_SECONDS=LIMIT)
        with silent(database):
            refusal(lambda: ask(database))
        time.sleep(PAUSE)

        assert ask(connect()) == 1
        assert ask(connect()) == 1

    @pytest.mark.slow
    def test_is_waited_for_where_there_is_no_limit(self, connect):
        database, answers = connect(ANSWER_SECONDS=None), []
        asking = threading.Thread(target=lambda: answers.append(ask(database)))
        with silent(database):
            asking.start()
            asking.join(3 * LIMIT)
            assert asking.is_alive()
        asking.join(60)

        assert answers == [1]


class TestAServerThatTakesConnectionsAndSaysNothing:
    @pytest.mark.slow
    def test_is_noticed_when_connecting(self, connect, tmp_path: Path, monkeypatch):
        monkeypatch.setattr(base, "PAUSE_SECONDS", 60.0)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(tmp_path / ".s.PGSQL.5432"))
            dead.listen()
            settings = connections["default"].settings_dict
            there = {"HOST": str(tmp_path), "PORT": "5432", "OPTIONS": {**settings["OPTIONS"], "connect_timeout": 2}}

            _, first = refusal(lambda: ask(connect(**there)))
            said, _ = refusal(lambda: ask(connect(**there)))

        assert 1.9 < first < 30
        assert said == "The database did not answer a moment ago."


class TestTheServerItself:
    def test_ends_a_slow_statement_and_nobody_else_is_refused(self, connect):
        database = connect()
        ask(database, "SELECT set_config('statement_timeout', '100', false)")

        said, _ = refusal(lambda: ask(database, "SELECT pg_sleep(5)"))

        assert "statement timeout" in said
        assert ask(database) == 1
        assert ask(connect()) == 1

    @pytest.mark.slow
    def test_ends_a_transaction_that_waits_for_its_client(self, connect):
        database = connect()
        ask(database, "SELECT set_config('idle_in_transaction_session_timeout', '100', false)")
        database.set_autocommit(False)
        pid = ask(database, "SELECT pg_backend_pid()")
        other = connect()
        until(lambda: not ask(other, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"))

        said, _ = refusal(lambda: ask(database))

        assert "idle-in-transaction" in said
        assert database.connection.closed

    @pytest.mark.parametrize("name", ["statement_timeout", "idle_in_transaction_session_timeout"])
    def test_was_told_our_limits(self, connect, name):
        assert ask(connect(), f"SHOW {name}") == "1min"
