"""The cable as real third-party clients see it."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import redis as redis_connections
from realtime import transport
from realtime.services import broker
from realtime.services.broker import Publication
from tests.clients.driving import ARE_INSTALLED, NodeClient
from tests.engines import until
from tests.ports import free_port
from tests.realtime.serving import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ARE_INSTALLED, reason="node, or `npm ci` in tests/clients, is missing"),
]

KINDS = {
    "rails 8.1": ("rails.mjs", "@rails/actioncable"),
    "rails 6.1": ("rails.mjs", "actioncable-6"),
    "anycable": ("anycable.mjs", "actioncable-v1-json"),
    "anycable extended": ("anycable.mjs", "actioncable-v1-ext-json"),
}
EVERY = [pytest.param(kind, id=name) for name, kind in KINDS.items()]
RAILS, EXTENDED = EVERY[:2], EVERY[3:]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def serve(world, tmp_path, port) -> Iterator[Callable[..., Server]]:
    """Starts servers on one port, one after the other."""
    servers: list[Server] = []

    def begin(**environment: str) -> Server:
        servers.append(Server("uvicorn", tmp_path / f"server-{len(servers)}.log", port=port, **environment))
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


@pytest.fixture
def server(serve) -> Server:
    return serve()


@pytest.fixture
def run(port) -> Iterator[Callable[..., NodeClient]]:
    """Starts clients."""
    clients: list[NodeClient] = []

    def begin(kind: tuple[str, str], *more: str) -> NodeClient:
        script, name = kind
        clients.append(NodeClient(script, name, f"ws://127.0.0.1:{port}/cable", *more))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()


@pytest.fixture
def params(session) -> dict[str, Any]:
    """What the person's browser subscribes with."""
    return {"pubsub_token": session.pubsub_token}


@pytest.fixture
def desk(ada, live) -> dict[str, Any]:
    """What Ada subscribes with."""
    return {"pubsub_token": ada.pubsub_token, "account_id": live.pk, "user_id": ada.pk}


def subscribe(client: NodeClient, kind: tuple[str, str], params: dict[str, Any]) -> dict[str, Any]:
    """Subscribe, and return what names the subscription in later orders."""
    named = {"channel": "RoomChannel", **params} if kind[0] == "rails.mjs" else params
    client.ask("subscribe", params=named)
    return named


def publish(stream: str, *numbers: int) -> None:
    broker.publish(
        [Publication(stream, json.dumps({"event": "x", "data": {"n": n}}).encode(), f"k{n}") for n in numbers]
    )


def until_kept() -> None:
    """Wait until the only client's server has noted what it listens to."""
    until(lambda: list(redis_connections.client().scan_iter(f"{transport.PREFIX}:session:*")))


def numbers(client: NodeClient, count: int) -> list[int]:
    return [client.message()["message"]["data"]["n"] for _ in range(count)]


def heard(client: NodeClient) -> list[int]:
    """Return the numbers that have come by now."""
    messages = [event["message"] for event in client.take() if event["event"] == "received"]
    return [message["data"]["n"] for message in messages if message["event"] == "x"]


@pytest.mark.parametrize("kind", EVERY)
class TestEveryClient:
    def test_subscribes_and_receives(self, kind, server, run, params, stream):
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")

        publish(stream, 1, 2, 3)

        assert numbers(client, 3) == [1, 2, 3]

    def test_is_told_when_it_is_rejected(self, kind, server, run):
        client = run(kind)
        subscribe(client, kind, {"pubsub_token": "nobody"})

        client.await_event("rejected")

    def test_asks_who_is_online(self, kind, server, run, desk, ada):
        client = run(kind)
        named = subscribe(client, kind, desk)
        client.await_event("connected")
        time.sleep(0.3)
        client.take()
        client.order("perform", params=named, action="update_presence")

        picture = client.await_event("received", lambda event: event["message"]["event"] == "presence.update")

        assert picture["message"]["data"]["users"] == {str(ada.pk): "online"}


