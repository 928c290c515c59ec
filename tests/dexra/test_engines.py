"""Engines run in threads of their own, come back when they break, and stop when told."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from core import redis as redis_connections
from dexra import engines, wiring
from dexra.engines import EngineRoom, EngineThread, Heartbeat
from tests.dexra.launching import wait_for


class Scripted:
    """An engine that does what it is told, one script each time it is started."""

    name = "scripted"

    def __init__(self, *scripts: Callable[[threading.Event], object]) -> None:
        self.scripts = list(scripts)
        self.starts = 0

    def run(self, stop: threading.Event) -> None:
        script = self.scripts[min(self.starts, len(self.scripts) - 1)]
        self.starts += 1
        script(stop)


def breaks(_stop: threading.Event) -> None:
    raise RuntimeError("the world is not as it was")


def works(stop: threading.Event) -> None:
    stop.wait()


@pytest.fixture
def quick(monkeypatch):
    """Waits too short to notice."""
    monkeypatch.setattr(engines, "FIRST_BACKOFF_SECONDS", 0.01)


@pytest.fixture
def employ():
    """Have the worker run other engines than the product's."""
    yield engines.employ
    engines.employ(wiring.engines)


def test_an_engine_that_breaks_is_started_again_and_said_to_have_broken(quick):
    stop, engine = threading.Event(), Scripted(breaks, breaks, works)
    thread = EngineThread(engine, stop)

    with capture_logs() as logs:
        thread.start()
        wait_for(lambda: engine.starts == 3, seconds=30)
        stop.set()
        thread.join(30)

    assert not thread.is_alive()
    assert [entry["event"] for entry in logs] == ["engine_failed"] * 2
    assert logs[0]["engine"] == "scripted"


def test_an_engine_that_just_ends_is_started_again(quick):
    stop, engine = threading.Event(), Scripted(lambda _: None, works)
    thread = EngineThread(engine, stop)

    thread.start()

    wait_for(lambda: engine.starts == 2, seconds=30)
    stop.set()
    thread.join(30)


@pytest.mark.slow
def test_an_engine_that_keeps_breaking_is_started_ever_more_rarely(monkeypatch):
    monkeypatch.setattr(engines, "FIRST_BACKOFF_SECONDS", 0.1)
    stop, engine = threading.Event(), Scripted(breaks)
    thread = EngineThread(engine, stop)

    thread.start()
    took = wait_for(lambda: engine.starts == 4, seconds=30)
    stop.set()
    thread.join(30)

    assert took > 0.5  # a tenth of a second, two, and four


def test_the_room_starts_and_stops_what_is_employed(employ):
    engine = Scripted(works)
    employ(lambda: [engine])
    room = EngineRoom(object())

    room.start(object())
    wait_for(lambda: engine.starts == 1, seconds=30)
    names = {thread.name for thread in threading.enumerate()}
    started = time.monotonic()
    room.stop(object())

    assert {"scripted", "heartbeat"} <= names
    assert time.monotonic() - started < engines.JOIN_SECONDS
    assert not {"scripted", "heartbeat"} & {thread.name for thread in threading.enumerate()}


def test_the_room_does_not_wait_for_ever_for_a_deaf_engine(monkeypatch, employ):
    monkeypatch.setattr(engines, "JOIN_SECONDS", 0.2)
    deaf_until = threading.Event()
    employ(lambda: [Scripted(lambda _: deaf_until.wait(60))])
    room = EngineRoom(object())
    room.start(object())

    with capture_logs() as logs:
        room.stop(object())
    deaf_until.set()

    assert logs[-1]["late"] == ["scripted"]


def test_a_worker_is_seen_from_its_first_moment():
    stop = threading.Event()
    stop.set()

    Heartbeat().run(stop)

    assert redis_connections.client().exists("dexra:worker:seen")


def test_only_a_worker_loads_what_sends_webhooks():
    program = """
import sys
from dexra import asgi, wiring
before = "aiohttp" in sys.modules
wiring.engines()
print(before, "aiohttp" in sys.modules)
"""

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout.split() == ["False", "True"]
