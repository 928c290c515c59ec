"""Fan-out: who gets what, once, in the relay's transaction; and nobody who should not."""

import json

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from contacts.services import contacts
from conversations.services import conversations, messages
from conversations.services.messages import Author, Draft
from core import redis as redis_connections
from core import tenancy
from dexra.wiring import SUBSCRIPTIONS
from events import bus, log
from events.models import LoggedEvent
from tests.conftest import open_inbox
from tests.webhooks.story import Visitor
from tests.webhooks.telling import listen, queued, told
from webhooks import bodies, handlers
from webhooks.models import Body, Delivery, Endpoint, Health
from webhooks.services import fanout, hints


@pytest.fixture
def shop(live):
    """An endpoint that wants everything."""
    return listen(live)


def say(conversation, text="Hello"):
    return messages.send(conversation=conversation, author=Author("api"), draft=Draft(text))


class TestWho:
    def test_every_endpoint_that_wants_it(self, conversation, live, shop, relay):
        choosy = listen(live, events=["message_out", "user_updated"])
        say(conversation)
        relay.drain()

        assert queued(shop) == ["user_created", "conversation_created", "message_out"]
        assert queued(choosy) == ["message_out"]

    def test_one_body_for_all_of_a_dialect(self, conversation, live, shop, relay):
        for _ in range(3):
            listen(live)
        chatty = listen(live, dialect=Endpoint.Dialect.CHATWOOT)
        relay.drain()

        assert Delivery.unscoped.filter(type="conversation_created").count() == 5
        kept = Body.unscoped.filter(type="conversation_created").order_by("dialect")
        assert [body.dialect for body in kept] == ["chatwoot", "dexra"]
        assert told(chatty)[1]["id"] == conversation.number

    def test_not_those_taken_away(self, conversation, live, relay):
        gone = listen(live, deleted_at=timezone.now())
        relay.drain()

        assert queued(gone) == []
        assert not Body.unscoped.exists()

    def test_notes_and_looks_are_nobody_s(self, api, inbox, live, shop, relay):
        visitor = Visitor(inbox, name="Amine")
        visitor.look()
        [talk] = api.get("/v1/conversations").json()["data"]
        api.post(f"/v1/conversations/{talk['id']}/messages", {"text": "Careful", "private": True})
        relay.drain()

        assert queued(shop) == ["user_created", "conversation_created"]


class TestInboxes:
    @pytest.fixture
    def callback(self, live, inbox):
        return listen(live, inbox=inbox, dialect=Endpoint.Dialect.CHATWOOT)

    def test_hear_only_of_their_own_conversations(self, live, inbox, callback, relay):
        Visitor(inbox, name="Amine").say("Hello")
        Visitor(open_inbox(live), name="Bouchra").say("Hello")
        relay.drain()

        assert queued(callback) == ["conversation_created", "message_created"]
        assert {body["inbox_id"] for body in told(callback, "conversation_created")} == {inbox.pk}

    def test_hear_nothing_of_people(self, live, callback, relay):
        contacts.create(environment=live, fields={"name": "Amine"})
        relay.drain()

        assert queued(callback) == []


