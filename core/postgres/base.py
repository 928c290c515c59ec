"""
Connections that notice a server which falls silent instead of dying.

A server that is stopped, or lies behind a dead switch, keeps its connections open and says nothing. Whoever has waited
for it for ``ANSWER_SECONDS`` (a setting of the alias; none: for ever) gets the error of a server that is away. From
then on everybody in this process is refused at once, but for one at a time who finds out whether it speaks again.

The server itself ends what takes it long before that (``statement_timeout``), so a slow statement is no silence.
"""

import threading
import time
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout, IdleInTransactionSessionTimeout
from psycopg.errors import _WaitTimeout as WaitTimeout  # it has no public name

INTERVAL_SECONDS = 0.1  # psycopg's own; between two looks at the signals
PAUSE_SECONDS = 0.5
PROBE_SECONDS = 10.0  # longer than anybody waits for an answer: one who finds out is not joined by another

Found = TypeVar("Found")


class NoAnswer(psycopg.OperationalError):
    """The server says nothing; whether it did what it was asked last, nobody knows."""


class Silence:
    """Whether the server has fallen silent, as far as this process knows."""

    def __init__(self) -> None:
        self._until = 0.0  # monotonic seconds; 0: it speaks
        self._lock = threading.Lock()

    def refuse(self) -> None:
        """Let nobody wait for a silent server but one at a time, every so often. Raises NoAnswer."""
        if not self._until:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._until:
                raise NoAnswer("The database did not answer a moment ago.")
            if self._until:
                self._until = now + PROBE_SECONDS

    def begin(self) -> None:
        """Somebody waited in vain."""
        self._until = time.monotonic() + PAUSE_SECONDS

    def end(self) -> None:
        """Somebody was answered, whatever the answer was."""
        self._until = 0.0


silence = Silence()


class Connection(psycopg.Connection[Any]):
    """A connection that waits ``answer_seconds`` for each answer, and is closed when there was none."""

    answer_seconds: float | None = None

    def wait(self, gen: PQGen[Found], interval: float = INTERVAL_SECONDS, timeout: float | None = None) -> Found:
        """Have a statement done, or a part of one. Raises NoAnswer."""
        if self.answer_seconds is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        silence.refuse()
        try:
            found = super().wait(gen, interval, self.answer_seconds)
        except WaitTimeout:
            silence.begin()
            self.close()
            raise NoAnswer(f"The database did not answer within {self.answer_seconds:g} s.") from None
        except IdleInTransactionSessionTimeout as ended:  # psycopg takes it for a program's mistake, not for an absence
            silence.end()
            self.close()
            raise psycopg.OperationalError(str(ended)) from None
        except psycopg.Error:
            silence.end()
            raise
        silence.end()
        return found


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL on such connections."""

    # What Django asks of the driver: its errors, and to connect.
    Database = SimpleNamespace(**{**vars(psycopg), "connect": Connection.connect})  # type: ignore[assignment]  # a module

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect. Raises psycopg.OperationalError when the server is away, NoAnswer when it says nothing."""
        limit = self.settings_dict.get("ANSWER_SECONDS")
        if limit is None:
            return super().get_new_connection(conn_params)
        silence.refuse()
        try:
            made: Connection = super().get_new_connection(conn_params)
        except ConnectionTimeout:
            silence.begin()
            raise
        except psycopg.Error:
            silence.end()
            raise
        silence.end()
        made.answer_seconds = limit
        return made
