"""Times as they are written and read."""

from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from django.db import DataError, connection

from core import times


def read(literal):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [literal])
        return cursor.fetchone()[0]


class TestIso:
    def test_has_microseconds_even_where_there_are_none(self):
        assert times.iso(datetime(2026, 11, 20, 20, tzinfo=UTC)) == "2026-11-20T20:00:00.000000Z"

    def test_is_in_utc_wherever_the_moment_was_told(self):
        moment = datetime(2026, 11, 20, 20, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))

        assert times.iso(moment) == "2026-11-20T14:30:00.123456Z"

    def test_has_four_digits_for_an_early_year(self):
        assert times.iso(datetime(987, 1, 2, tzinfo=UTC)) == "0987-01-02T00:00:00.000000Z"


@pytest.mark.django_db
class TestReadingFromTheDatabase:
    @pytest.mark.parametrize(
        "literal",
        [
            "2026-11-20 20:00:00+00",
            "2026-11-20 20:00:00.1+00",
            "2026-11-20 20:00:00.000001+00",
            "2026-11-20 23:59:59.999999-11:45",
            "1850-06-01 12:00:00+00:09:21",
            "0001-01-01 00:00:00+00",
            "9999-12-31 23:59:59.999999+00",
        ],
    )
    def test_finds_the_moment_psycopg_itself_finds(self, literal):
        with psycopg.connect(connection.connection.info.dsn, password=connection.settings_dict["PASSWORD"]) as bare:
            row = bare.execute("SELECT %s::timestamptz", [literal]).fetchone()

        moment = read(literal)

        assert row is not None
        assert moment == row[0]
        assert moment.tzinfo is UTC

    @pytest.mark.parametrize("literal", ["infinity", "-infinity", "10000-01-01 00:00:00+00", "0044-03-15 BC"])
    def test_refuses_what_no_datetime_can_say(self, literal):
        with pytest.raises(DataError):
            read(literal)

    def test_finds_the_moment_in_a_session_of_another_time_zone(self):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL TIME ZONE 'Asia/Kathmandu'")

        assert read("2026-11-20 20:00:00+00") == datetime(2026, 11, 20, 20, tzinfo=UTC)
