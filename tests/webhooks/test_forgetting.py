"""Erasing a person: nothing of them is left in any table of webhooks, and nothing about them is sent any more."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core import tenancy
from events.log import from_row
from events.models import LoggedEvent
from tests.servers import at_once
from tests.webhooks.story import Visitor
from tests.webhooks.telling import listen, queued, told
from webhooks.models import Attempt, Body, Delivery, Endpoint
from webhooks.services import fanout, forgetting

SECRETS = ("amine", "Amine", "my secret words", "+212600000001", "premium-plus", "an answer that repeats it")


@pytest.fixture
def shop(live):
    """An endpoint that wants everything."""
    return listen(live)


@pytest.fixture
def chatty(live):
    """Another one, in Chatwoot's words."""
    return listen(live, dialect=Endpoint.Dialect.CHATWOOT)


@pytest.fixture
def amine(api, inbox, shop, chatty, relay):
    """Somebody of whom much was said; what was sent so far came back with answers that repeat it."""
    api.put("/v1/users/c-1", {"first_name": "Amine", "email": "amine@example.test"})
    visitor = Visitor(inbox, identifier="c-1")
    visitor.say("my secret words")
    api.patch("/v1/users/c-1", {"phone_number": "+212600000001", "custom_attributes": {"plan": "premium-plus"}})
    relay.drain()
    answer()
    return visitor


def answer() -> None:
    """Let every second delivery have been attempted."""
    for delivery in Delivery.unscoped.order_by("id")[::2]:
        Delivery.unscoped.filter(pk=delivery.pk).update(state="delivered", tries=1)
        Attempt.unscoped.create(
            environment_id=delivery.environment_id, delivery_id=delivery.pk, endpoint_id=delivery.endpoint_id,
            event_id=delivery.event_id, n=1, trigger="auto", sent_at=timezone.now(), duration_ms=5,
            url="https://shop.example/hooks", status_code=200, response_body="an answer that repeats it: amine",
            response_headers={"x-name": "Amine"},
        )  # fmt: skip


def left() -> dict[str, list[str]]:
    """Return what of the person is found in which table of webhooks."""
    found = {}
    with tenancy.everyone(), connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relname LIKE 'webhooks_%'"
                       " AND NOT relispartition")  # fmt: skip
        for (table,) in cursor.fetchall():
            column = "encode(content, 'escape')" if table == "webhooks_body" else "row::text"
            cursor.execute(f"SELECT coalesce(string_agg({column}, ' '), '') FROM {table} AS row")
            text = cursor.fetchone()[0]
            if words := [word for word in SECRETS if word in text]:
                found[table] = words
    return found