class TestTenants:
    def test_never_hear_of_each_other_in_one_batch(self, conversation, live, sandbox, globex, shop, relay):
        strangers = listen(globex), listen(sandbox)
        for environment in (globex, sandbox):
            contacts.create(environment=environment, fields={"name": f"of {environment.pk}"})
        say(conversation)
        relay.drain()

        assert [queued(each) for each in strangers] == [["user_created"], ["user_created"]]
        assert [body["data"]["user"]["name"] for each in strangers for body in told(each)] == [
            f"of {globex.pk}", f"of {sandbox.pk}"
        ]  # fmt: skip
        for row in [*Delivery.unscoped.select_related("endpoint"), *Body.unscoped.all()]:
            event = LoggedEvent.unscoped.get(pk=row.event_id)
            assert row.environment_id == event.environment_id
        assert all(row.endpoint.environment_id == row.environment_id for row in Delivery.unscoped.all())

    def test_cannot_even_see_each_other_s_deliveries(self, conversation, live, globex, shop, relay):
        listen(globex)
        relay.drain()

        with tenancy.one(globex.pk), connection.cursor() as cursor:
            for table in ("webhooks_delivery", "webhooks_body", "webhooks_endpoint", "webhooks_health"):
                cursor.execute(f"SELECT count(*) FROM {table} WHERE environment_id <> %s", [globex.pk])
                assert cursor.fetchone()[0] == 0
            with pytest.raises(Exception, match="row-level security"), transaction.atomic():
                cursor.execute(
                    "INSERT INTO webhooks_body (environment_id, event_id, event_at, dialect, type, content) "
                    "VALUES (%s, 1, now(), 'dexra', 'x', '')", [live.pk],
                )  # fmt: skip

    def test_that_do_not_listen_cost_one_statement(self, conversation, relay, django_assert_num_queries):
        events = log.read(LoggedEvent.unscoped.values_list("pk", flat=True))
        with django_assert_num_queries(1):
            fanout.fan_out(events)


class TestRows:
    def test_say_what_the_engine_needs(self, conversation, live, shop, relay):
        relay.drain()

        delivery = Delivery.unscoped.get(type="conversation_created")
        event = LoggedEvent.unscoped.get(pk=delivery.event_id)
        body = Body.unscoped.get(event_id=event.pk)
        assert (delivery.state, delivery.trigger, delivery.tries, delivery.livemode) == ("pending", "auto", 0, True)
        assert delivery.event_at == delivery.next_attempt_at == event.occurred_at == body.event_at
        assert delivery.conversation_id == body.conversation_id == conversation.pk
        assert (body.contact_id, body.sequence) == (conversation.contact_id, 1)

    def test_make_their_endpoint_due(self, conversation, shop, relay):
        relay.drain()

        assert Health.unscoped.get(endpoint=shop).next_due_at is not None

    @pytest.mark.parametrize("state", ["paused", "disabled"])
    def test_wait_for_an_endpoint_that_is_not_told(self, conversation, live, relay, state):
        waiting = listen(live, state=state)
        relay.drain()

        assert queued(waiting) == ["user_created", "conversation_created"]
        assert Health.unscoped.get(endpoint=waiting).next_due_at is None

    def test_are_due_in_the_order_things_happened(self, conversation, shop, relay):
        for number in range(20):
            say(conversation, str(number))
        relay.drain()

        rows = Delivery.unscoped.filter(type="message_out").order_by("next_attempt_at")
        assert [row.event_id for row in rows] == sorted(row.event_id for row in rows)

    def test_take_three_statements_however_many_they_are(self, conversation, live, globex, django_assert_num_queries):
        for _ in range(5):
            listen(live)
        listen(globex)
        for number in range(20):
            say(conversation, str(number))
        events = log.read(LoggedEvent.unscoped.values_list("pk", flat=True))

        with django_assert_num_queries(3):
            fanout.fan_out(events)
        assert Delivery.unscoped.count() == 5 * 22

    def test_take_a_few_more_in_chatwoots_words(self, conversation, live, django_assert_num_queries):
        for _ in range(3):
            listen(live, dialect=Endpoint.Dialect.CHATWOOT)
        for number in range(20):
            say(conversation, str(number))
        events = log.read(LoggedEvent.unscoped.values_list("pk", flat=True))

        with django_assert_num_queries(6):
            fanout.fan_out(events)
        assert Delivery.unscoped.count() == 3 * 22


