"""What happens to deliveries when time passes."""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from psycopg import sql

from accounts.services import audit
from tests.webhooks.working import health_of, open_endpoint, queue
from webhooks import tasks
from webhooks.models import Delivery, Health
from webhooks.services import endpoints, upkeep


@pytest.fixture
def endpoint(live):
    return open_endpoint(live)


def ago(**span):
    return timezone.now() - timedelta(**span)


def state_of(delivery):
    return Delivery.unscoped.get(pk=delivery.pk).state


def reasons(*deliveries):
    return {Delivery.unscoped.get(pk=delivery.pk).canceled_reason for delivery in deliveries}


class TestCancelUnwanted:
    def test_cancels_what_waits_for_a_deleted_endpoint(self, live, endpoint):
        deleted = open_endpoint(live, deleted_at=timezone.now())
        unwanted, wanted = queue(deleted, 3), queue(endpoint)[0]

        assert upkeep.cancel_unwanted() == 3
        assert {state_of(delivery) for delivery in unwanted} == {"canceled"}
        assert reasons(*unwanted) == {"endpoint_deleted"}
        assert state_of(wanted) == "pending"

    def test_cancels_types_that_are_not_ticked_any_more(self, live, endpoint):
        choosy = open_endpoint(live, events=["message_out"])
        unwanted = [queue(choosy, type="message_in", trigger=trigger)[0] for trigger in ("auto", "replay")]
        wanted = [queue(choosy, type="message_out")[0], queue(endpoint, type="message_in")[0]]
        by_hand = queue(choosy, type="message_in", extra=1, trigger="manual")[0]
        test = queue(choosy, type="endpoint_test", trigger="test")[0]
        rehearsed = queue(choosy, type="message_in", trigger="rehearsal", rehearsal="delay")[0]

        assert upkeep.cancel_unwanted() == 2
        assert {state_of(delivery) for delivery in unwanted} == {"canceled"}
        assert reasons(*unwanted) == {"type_unwanted"}
        assert {state_of(delivery) for delivery in (*wanted, by_hand, test, rehearsed)} == {"pending"}

    def test_cancels_what_no_body_is_kept_for(self, live):
        paused = open_endpoint(live, state="paused")
        old, young = queue(paused, event_at=ago(days=32))[0], queue(paused, event_at=ago(days=29))[0]

        assert upkeep.cancel_unwanted() == 1
        assert (state_of(old), state_of(young)) == ("canceled", "pending")
        assert reasons(old) == {"body_gone"}

    def test_leaves_what_is_under_way_and_what_has_ended(self, live):
        deleted = open_endpoint(live, deleted_at=timezone.now())
        queue(deleted, state="delivering")
        queue(deleted, state="delivered")

        assert upkeep.cancel_unwanted() == 0


class TestEndTooOld:
    def test_ends_what_could_not_be_attempted_in_eighty_hours(self, endpoint):
        old = queue(endpoint, created_at=ago(hours=81), next_attempt_at=ago(hours=2))[0]
        young = queue(endpoint, created_at=ago(hours=79), next_attempt_at=ago(hours=2))[0]

        assert upkeep.end_too_old() == 1
        assert (state_of(old), state_of(young)) == ("exhausted", "pending")

    def test_keeps_what_a_paused_endpoint_holds(self, live):
        held = queue(open_endpoint(live, state="paused"), created_at=ago(days=9), next_attempt_at=ago(days=9))[0]

        assert upkeep.end_too_old() == 0
        assert state_of(held) == "pending"

    def test_gives_what_was_resumed_its_turn(self, live):
        paused = open_endpoint(live, state="paused")
        held = queue(paused, created_at=ago(days=9), next_attempt_at=ago(days=9))[0]
        endpoints.resume(endpoint=paused, by=audit.SYSTEM, held="resume")

        assert upkeep.end_too_old() == 0
        assert state_of(held) == "pending"

        Health.unscoped.update(resumed_at=ago(hours=81))
        assert upkeep.end_too_old() == 1


class TestPurge:
    def test_deletes_what_ended_before_retention(self, endpoint, settings):
        settings.ATTEMPT_RETENTION_DAYS = 7
        old = queue(endpoint, state="delivered", finished_at=ago(days=8))[0]
        kept = [
            queue(endpoint, state="delivered", finished_at=ago(days=6))[0],
            queue(endpoint, state="pending", finished_at=ago(days=8), extra=1)[0],  # asked for once more
            queue(endpoint, state="pending", created_at=ago(days=90))[0],
        ]

        assert upkeep.purge() == 1
        assert not Delivery.unscoped.filter(pk=old.pk).exists()
        assert Delivery.unscoped.filter(pk__in=[delivery.pk for delivery in kept]).count() == 3

    def test_goes_on_until_all_is_deleted(self, endpoint, monkeypatch):
        monkeypatch.setattr(upkeep, "AT_ONCE", 2)
        queue(endpoint, 5, state="delivered", finished_at=ago(days=60))

        assert upkeep.purge() == 5
        assert Delivery.unscoped.count() == 0


class TestRememberForgotten:
    def test_makes_an_endpoint_due_that_has_something_to_do(self, endpoint):
        queue(endpoint)
        Health.unscoped.update(next_due_at=None)

        assert upkeep.remember_forgotten() == 1
        assert health_of(endpoint).next_due_at is not None

    def test_leaves_those_that_have_not(self, live, endpoint):
        queue(endpoint, state="delivered")
        queue(open_endpoint(live, state="paused"))
        Health.unscoped.update(next_due_at=None)

        assert upkeep.remember_forgotten() == 0


def days_of(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return {row[0].removeprefix(f"{table}_") for row in cursor.fetchall()}


@pytest.mark.django_db
def test_the_days_of_bodies_and_attempts_are_made_ahead():
    tasks.keep_days()

    ahead = f"{timezone.now() + timedelta(days=13):%Y%m%d}"
    assert ahead in days_of("webhooks_body")
    assert ahead in days_of("webhooks_attempt")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["webhooks_body", "webhooks_attempt"])
def test_the_days_of_bodies_and_attempts_are_dropped_whole(settings, table):
    settings.BODY_RETENTION_DAYS = settings.ATTEMPT_RETENTION_DAYS = 30
    past, kept = (timezone.now().date() - timedelta(days=days) for days in (31, 30))
    owner, name = settings.DATABASE_OWNER_URL or settings.DATABASE_URL, connection.settings_dict["NAME"]
    with psycopg.connect(owner, dbname=name, autocommit=True) as db:
        for day in (past, kept):
            partition = sql.Identifier(f"{table}_{day:%Y%m%d}")
            db.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition))
            db.execute(
                sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                    partition, sql.Identifier(table), f"{day} 00:00Z", f"{day + timedelta(days=1)} 00:00Z"
                )
            )

    tasks.keep_days()

    assert {f"{day:%Y%m%d}" for day in (past, kept)} & days_of(table) == {f"{kept:%Y%m%d}"}


def test_the_task_tidies(live):
    queue(open_endpoint(live, deleted_at=timezone.now()))

    tasks.tidy_deliveries()

    assert Delivery.unscoped.get().state == "canceled"
