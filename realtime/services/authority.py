"""Answers "who may listen to what?" from memory where it can, from the database in a few threads where it must."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections

from core import tenancy
from realtime import authentication
from realtime.authentication import Grant
from realtime.cable.protocol import Credentials
from realtime.errors import Unreachable
from realtime.services import limits

THREADS = 8
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 50_000
RETRY_SECONDS = (0.1, 0.3, 1.0)
AWAY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Authority:
    """Finds grants; those found are remembered for a while, and everybody who asks at once shares one look-up."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="cable-grants", initializer=self._adopt)
        self._connections: list[Any] = []
        self._lock = threading.Lock()
        self._remembered: dict[Credentials, tuple[float, Grant]] = {}
        self._asking: dict[Credentials, asyncio.Task[Grant | None]] = {}
        self._away_until = 0.0

    @property
    def is_away(self) -> bool:
        """Whether the database did not answer a moment ago."""
        return asyncio.get_running_loop().time() < self._away_until

    async def grant(self, said: Credentials) -> Grant | None:
        """Return what somebody may listen to, or None. Raises Unreachable when the database stays away."""
        clock = asyncio.get_running_loop().time
        until, grant = self._remembered.get(said, (0.0, None))
        if clock() < until:
            return grant
        asking = self._asking.get(said)
        if asking is None:
            asking = self._asking[said] = asyncio.create_task(self._ask(said))
            asking.add_done_callback(lambda task: self._answered(said, task))
        # One of several who wait may go away; the others still want the answer.
        found = await asyncio.shield(asking)
        if found is not None:
            self._remember(said, found, clock() + REMEMBERED_SECONDS)
        return found

    def forget(self, identity: str) -> None:
        """Ask the database again for somebody."""
        for said in [said for said, (_, grant) in self._remembered.items() if grant.identity == identity]:
            del self._remembered[said]

    async def close(self) -> None:
        """End the threads and their connections."""
        for asking in list(self._asking.values()):
            asking.cancel()
        await asyncio.to_thread(self._end_threads)

    def _answered(self, said: Credentials, asking: asyncio.Task[Grant | None]) -> None:
        del self._asking[said]
        if not asking.cancelled():
            asking.exception()  # whoever still waits gets it; nobody may be left, and asyncio would complain

    def _remember(self, said: Credentials, grant: Grant, until: float) -> None:
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[said] = (until, grant)

    async def _ask(self, said: Credentials) -> Grant | None:
        """Ask until the database answers or patience ends."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + limits.PATIENCE_SECONDS
        pauses = iter(RETRY_SECONDS)
        while True:
            try:
                return await loop.run_in_executor(self._threads, _look_up, said)
            except (OperationalError, InterfaceError) as error:
                pause = next(pauses, RETRY_SECONDS[-1])
                log.warning("cable_without_database", reason=type(error).__name__)
                self._away_until = loop.time() + AWAY_SECONDS
                if loop.time() + pause > give_up_at:
                    raise Unreachable from error
            await asyncio.sleep(pause)

    def _end_threads(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _adopt(self) -> None:
        """Note a thread's connection, so that ``close`` may close it from another one."""
        connection = connections[DEFAULT_DB_ALIAS]
        connection.inc_thread_sharing()
        with self._lock:
            self._connections.append(connection)


def _look_up(said: Credentials) -> Grant | None:
    """Look up once more on a new connection when the old one turns out to be dead."""
    try:
        return _find(said)
    except (OperationalError, InterfaceError):
        connections[DEFAULT_DB_ALIAS].close()
        return _find(said)
    finally:
        connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()


def _find(said: Credentials) -> Grant | None:
    """These threads do nothing but look for grants, so their connections stay bound: one statement a look-up."""
    if tenancy.bound() != tenancy.EVERYONE:
        tenancy.bind(tenancy.EVERYONE)
    return authentication.find_grant(said)
