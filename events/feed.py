"""
Reading on from an event, without missing any.

Ids are drawn before their transactions commit, so an event with a lower id may appear later than one with a higher.
The relay gives a ``position`` to what has committed, one after the other: whatever is placed later stands behind, and
what has no position yet will.
"""

from django.conf import settings
from django.db import models
from django.db.models import QuerySet

from core import ids, tenancy
from core.errors import Gone, NotFound
from events.event import ID_PREFIX
from events.models import LoggedEvent


class EventsExpired(Gone):
    """The event is older than the log."""

    code = "events_expired"

    def __init__(self, event_id: str) -> None:
        super().__init__(
            f"{event_id} is older than the log, which keeps {settings.EVENT_RETENTION_DAYS} days: what followed it "
            "may be gone too. Fetch what you need anew and go on from the latest event."
        )


def find(environment: models.Model, event_id: str, *, param: str) -> LoggedEvent:
    """Return the event of that id. Raises NotFound for one that never was here, EventsExpired for one that is gone."""
    row = ids.decode(ID_PREFIX, event_id)
    logged = LoggedEvent.of(environment)
    event = logged.filter(pk=row).first() if row is not None else None
    if event is not None:
        return event
    # A stranger's event is none of this environment's business: only what is gone from every day of the log expired.
    if row is not None and row < _oldest():
        raise EventsExpired(event_id)
    raise NotFound(f"No such event: {event_id[:80]}", param=param)


def _oldest() -> int:
    """Return the lowest id that may still be in the log, of anybody's; 0 for an empty log."""
    with tenancy.everyone():
        first = LoggedEvent.unscoped.order_by("id").values_list("pk", flat=True).first()
    return first or 0


def after(rows: QuerySet[LoggedEvent], event: LoggedEvent) -> QuerySet[LoggedEvent]:
    """Return those of the rows that stand behind an event in the feed; without a place yet, it has none behind it."""
    return rows.filter(position__gt=event.position) if event.position is not None else rows.none()


def latest(environment: models.Model) -> LoggedEvent | None:
    """Return the last event of the feed so far."""
    return LoggedEvent.of(environment).filter(position__isnull=False).order_by("-position").first()
