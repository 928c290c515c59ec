"""Stops the server's process at the other end of a connection: nothing is closed, and nothing comes."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dexra.embedded import MARK

needs_own_server = pytest.mark.skipif(MARK not in os.environ, reason="only a server of our own may be stopped")


def ask(database: Any, query: str = "SELECT 1") -> Any:
    """Return the only value a query finds."""
    with database.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


@contextmanager
def silent(database: Any) -> Iterator[None]:
    """Stop it; the kernel goes on taking what is sent to it."""
    pid = ask(database, "SELECT pg_backend_pid()")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
