"""The log's days: made ahead of time, dropped whole when they are past retention."""

from django.conf import settings
from django.db import connection

DAYS_AHEAD = 14


def keep_days() -> int:
    """Make and drop days as ``EVENT_RETENTION_DAYS`` says; returns how many were made or dropped."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT dexra_keep_days('events_event', %s, %s)", [DAYS_AHEAD, settings.EVENT_RETENTION_DAYS])
        changed: int = cursor.fetchone()[0]
        return changed
