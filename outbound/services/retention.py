"""
What is not kept for ever: the attempts at sending messages.

A dispatch stays as long as its message: where a message went, by which steps and in which words is a part of it, and
whoever has it sent anew needs the rest.
"""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

BATCH = 5_000
# An attempt that was never closed is what a message in doubt is known by.
ATTEMPTS = """
DELETE FROM outbound_attempt WHERE id = ANY(ARRAY(
    SELECT id FROM outbound_attempt WHERE started_at < %s AND state <> 'open' ORDER BY started_at LIMIT %s))
"""


def purge() -> int:
    """Delete attempts that are older than ``DEXRA_ATTEMPT_RETENTION_DAYS``, a piece at a time; returns how many."""
    old = timezone.now() - timedelta(days=settings.ATTEMPT_RETENTION_DAYS)
    total: int = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(ATTEMPTS, [old, BATCH])
            total += cursor.rowcount
            if cursor.rowcount < BATCH:
                return total