class TestErasing:
    def test_leaves_nothing_in_any_table(self, api, amine, relay):
        assert set(left()) == {"webhooks_body", "webhooks_attempt"}

        api.delete("/v1/users/c-1")
        relay.drain()

        assert left() == {}

    def test_leaves_nothing_of_what_was_not_told_yet(self, api, inbox, shop, relay):
        api.put("/v1/users/c-1", {"first_name": "Amine"})
        Visitor(inbox, identifier="c-1").say("my secret words")
        api.delete("/v1/users/c-1")
        relay.drain()

        assert left() == {}
        assert queued(shop) == ["user_deleted"]

    def test_leaves_nothing_of_what_the_relay_held_in_its_hands(self, api, amine, relay):
        """It had read the events already, when the erasure came first: then they are told afterwards."""
        with tenancy.everyone():
            api.patch("/v1/users/c-1", {"last_name": "my secret words"})
            in_hand = relay._pending()
            api.delete("/v1/users/c-1")
            relay._tell(in_hand)
            relay.drain()

        assert left() == {}

    def test_leaves_nothing_of_whoever_turned_out_to_be_them(self, api, inbox, shop, relay):
        for name, words in (("c-0", "Amine"), ("c-1", "my secret words")):
            api.put(f"/v1/users/{name}", {"first_name": "Amine"})
            Visitor(inbox, identifier=name).say(words)
        relay.drain()
        api.post("/v1/users/merge", {"from": "c-0", "into": "c-1"})
        relay.drain()
        answer()
        api.delete("/v1/users/c-1")
        relay.drain()

        assert left() == {}

    def test_cancels_what_waits_and_what_is_under_way(self, api, amine, shop, chatty, relay):
        under_way = Delivery.unscoped.filter(state="pending").first()
        Delivery.unscoped.filter(pk=under_way.pk).update(
            state="delivering", lease_token="00000000-0000-4000-8000-000000000000", lease_until=timezone.now()
        )
        Delivery.unscoped.filter(state="delivered").update(state="pending", extra=1, returns_to="delivered")

        api.delete("/v1/users/c-1")
        relay.drain()

        states = set(Delivery.unscoped.exclude(type="user_deleted").values_list("state", "extra", "lease_token"))
        assert states == {("canceled", 0, None)}
        shown = api.get(f"/v1/webhook-deliveries/{under_way.public_id}").json()
        assert (shown["state"], shown["canceled_reason"]) == ("canceled", "person_erased")

    def test_cancels_rehearsals_too(self, api, amine, shop, relay):
        row = Delivery.unscoped.filter(endpoint=shop).first()
        row.pk, row.rehearsal, row.state = None, "delay", "pending"
        row.save(force_insert=True)

        api.delete("/v1/users/c-1")
        relay.drain()

        assert Delivery.unscoped.get(rehearsal="delay").state == "canceled"

    def test_is_told_itself(self, api, amine, shop, chatty, relay):
        api.delete("/v1/users/c-1")
        relay.drain()

        [body] = told(shop)
        assert body["type"] == "user_deleted"
        assert Delivery.unscoped.get(type="user_deleted").state == "pending"
        assert told(chatty) == []

    def test_keeps_that_something_was_sent_and_how_it_went(self, api, amine, relay):
        before = list(Attempt.unscoped.order_by("id").values("event_id", "n", "status_code", "url", "duration_ms"))
        delivered = Delivery.unscoped.filter(state="delivered").count()

        api.delete("/v1/users/c-1")
        relay.drain()

        assert (
            list(Attempt.unscoped.order_by("id").values("event_id", "n", "status_code", "url", "duration_ms")) == before
        )
        assert Delivery.unscoped.filter(state="delivered").count() == delivered > 0

    def test_leaves_everybody_else_alone(self, api, inbox, amine, globex, shop, relay):
        stranger = listen(globex)
        api.put("/v1/users/c-2", {"first_name": "Bouchra"})
        Visitor(inbox, identifier="c-2").say("Other words")
        relay.drain()

        api.delete("/v1/users/c-1")
        relay.drain()

        theirs = [body["data"]["user"]["name"] for body in told(shop) if body["type"] != "user_deleted"]
        assert theirs == ["Bouchra"] * 3
        waiting = Delivery.unscoped.filter(endpoint=shop, state="pending")
        assert waiting.exclude(type="user_deleted").count() == 3
        assert queued(stranger) == []

    def test_takes_three_statements(self, api, amine, relay, django_assert_num_queries):
        api.delete("/v1/users/c-1")
        relay.drain()
        erased = from_row(LoggedEvent.unscoped.get(type="user_deleted"))
        with django_assert_num_queries(3):
            forgetting.forget(erased)
        assert Body.unscoped.exclude(type="user_deleted").exclude(content=b"").count() == 0


@pytest.mark.django_db(transaction=True)
class TestErasingBesideOthers:
    def test_waits_for_who_is_writing_down_an_answer(self, transactional_db, api, inbox, live, relay):
        """The engine has just written down what came back, and commits a moment later."""
        with tenancy.everyone():
            shop = listen(live)
            api.put("/v1/users/c-1", {"first_name": "Amine"})
            relay.drain()
            row = Delivery.unscoped.get(endpoint=shop)
            Delivery.unscoped.filter(pk=row.pk).update(state="delivering")
        api.delete("/v1/users/c-1")
        written, erased = threading.Event(), []

        def settle() -> None:
            with tenancy.everyone(), transaction.atomic():
                Delivery.unscoped.filter(pk=row.pk).update(state="delivered")
                answer()
                written.set()
                time.sleep(0.3)

        def erase() -> None:
            written.wait(10)
            relay.drain()
            erased.append(left())

        at_once(settle, erase)

        assert erased == [{}]
        with tenancy.everyone():
            assert Attempt.unscoped.get().response_body == ""

    def test_waits_for_who_is_replaying(self, transactional_db, api, inbox, live, relay):
        """A replay has read the event, and writes its body a moment later."""
        with tenancy.everyone():
            shop = listen(live)
            api.put("/v1/users/c-1", {"first_name": "Amine"})
            event = from_row(LoggedEvent.unscoped.get())
        read, erased = threading.Event(), []

        def replay() -> None:
            with tenancy.everyone(), transaction.atomic():
                assert [each.event_id for each in fanout.said([event], shop)] == [event.id]
                read.set()
                time.sleep(0.3)

        def erase() -> None:
            read.wait(10)
            api.delete("/v1/users/c-1")
            relay.drain()
            erased.append(left())

        at_once(replay, erase)

        assert erased == [{}]
        with tenancy.everyone(), transaction.atomic():
            assert fanout.said([event], shop) == []
