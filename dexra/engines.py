"""Runs the engines, long-lived loops that do most of a worker's work, inside the Celery worker's process."""

import gc
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog
from celery import bootsteps
from django.db import connections

from dexra import pulse

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
LONG_LIFE_SECONDS = 60.0
JOIN_SECONDS = 25.0  # the webhooks under way are waited for longest: see DEXRA_WEBHOOK_DRAIN_SECONDS
HEARTBEAT_SECONDS = 3.0

log = structlog.get_logger(__name__)


class Engine(Protocol):
    """A loop that works until it is told to stop."""

    name: str

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; raising is allowed at any moment and loses nothing."""


Factory = Callable[[], Sequence[Engine]]

_factories: list[Factory] = []


def employ(factory: Factory) -> None:
    """Replace what makes the engines; it is called once, when this process turns out to be a worker."""
    _factories[:] = [factory]


class Heartbeat:
    """Shows that this worker lives; an engine itself."""

    name = "heartbeat"

    def run(self, stop: threading.Event) -> None:
        """Give a sign of life every few seconds."""
        pulse.show("worker")
        while not stop.wait(HEARTBEAT_SECONDS):
            pulse.show("worker")


class EngineThread(threading.Thread):
    """One engine in a thread of its own, started again whenever it ends before it was told to."""

    def __init__(self, engine: Engine, stop: threading.Event) -> None:
        super().__init__(name=engine.name, daemon=True)
        self._engine = engine
        self._told_to_stop = stop

    def run(self) -> None:
        """Run the engine until it is told to stop."""
        backoff = FIRST_BACKOFF_SECONDS
        while not self._told_to_stop.is_set():
            started = time.monotonic()
            try:
                self._engine.run(self._told_to_stop)
            except Exception:
                log.exception("engine_failed", engine=self.name)
            finally:
                connections.close_all()  # this thread's: what broke may have been the connection
            if time.monotonic() - started > LONG_LIFE_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            self._told_to_stop.wait(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)


class EngineRoom(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """The worker's step that starts its engines before it listens to the broker, and stops them after."""

    requires = frozenset({"celery.worker.components:Pool"})

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._told_to_stop = threading.Event()
        self._threads: Sequence[EngineThread] = ()

    def start(self, _worker: Any) -> None:
        """Start the heartbeat and every engine that is employed."""
        engines: list[Engine] = [Heartbeat()]
        engines += [engine for factory in _factories for engine in factory()]
        gc.freeze()  # what was loaded to work stays loaded: the collector need not look through it ever again
        self._threads = [EngineThread(engine, self._told_to_stop) for engine in engines]
        for thread in self._threads:
            thread.start()
        log.info("engines_started", engines=[thread.name for thread in self._threads])

    def stop(self, _worker: Any) -> None:
        """Tell every engine to stop and give all of them together a few seconds for it."""
        self._told_to_stop.set()
        until = time.monotonic() + JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        log.info("engines_stopped", late=[thread.name for thread in self._threads if thread.is_alive()])
