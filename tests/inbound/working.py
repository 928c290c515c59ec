"""The engine at work in threads of its own, or in a process that can be killed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from dexra.processes import BASE_DIR
from inbound.engine import InboundEngine
from inbound.models import RawCallback

SOON = 20.0


@contextmanager
def at_work(engine: InboundEngine | None = None) -> Iterator[InboundEngine]:
    """Have an engine work until the end of the block."""
    working, stop = engine or InboundEngine(), threading.Event()
    thread = threading.Thread(target=working.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield working
    finally:
        stop.set()
        thread.join(SOON)
        assert not thread.is_alive()


@contextmanager
def engine_process() -> Iterator["subprocess.Popen[bytes]"]:
    """Have an engine work in a process of its own, on the database of the tests."""
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {**os.environ, "DATABASE_URL": url, "DEXRA_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}
    process = subprocess.Popen([sys.executable, "-m", "tests.inbound.lonely"], env=environment, cwd=BASE_DIR)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(holds: Callable[[], bool], *, seconds: float = SOON) -> None:
    """Wait until something holds. Raises AssertionError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "It did not come about in time."
        time.sleep(0.01)


def waiting() -> int:
    """Return how many callbacks are not done."""
    return RawCallback.unscoped.filter(state="waiting").count()
