"""
The nudge that spares the relay its poll.

One daemon thread per process publishes it, so that no request waits for Redis: at once when there was none lately, and
many commits within a moment become one message. A lost hint costs one poll interval.
"""

import threading
import time

import structlog
from redis import RedisError

from core import redis as redis_connections

CHANNEL = "dexra:hint:events"
COALESCE_SECONDS = 0.005

log = structlog.get_logger(__name__)


class _Herald(threading.Thread):
    """Publishes the hint whenever somebody has asked for it since the last time."""

    def __init__(self) -> None:
        super().__init__(name="event-hints", daemon=True)
        self.asked = threading.Event()

    def run(self) -> None:
        while True:
            self.asked.wait()
            self.asked.clear()
            try:
                redis_connections.client().publish(CHANNEL, b"")
            except RedisError:
                time.sleep(1)  # the relay polls meanwhile
            time.sleep(COALESCE_SECONDS)


_lock = threading.Lock()
_herald: _Herald | None = None


def wake_relay() -> None:
    """Ask for the relay to look at once; returns immediately."""
    global _herald  # noqa: PLW0603  one thread per process, started by the first commit
    if _herald is None or not _herald.is_alive():  # a forked child has the object but not the thread
        with _lock:
            if _herald is None or not _herald.is_alive():
                _herald = _Herald()
                _herald.start()
    if not _herald.asked.is_set():  # to ask takes a lock
        _herald.asked.set()
