"""
The nudge that spares an engine its poll.

One daemon thread per process and channel publishes it, so that no request waits for Redis: at once when there was none
lately, and many commits within a moment become one message. A lost hint costs one poll interval.
"""

import threading
import time

import structlog
from django.db import transaction
from redis import RedisError
from redis.client import PubSub

from core import redis as redis_connections

CHANNEL = "dexra:hint:events"
COALESCE_SECONDS = 0.005

log = structlog.get_logger(__name__)


class Hint:
    """A channel that an engine listens to; anybody may ask for it to be published."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self._lock = threading.Lock()
        self._herald: _Herald | None = None

    def give(self) -> None:
        """Ask for the engine to look at once; returns immediately."""
        if self._herald is None or not self._herald.is_alive():  # a forked child has the object but not the thread
            with self._lock:
                if self._herald is None or not self._herald.is_alive():
                    self._herald = _Herald(self.channel)
                    self._herald.start()
        if not self._herald.asked.is_set():  # to ask takes a lock
            self._herald.asked.set()

    def give_on_commit(self) -> None:
        """Ask for the engine to look at once, as soon as the transaction has committed."""
        transaction.on_commit(self.give)


class _Herald(threading.Thread):
    """Publishes the hint whenever somebody has asked for it since the last time."""

    def __init__(self, channel: str) -> None:
        super().__init__(name=f"hints {channel}", daemon=True)
        self.channel = channel
        self.asked = threading.Event()

    def run(self) -> None:
        while True:
            self.asked.wait()
            self.asked.clear()
            try:
                redis_connections.client().publish(self.channel, b"")
            except RedisError:
                time.sleep(1)  # the engine polls meanwhile
            time.sleep(COALESCE_SECONDS)


class Ear:
    """Listens for hints; without Redis it just lets the poll interval pass."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._subscription: PubSub | None = None

    def wait(self, seconds: float) -> None:
        """Return when hinted, or after ``seconds``."""
        started = time.monotonic()
        try:
            if self._subscription is None:
                self._subscription = redis_connections.client().pubsub(  # type: ignore[no-untyped-call]
                    ignore_subscribe_messages=True
                )
                self._subscription.subscribe(self._channel)
            while (left := started + seconds - time.monotonic()) > 0:
                if self._subscription.get_message(timeout=left) is not None:
                    return
        except (RedisError, OSError):
            self.close()
            time.sleep(max(0.0, started + seconds - time.monotonic()))

    def close(self) -> None:
        """Let go of the subscription."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None


_relay = Hint(CHANNEL)


def wake_relay() -> None:
    """Ask for the relay to look at once; returns immediately."""
    _relay.give()