@pytest.fixture
def everybody(run, params) -> Callable[[], dict[str, NodeClient]]:
    """Connects one client of every kind; returns them by what they are called."""

    def begin() -> dict[str, NodeClient]:
        clients = {name: run(kind) for name, kind in KINDS.items()}
        for name, kind in KINDS.items():
            subscribe(clients[name], kind, params)
        for client in clients.values():
            client.await_event("connected")
        return clients

    return begin


class TestAllOfThemAtOnce:
    """What takes every client its time, they do side by side."""

    def test_stay_connected_on_pings_alone(self, server, everybody):
        clients = everybody()
        time.sleep(9)

        assert met(clients, "disconnected", "connected", "closed") == []

    def test_come_back_after_a_restart(self, serve, everybody, stream):
        first = serve()
        clients = everybody()
        assert first.terminate() == 0
        for client in clients.values():
            client.await_event("disconnected")
        serve()

        for client in clients.values():
            client.await_event("connected")
        publish(stream, 1)

        assert {name: numbers(client, 1) for name, client in clients.items()} == {name: [1] for name in clients}

    def test_stay_away_when_they_are_told_to(self, server, everybody, session):
        clients = everybody()
        broker.disconnect(f"contact-session:{session.pk}", reason="unauthorized", reconnect=False)
        for client in clients.values():
            client.await_event("disconnected")
        time.sleep(8)

        assert met(clients, "connected", "open") == []


