"""An engine at work in a thread, as in a worker, or in a process that can be killed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import connection

from dexra.engines import Engine
from dexra.processes import BASE_DIR

SOON = 60.0
STOP_SECONDS = 60.0


@contextmanager
def in_thread(engine: Engine) -> Iterator[threading.Event]:
    """Have an engine work until the end of the block; yields what tells it to stop."""
    stop = threading.Event()
    thread = threading.Thread(target=engine.run, args=[stop], daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(STOP_SECONDS)
        assert not thread.is_alive(), "the engine did not stop"


@contextmanager
def in_process(module: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a module that has an engine work, on the database of the tests, until the end of the block."""
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    name = f"tests-{uuid4().hex}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "PGAPPNAME": name,
        "DEXRA_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment, cwd=BASE_DIR)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        until(lambda: not _sessions_of(name))  # the server ends them, and what they had begun, a moment later


def _sessions_of(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])
        found: int = cursor.fetchone()[0]
    return found


def until(check: Callable[[], Any], seconds: float = SOON) -> Any:
    """Return what ``check`` finds once it finds something. Raises AssertionError."""
    ends = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def cut_connections() -> None:
    """Have PostgreSQL end every connection but this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND usename = session_user AND pid <> pg_backend_pid()"
        )
