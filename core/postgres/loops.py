"""Connections to PostgreSQL for engines that live in an event loop: the same server, role and patience as Django's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, connections
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout as WaitTimeout  # it has no public name

from core.postgres.base import INTERVAL_SECONDS, NoAnswer
from core.postgres.plans import BY_KEYS

Found = TypeVar("Found")
# What says that the server is away: in psycopg's words, in Django's, or below both.
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError, InterfaceError, OSError)
# An engine says the same few statements for ever: they are planned once.
SET_UP = """
SELECT set_config('dexra.environment', '0', false), set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('synchronous_commit', %s, false)
"""


class Connection(psycopg.AsyncConnection[Any]):
    """A connection that waits ``answer_seconds`` for each answer, and is closed when there was none."""

    answer_seconds: float | None = None

    async def wait(self, gen: PQGen[Found], interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> Found:  # noqa: ASYNC109  psycopg's signature
        """Have a statement done, or a part of one. Raises NoAnswer."""
        if self.answer_seconds is None or timeout is not None:
            return await super().wait(gen, interval, timeout)
        try:
            return await super().wait(gen, interval, self.answer_seconds)
        except WaitTimeout:
            await self.close()
            raise NoAnswer(f"The database did not answer within {self.answer_seconds:g} s.") from None


class Line:
    """
    One connection that sees every tenant, made when it is first used and made anew after it broke.

    Whoever uses it has it alone until done. A line that is not ``durable`` commits without waiting for the disk: for
    what a crash of the server may undo.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._durable = durable
        self._made: Connection | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Do something as one transaction. Raises psycopg.Error; what was done is undone then."""
        connection = await self.open()
        async with connection.transaction():
            yield connection

    async def open(self) -> Connection:
        """Return the connection, which commits each statement. Raises psycopg.OperationalError."""
        if self._made is None or self._made.closed or self._made.broken:
            await self.close()
            self._made = await _connect()
            await self._made.execute(SET_UP, ["on" if self._durable else "off"])
            await self._made.execute(BY_KEYS)
        return self._made

    async def close(self) -> None:
        """Let go of the connection."""
        made, self._made = self._made, None
        if made is not None:
            await made.close()


async def _connect() -> Connection:
    """Connect as Django does, autocommitting. Raises psycopg.OperationalError."""
    django = connections["default"]
    asked = django.get_connection_params()
    plain = {name: value for name, value in asked.items() if name not in {"context", "cursor_factory"}}
    made = await Connection.connect(**plain, autocommit=True)
    made.answer_seconds = django.settings_dict.get("ANSWER_SECONDS")
    return made
