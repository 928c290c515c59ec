"""What is told about endpoints themselves: to the others, and a test to nobody but the one it is for."""

import json

import pytest
from django.db import transaction

from events import log
from events.event import SYSTEM
from events.log import from_row
from events.models import LoggedEvent
from tests.webhooks.telling import compare, listen, queued, told
from webhooks import bodies
from webhooks import events as webhook_events
from webhooks.models import Delivery, Endpoint, Health

TROUBLES = (
    webhook_events.EndpointFailing, webhook_events.EndpointRecovered, webhook_events.EndpointDisabled,
    webhook_events.DeliveryExhausted,
)  # fmt: skip


@pytest.fixture
def shop(live):
    """The endpoint it is about."""
    return listen(live)


@pytest.fixture
def other(live):
    """Another one in the same environment."""
    return listen(live)


def publish(endpoint, kind):
    """Let it happen to an endpoint; returns the event."""
    with transaction.atomic():
        log.publish(webhook_events.about(endpoint, kind, actor=SYSTEM))
    return from_row(LoggedEvent.unscoped.get(type=kind.type))


@pytest.mark.parametrize("kind", [*TROUBLES, webhook_events.EndpointTest], ids=lambda kind: kind.type)
def test_every_type_is_as_its_file_says(live, shop, kind):
    compare(f"dexra/{kind.type}", json.loads(bodies.body(publish(shop, kind))))


class TestTroubles:
    @pytest.mark.parametrize("kind", TROUBLES, ids=lambda kind: kind.type)
    def test_do_not_tell_the_others_what_an_endpoint_is_opened_with(self, live, kind):
        event = publish(listen(live, url="https://example.com/hooks?token=hunter2"), kind)

        assert event.data["endpoint"]["url"] == "https://example.com/hooks"
        assert b"hunter2" not in bodies.body(event)

    @pytest.mark.parametrize("kind", TROUBLES, ids=lambda kind: kind.type)
    def test_are_told_to_the_others(self, live, globex, shop, other, relay, kind):
        stranger, chatty = listen(globex), listen(live, dialect=Endpoint.Dialect.CHATWOOT)
        publish(shop, kind)
        relay.drain()

        assert queued(other) == [kind.type]
        assert queued(shop) == queued(stranger) == queued(chatty) == []

    def test_are_told_to_those_who_want_them(self, live, shop, relay):
        choosy, deaf = listen(live, events=["endpoint_disabled"]), listen(live, events=["message_in"])
        for kind in TROUBLES:
            publish(shop, kind)
        relay.drain()

        assert (queued(choosy), queued(deaf)) == (["endpoint_disabled"], [])

    def test_of_every_kind_may_be_asked_for(self):
        assert {kind.type for kind in TROUBLES} <= set(bodies.TYPES)
        assert webhook_events.EndpointTest.type == bodies.TEST


class TestTest:
    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param({}, id="wants everything"),
            pytest.param({"events": ["message_in"]}, id="wants something else"),
            pytest.param({"state": "paused"}, id="paused"),
            pytest.param({"dialect": "chatwoot"}, id="in Chatwoot's words"),
        ],
    )
    def test_goes_to_its_endpoint_only(self, live, other, relay, fields):
        shop = listen(live, **fields)
        publish(shop, webhook_events.EndpointTest)
        relay.drain()

        assert (queued(shop), queued(other)) == (["endpoint_test"], [])
        assert Delivery.unscoped.get().trigger == "test"
        assert Health.unscoped.get(endpoint=shop).next_due_at is not None
        [body] = told(shop)
        assert (body["event"], body["test"]) == ("endpoint_test", True)

    def test_goes_to_an_inbox_s_callback_too(self, live, inbox, relay):
        callback = listen(live, inbox=inbox, dialect=Endpoint.Dialect.CHATWOOT)
        publish(callback, webhook_events.EndpointTest)
        relay.drain()

        assert told(callback) == [{"account": {"id": live.pk, "name": "Acme"}, "test": True, "event": "endpoint_test"}]