def met(clients: dict[str, NodeClient], *names: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of some names since it was last asked, each with whose it is."""
    return [(whose, each) for whose, client in clients.items() for each in client.take() if each["event"] in names]


@pytest.mark.parametrize("kind", RAILS)
class TestRails:
    def test_speaks_the_protocol_it_offered(self, kind, server, run, params):
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")

        assert client.ask("protocol") == "actioncable-v1-json"

    def test_is_confirmed_once(self, kind, server, run, params):
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")
        time.sleep(2)

        assert "connected" not in [event["event"] for event in client.take()]

    def test_comes_back_after_a_broken_connection(self, kind, server, run, params, stream):
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")
        client.ask("drop")

        client.await_event("connected")
        publish(stream, 1)

        assert numbers(client, 1) == [1]


@pytest.mark.parametrize("kind", EXTENDED)
class TestAnycable:
    def test_is_restored_after_a_broken_connection(self, kind, server, run, params, stream):
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")
        publish(stream, 1)
        assert numbers(client, 1) == [1]
        until_kept()
        client.ask("drop")
        publish(stream, 2, 3)

        assert client.await_event("open")["restored"] is True
        assert numbers(client, 2) == [2, 3]
        assert client.await_event("info")["type"] == "history_received"

    def test_misses_nothing_of_a_restart(self, kind, serve, run, params, stream):
        first = serve()
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")
        publish(stream, 1)
        assert numbers(client, 1) == [1]
        assert first.terminate() == 0
        publish(stream, 2, 3)
        serve()

        assert client.await_event("open")["restored"] is False
        publish(stream, 4)
        assert numbers(client, 3) == [2, 3, 4]

    def test_misses_nothing_of_a_kill(self, kind, serve, run, params, stream):
        first = serve()
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")
        publish(stream, 1)
        assert numbers(client, 1) == [1]
        until_kept()
        first.process.kill()
        publish(stream, 2, 3)
        serve()

        assert client.await_event("open")["restored"] is True
        assert numbers(client, 2) == [2, 3]

    def test_is_told_when_something_is_lost_for_good(self, kind, server, run, params, stream):
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")
        publish(stream, 1)
        assert numbers(client, 1) == [1]
        redis = redis_connections.client()
        redis.delete(transport.log_key(stream), transport.top_key(stream))

        publish(stream, 2)

        assert client.await_event("closed")["reason"] == "resync"
        assert client.await_event("info")["type"] == "history_not_found"
        publish(stream, 3)
        assert numbers(client, 1) == [3]

    def test_whispers_to_the_others(self, kind, server, run, params):
        here, there = run(kind), run(kind)
        for client in (here, there):
            subscribe(client, kind, params)
            client.await_event("connected")

        here.ask("whisper", params=params, data={"event": "typing"})

        assert there.message()["message"] == {"event": "typing"}
        time.sleep(0.3)
        heard = [event for event in here.take() if event["event"] == "received"]
        assert [event["message"] for event in heard if event["message"]["event"] == "typing"] == []

    def test_joins_and_sees_who_joined(self, kind, server, run, desk):
        here, there = run(kind), run(kind)
        for client in (here, there):
            subscribe(client, kind, desk)
            client.await_event("connected")

        here.ask("join", params=desk, id="ada", info={"name": "Ada"})

        joined = there.await_event("presence")["presence"]
        assert (joined["type"], joined["id"], joined["info"]) == ("join", "ada", {"name": "Ada"})
        assert there.ask("roster", params=desk) == {"ada": {"name": "Ada"}}
        here.ask("leave", params=desk)
        left = there.await_event("presence", lambda event: event["presence"]["type"] == "leave")
        assert left["presence"]["id"] == "ada"

    def test_answers_pings_with_pongs(self, kind, server, run, params, stream):
        client = run(kind, "pongs")
        subscribe(client, kind, params)
        client.await_event("connected")
        time.sleep(7)
        publish(stream, 1)

        assert numbers(client, 1) == [1]
        assert "invalid_request" not in server.get("/metrics")[2].decode()

    def test_loses_nothing_however_often_it_is_dropped(self, kind, server, run, params, stream):
        client = run(kind)
        subscribe(client, kind, params)
        client.await_event("connected")
        seen: list[int] = []
        done = threading.Event()
        drops = 0

        def publish_steadily() -> None:
            try:
                for number in range(1, 501):
                    until(lambda: len(seen) > number - 150, seconds=60)  # noqa: B023  history reaches back 200
                    publish(stream, number)
                    time.sleep(0.012)
            finally:
                done.set()

        publisher = threading.Thread(target=publish_steadily)
        publisher.start()
        while not done.wait(random.uniform(0.05, 0.4)):  # noqa: S311  the moment does not matter
            news = heard(client)
            seen += news
            if news:  # it has come back
                client.order("drop")
                drops += 1
        publisher.join()
        publish(stream, 501)
        seen += heard(client)
        while not seen or seen[-1] != 501:
            seen += numbers(client, 1)

        assert drops >= 10
        assert seen == list(range(1, 502))


class TestChatwootSdk:
    """The SDK for the client API, with Rails' client on the cable beside it: what a customer's page does."""

    def test_writes_and_hears_itself(self, server, run, port, inbox, relay):
        sdk = NodeClient("chatwoot.mjs", f"http://127.0.0.1:{port}")
        kind = ("rails.mjs", "@rails/actioncable")
        try:

            def call(resource: str, method: str, **details: Any) -> Any:
                named = {"inboxIdentifier": inbox.identifier, **details}
                return sdk.ask("call", resource=resource, method=method, details=named)

            contact = call("contacts", "create", data={"name": "Amine", "email": "amine@shop.test"})
            who = {"contactIdentifier": contact["source_id"]}
            talk = call("conversations", "create", **who)
            listener = run(kind)
            subscribe(listener, kind, {"pubsub_token": contact["pubsub_token"]})
            listener.await_event("connected")

            words = {"content": "Hello", "echo_id": "tmp-1"}
            said = call("messages", "create", **who, conversationId=talk["id"], data=words)
            relay.drain()

            heard = listener.await_event("received", lambda event: event["message"]["event"] == "message.created")
            assert heard["message"]["data"]["id"] == said["id"]
            assert heard["message"]["data"]["echo_id"] == "tmp-1"
            assert call("contacts", "get", **who)["source_id"] == contact["source_id"]
            listed = call("messages", "list", **who, conversationId=talk["id"])
            assert [message["content"] for message in listed] == ["Hello"]
            assert [each["id"] for each in call("conversations", "list", **who)] == [talk["id"]]
        finally:
            sdk.close()
