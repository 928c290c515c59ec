"""What is published arrives: to whom it is for, in order, once."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import redis as redis_connections
from realtime import transport
from realtime.services import broker
from realtime.services.broker import Publication
from tests.realtime.driving import QUIET, room

pytestmark = pytest.mark.slow


def publication(stream: str, number: int) -> Publication:
    return Publication(stream, json.dumps({"event": "x", "data": {"n": number}}).encode(), f"key:{number}")


def numbers(client, count: int) -> list[int]:
    return [client.frame()["message"]["data"]["n"] for _ in range(count)]


class TestPublish:
    def test_reaches_a_plain_client_as_a_plain_frame(self, listener, visitor, stream):
        listener.text()  # who is online
        broker.publish([Publication(stream, b'{"event":"x","data":{"text":"\xc3\xa9"}}', "1")])

        assert (
            listener.text() == f'{{"identifier":{json.dumps(visitor)},"message":{{"event":"x","data":{{"text":"é"}}}}}}'
        )

    def test_tells_an_extended_client_where_it_stands(self, stage, visitor, stream):
        client = stage.client("actioncable-v1-ext-json")
        client.frame()
        client.subscribe(visitor)
        broker.publish([publication(stream, 1), publication(stream, 2)])

        first, second = client.frames(2)

        assert list(first) == ["identifier", "message", "stream_id", "epoch", "offset"]
        assert (first["stream_id"], first["offset"], second["offset"]) == (stream, 1, 2)
        assert first["epoch"] == second["epoch"]

    def test_keeps_the_order(self, listener, stream):
        for start in range(0, 200, 10):
            broker.publish([publication(stream, number) for number in range(start, start + 10)])

        assert numbers(listener, 200) == list(range(200))

    def test_does_the_same_thing_once(self, listener, stream):
        for _ in range(3):
            broker.publish([publication(stream, 1), publication(stream, 2)])
        broker.publish([publication(stream, 3)])

        assert numbers(listener, 3) == [1, 2, 3]

    def test_numbers_publications_of_many_at_once_without_a_gap(self, stage, visitor, stream):
        client = stage.client("actioncable-v1-ext-json")
        client.frame()
        client.subscribe(visitor)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: broker.publish([publication(stream, n)]), range(100)))

        got = client.frames(100)

        assert [frame["offset"] for frame in got] == list(range(1, 101))
        assert sorted(frame["message"]["data"]["n"] for frame in got) == list(range(100))

    def test_reaches_every_agent_and_only_agents_of_the_environment(self, stage, agent, visitor, live, sandbox, ada):
        there, elsewhere, contact = stage.client(), stage.client(), stage.client()
        for client, identifier in (
            (there, agent),
            (elsewhere, room(ada.pubsub_token, account_id=sandbox.pk, user_id=ada.pk)),
            (contact, visitor),
        ):
            client.text()
            assert client.subscribe(identifier)["type"] == "confirm_subscription"

        broker.publish([publication(f"a:{live.pk}", 1)])

        assert numbers(there, 1) == [1]
        broker.publish([publication(f"u:{live.pk}:{ada.pk}", 2)])
        assert numbers(there, 1) == [2]
        assert all('"n"' not in client.text() for client in (elsewhere, contact))  # only who is online
        assert elsewhere.is_silent()
        assert contact.is_silent()

    def test_keeps_a_bounded_history_that_expires(self, stream):
        for start in range(0, 500, 50):
            broker.publish([publication(stream, number) for number in range(start, start + 50)])
        redis = redis_connections.client()

        assert 100 <= redis.xlen(transport.log_key(stream)) < 250
        assert 0 < redis.ttl(transport.log_key(stream)) <= 300
        assert redis.ttl(transport.top_key(stream)) > 80_000

    def test_publishes_nothing_quietly(self):
        broker.publish([])


class TestTransient:
    def test_reaches_who_listens_and_is_not_kept(self, stage, listener, visitor, stream):
        broker.publish_transient(stream, b'{"event":"typing"}')
        assert listener.frame()["message"] == {"event": "typing"}

        late = stage.client("actioncable-v1-ext-json")
        late.frame()
        late.say(command="subscribe", identifier=visitor, history={"since": int(time.time()), "streams": {}})

        assert [late.frame()["type"] for _ in range(2)] == ["confirm_subscription", "confirm_history"]

    def test_has_no_position(self, stage, visitor, stream):
        client = stage.client("actioncable-v1-ext-json")
        client.frame()
        client.subscribe(visitor)
        broker.publish_transient(stream, b'{"event":"typing"}')

        assert client.frame() == {"identifier": visitor, "message": {"event": "typing"}}

    def test_leaves_out_whoever_types(self, stage, agent, live, ada, session, visitor, stream):
        typist, colleague = stage.client(), stage.client()
        for client, identifier in ((typist, agent), (colleague, visitor)):
            client.text()
            client.subscribe(identifier)
            client.text()

        broker.publish_transient(f"a:{live.pk}", b'{"event":"typing"}', skip=f"u:{live.pk}:{ada.pk}")
        broker.publish_transient(stream, b'{"event":"typing"}', skip=f"u:{live.pk}:{ada.pk}")

        assert colleague.frame()["message"] == {"event": "typing"}
        assert "typing" not in typist.text()  # the picture that changed with the colleague
        assert typist.is_silent()

    @pytest.mark.usefixtures("_redis_away")
    def test_never_raises_for_a_missing_redis(self, monkeypatch):
        monkeypatch.setattr(broker._Memory, "quiet_until", 0.0)

        broker.publish_transient("s:1", b"{}")
        broker.show_availability(user_id=1, environment_ids=[1], availability="busy")


class TestDisconnect:
    def test_ends_every_socket_of_a_session_in_every_process(self, stage, second_stage, visitor, agent, session):
        here, there, other = stage.client(), second_stage.client(), stage.client()
        for client, identifier in ((here, visitor), (there, visitor), (other, agent)):
            client.text()
            client.subscribe(identifier)

        broker.disconnect(f"contact-session:{session.pk}", reason="unauthorized", reconnect=False)

        gone = {"type": "disconnect", "reason": "unauthorized", "reconnect": False}
        assert here.frame() == gone
        assert there.frame() == gone
        assert here.message()["type"] == "websocket.close"
        broker.publish_transient("s:0", b"{}")
        assert "disconnect" not in other.text()

    def test_asks_the_database_again_afterwards(self, stage, agent, ada):
        client = stage.client()
        client.text()
        client.subscribe(agent)
        ada.memberships.all().delete()
        broker.disconnect(f"user:{ada.pk}", reason="unauthorized", reconnect=False)
        assert client.frame()["reason"] == "unauthorized"

        again = stage.client()
        again.text()

        assert again.subscribe(agent)["type"] == "reject_subscription"


class TestWhisper:
    @pytest.fixture
    def pair(self, stage, visitor):
        clients = [stage.client("actioncable-v1-ext-json") for _ in range(2)]
        for client in clients:
            client.frame()
            client.subscribe(visitor)
        return clients

    def test_reaches_the_others_but_not_the_sender(self, pair, visitor):
        sender, other = pair
        sender.say(command="whisper", identifier=visitor, data={"event": "typing"})

        assert other.frame() == {"identifier": visitor, "message": {"event": "typing"}}
        sender.text()  # who is online
        assert sender.is_silent()

    def test_is_not_for_plain_clients(self, pair, listener, visitor):
        pair[0].say(command="whisper", identifier=visitor, data={"event": "typing"})

        assert pair[1].frame()["message"] == {"event": "typing"}
        listener.text()  # who is online
        assert listener.is_silent()

    def test_cannot_be_sent_by_plain_clients(self, pair, listener, visitor):
        listener.say(command="whisper", identifier=visitor, data={"event": "typing"})

        pair[0].text()
        assert pair[0].is_silent(QUIET * 2)

    @pytest.mark.parametrize("data", [None, "", {}, {"event": "x" * 9000}])
    def test_drops_what_is_empty_or_too_large(self, pair, visitor, data):
        sender, other = pair
        sender.say(command="whisper", identifier=visitor, data=data)

        other.text()
        assert other.is_silent()


class TestPing:
    def test_is_answered(self, listener):
        listener.text()
        listener.say(command="ping")

        assert listener.text() == '{"type":"pong"}'

    def test_pong_is_taken(self, listener):
        listener.text()
        listener.say(command="pong")

        assert listener.is_silent()
