"""What is not kept for ever: callbacks as they came, and the rows that keep them from being heeded twice."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

# A message's row stays as long as the message does: answers, edits and reactions name it by it. That of a message that
# was erased stays a while longer, so that a provider that says it once more does not bring it back.
FORGOTTEN_DAYS = 365
BATCH = 5_000
CALLBACKS = """
DELETE FROM inbound_rawcallback WHERE id = ANY(ARRAY(
    SELECT id FROM inbound_rawcallback WHERE received_at < %s AND state <> 'waiting' ORDER BY received_at LIMIT %s))
"""
RECEIVALS = """
DELETE FROM inbound_receival WHERE id = ANY(ARRAY(
    SELECT id FROM inbound_receival
    WHERE created_at < %s AND (kind <> 'message' OR message_id IS NULL AND created_at < %s)
    ORDER BY created_at LIMIT %s))
"""
FETCHES = "DELETE FROM inbound_fetch WHERE state <> 'waiting' AND created_at < %s"


def purge() -> int:
    """Delete what is older than ``DEXRA_CALLBACK_RETENTION_DAYS``; returns how many callbacks that was."""
    now = timezone.now()
    old = now - timedelta(days=settings.CALLBACK_RETENTION_DAYS)
    long_ago = now - timedelta(days=max(settings.CALLBACK_RETENTION_DAYS, FORGOTTEN_DAYS))
    deleted = _until_none(CALLBACKS, [old, BATCH])
    _until_none(RECEIVALS, [old, long_ago, BATCH])
    with connection.cursor() as cursor:
        cursor.execute(FETCHES, [old])
    return deleted


def _until_none(sql: str, params: list[Any]) -> int:
    total: int = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(sql, params)
            total += cursor.rowcount
            if cursor.rowcount < BATCH:
                return total
