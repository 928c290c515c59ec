"""A thread beside the event loop that does what is Django's, with a connection of its own that sees every tenant."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from django.db import connection

from core import tenancy
from core.postgres.loops import AWAY

Done = TypeVar("Done")


class Desk:
    """Does one thing after the other, in the order it is asked."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def do(self, work: Callable[..., Done], *arguments: Any) -> Done:
        """Return what ``work`` returns. Raises what it raises; of ``AWAY``, the connection is made anew next time."""
        job = partial(_connected, work, *arguments)
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    def close(self) -> None:
        """Let go of the connection, once the last thing is done; waits for nothing."""
        self._thread.submit(_leave)
        self._thread.shutdown(wait=False)


def _connected(work: Callable[..., Done], *arguments: Any) -> Done:
    try:
        raw: Any = connection.connection
        if raw is None or raw.closed:
            connection.close()
            tenancy.bind_engine()
        return work(*arguments)
    except AWAY:
        connection.close()
        raise


def _leave() -> None:
    connection.close()  # this thread's own
