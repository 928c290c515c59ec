"""The log's days."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from events import retention


def days() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events_event'::regclass")
        return {row[0] for row in cursor.fetchall()}


class TestKeepDays:
    def test_finds_two_weeks_made_ahead(self, db):
        last = datetime.now(UTC).date() + timedelta(days=14)
        retention.keep_days()

        assert f"events_event_{last:%Y%m%d}" in days()

    @pytest.mark.parametrize("wanted", [(14, 0), (14, -1000), (0, 30), (10_000, 30)])
    def test_drops_nothing_for_whoever_asks_for_too_much(self, db, wanted):
        before = days()

        with connection.cursor() as cursor, pytest.raises(DatabaseError, match="at least"), transaction.atomic():
            cursor.execute("SELECT dexra_keep_days('events_event', %s, %s)", wanted)

        assert days() == before

    def test_cannot_be_gone_around(self, db):
        with connection.cursor() as cursor, pytest.raises(DatabaseError, match="denied"), transaction.atomic():
            cursor.execute("SELECT dexra_move_days('events_event', 14, -1000)")
