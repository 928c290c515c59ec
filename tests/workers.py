"""A world of its own for each of several test processes: a database, and a Redis, whose channels know no walls."""

import atexit
import os
import subprocess
import tempfile
import time
from pathlib import Path

from django.conf import settings
from redis import Redis, RedisError

from dexra.embedded import redis as embedded

START_SECONDS = 60


def move_in(worker: str) -> None:
    """Give this test process its own database name and Redis; ``worker`` is its name among the others."""
    settings.DATABASES["default"]["TEST"]["NAME"] += f"_{worker}"
    place = Path(tempfile.mkdtemp(prefix="dexra-redis-"))
    address = place / "redis.sock"
    options = ("--port", "0", "--unixsocket", str(address), "--dir", str(place), "--save", "", "--loglevel", "warning")
    server = subprocess.Popen([str(embedded.binary()), *options], stdout=subprocess.DEVNULL)
    atexit.register(_leave, server, place)
    settings.REDIS_URL = os.environ["REDIS_URL"] = f"unix://{address}"
    _wait_for(settings.REDIS_URL)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    with Redis.from_url(url) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.02)
            else:
                return
    raise TimeoutError("A test process's Redis did not start.")


def _leave(server: "subprocess.Popen[bytes]", place: Path) -> None:
    server.terminate()
    server.wait(60)
    for left in place.iterdir():
        left.unlink()
    place.rmdir()
