"""Times as the APIs write them."""

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with microseconds and ``Z``: ``2026-11-20T20:00:00.123456Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def iso_or_none(moment: datetime | None) -> str | None:
    """Return ``iso(moment)``, and null for never."""
    return None if moment is None else iso(moment)


def parse(text: str) -> datetime:
    """Return the moment an ISO 8601 text names; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
