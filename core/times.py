"""Times as the APIs write them, and as the database's are read."""

from datetime import UTC, datetime
from typing import Any

from psycopg.adapt import Loader
from psycopg.types.datetime import TimestamptzLoader


def iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with microseconds and ``Z``: ``2026-11-20T20:00:00.123456Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def iso_or_none(moment: datetime | None) -> str | None:
    """Return ``iso(moment)``, and null for never."""
    return None if moment is None else iso(moment)


def parse(text: str) -> datetime:
    """Return the moment an ISO 8601 text names; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def span(seconds: float) -> str:
    """Return a length of time as people say it: ``42 ms``, ``5.3 s``, ``5 min 12 s``, ``2 h 3 min``, ``1 d 4 h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for unit, name, part, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit} {name}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


class UtcLoader(Loader):
    """
    Reads a ``timestamptz`` as Django's loader does, by Python's own parser in C instead of a regular expression.

    A message reads a dozen of them.
    """

    timezone = UTC  # Django compares it with its own

    def load(self, data: Any) -> datetime:
        """Return the moment, in UTC. Raises psycopg.DataError for one that Python has no datetime for."""
        try:
            return datetime.fromisoformat(str(data, "ascii")).astimezone(UTC)
        except ValueError:
            return TimestamptzLoader(self.oid, self.connection).load(data).astimezone(UTC)


def read_quickly(connection: Any, **_: Any) -> None:
    """Let a new connection read its times by ``UtcLoader``; a receiver of ``connection_created``."""
    if connection.timezone is UTC:
        connection.connection.adapters.register_loader("timestamptz", UtcLoader)