class TestAgain:
    def test_a_batch_handed_over_again_changes_nothing(self, conversation, live, shop, relay):
        listen(live, dialect=Endpoint.Dialect.CHATWOOT)
        conversations.update(conversation=conversation, fields={"status": "closed"})
        relay.drain()
        before = list(Delivery.unscoped.order_by("id").values()), list(Body.unscoped.order_by("id").values("content"))

        handlers.fan_out(log.read(LoggedEvent.unscoped.values_list("pk", flat=True)))

        after = list(Delivery.unscoped.order_by("id").values()), list(Body.unscoped.order_by("id").values("content"))
        assert after == before

    def test_a_crash_leaves_nothing_half_done(self, conversation, shop, relay):
        table = dict(bus._subscriptions)

        def die(_events):
            raise SystemExit

        bus.subscribe({kind: [*told_first, die] for kind, told_first in table.items()})
        try:
            with pytest.raises(SystemExit):
                relay.drain()
            assert not Delivery.unscoped.exists()
            assert not Body.unscoped.exists()
        finally:
            bus.subscribe(table)

        relay.drain()

        assert queued(shop) == ["user_created", "conversation_created"]

    def test_two_deliveries_of_one_event_to_one_endpoint_cannot_be(self, conversation, shop, relay):
        relay.drain()
        row = Delivery.unscoped.first()
        row.pk = None

        with pytest.raises(IntegrityError, match="one_delivery_of_an_event"), transaction.atomic():
            row.save(force_insert=True)


class TestHint:
    def test_wakes_the_engine_once_it_is_certain(self, conversation, shop, relay, django_capture_on_commit_callbacks):
        ear = redis_connections.client().pubsub(ignore_subscribe_messages=True)
        ear.subscribe(hints.CHANNEL)
        ear.get_message(timeout=30)

        with django_capture_on_commit_callbacks(execute=True):
            relay.drain()

        assert ear.get_message(timeout=30) is not None
        ear.close()


class TestSaid:
    """What replays and rehearsals build on."""

    def events(self):
        return log.read(LoggedEvent.unscoped.values_list("pk", flat=True))

    def test_writes_what_was_never_said(self, conversation, live, relay):
        relay.drain()
        late = listen(live)

        said = fanout.said(self.events(), late)

        assert [each.type for each in said] == ["user_created", "conversation_created"]
        assert Body.unscoped.count() == 2
        assert not Delivery.unscoped.exists()

    def test_says_one_event_twice_where_the_dialect_does(self, conversation, live):
        conversations.update(conversation=conversation, fields={"status": "closed"})
        chatty = listen(
            live, dialect=Endpoint.Dialect.CHATWOOT, events=["conversation_status_changed", "conversation_updated"]
        )

        said = fanout.said(self.events(), chatty)

        assert [each.type for each in said] == ["conversation_status_changed", "conversation_updated"]
        assert len({each.event_id for each in said}) == 1

    def test_says_nothing_of_who_was_erased(self, api, live, shop):
        api.put("/v1/users/c-1", {"first_name": "Amine"})
        api.delete("/v1/users/c-1")
        events = [log.from_row(row) for row in LoggedEvent.unscoped.order_by("id")]

        assert [each.type for each in fanout.said(events, shop)] == ["user_deleted"]

    def test_keeps_the_words_that_were_said_first(self, conversation, live, relay):
        first = listen(live, dialect=Endpoint.Dialect.CHATWOOT)
        relay.drain()
        before = told(first)
        conversations.update(conversation=conversation, fields={"labels": ["late"]})

        fanout.said(self.events(), first)

        assert [told(first)[place] for place in range(2)] == before


class TestTypes:
    def test_that_are_known_are_all_told_by_somebody(self):
        told_of = {kind.type for kind, handled in SUBSCRIPTIONS.items() if handlers.fan_out in handled}

        assert {*bodies.TYPES, bodies.TEST} <= told_of

    def test_bodies_are_json_with_their_type(self, conversation, shop, relay):
        relay.drain()

        for body in Body.unscoped.all():
            assert json.loads(bytes(body.content))["type"] == body.type
