"""From events to frames on streams."""

import json
from typing import Any

import pytest
from redis import Redis

from contacts.services import sessions
from conversations.services import conversations, messages
from conversations.services.messages import Author, Draft
from core import redis as redis_connections
from events.models import LoggedEvent
from realtime import transport
from realtime.models import HeldBroadcast
from realtime.services import broadcasts


def frames(stream: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what a stream's history holds, oldest first."""
    entries: Any = redis_connections.client().xrange(transport.log_key(stream))
    payloads = [json.loads(next(v for v in fields.values() if v.startswith(b"{"))) for _, fields in entries]
    return [(payload["event"], payload["data"]) for payload in payloads]


def names(stream: str) -> list[str]:
    return [name for name, _ in frames(stream)]


@pytest.fixture
def told(relay, conversation):
    """What an agent and the person have been told of a conversation's beginning is out of the way."""
    relay.drain()
    redis_connections.client().flushdb()
    return conversation


class TestBroadcast:
    def test_shows_a_persons_message_to_agents_and_to_the_person(self, told, session, live, relay):
        messages.receive(session=session, number=told.number, draft=Draft("Hello", client_message_id="tmp-1"))
        relay.drain()

        assert names(f"a:{live.pk}") == names(f"s:{session.pk}") == ["message.created"]
        _, data = frames(f"s:{session.pk}")[0]
        assert (data["content"], data["message_type"], data["echo_id"]) == ("Hello", 0, "tmp-1")

    def test_tells_agents_of_a_first_reply_and_both_of_what_it_moved(self, told, session, ada, live, relay):
        messages.send(conversation=told, author=Author("agent", ada), draft=Draft("Hi"))
        relay.drain()

        assert names(f"a:{live.pk}") == ["message.created", "first.reply.created", "conversation.updated"]
        assert names(f"s:{session.pk}") == ["message.created", "conversation.updated"]

    def test_never_shows_a_note_to_the_person(self, told, session, ada, live, relay):
        messages.note(conversation=told, author=Author("agent", ada), draft=Draft("Careful"))
        relay.drain()

        assert names(f"a:{live.pk}") == ["message.created"]
        assert names(f"s:{session.pk}") == []

    def test_shows_the_token_of_a_session_to_its_owner_alone(self, told, session, live, relay):
        conversations.update(conversation=told, fields={"status": "closed"})
        relay.drain()

        def tokens(stream: str) -> set[str]:
            shown = [data for name, data in frames(stream) if name == "conversation.status_changed"]
            return {data["contact_inbox"]["pubsub_token"] for data in shown}

        assert tokens(f"a:{live.pk}") == {""}
        assert tokens(f"s:{session.pk}") == {session.pubsub_token}

    def test_reaches_every_verified_session_of_a_person(self, inbox, relay):
        phone, laptop = (
            sessions.open_session(inbox=inbox, fields={"external_id": "42"}, verified=True) for _ in range(2)
        )
        talk = conversations.start(session=phone)
        messages.receive(session=laptop, number=talk.number, draft=Draft("From my laptop"))
        relay.drain()

        assert "message.created" in names(f"s:{phone.pk}")
        assert names(f"s:{phone.pk}") == names(f"s:{laptop.pk}")

    def test_shows_nothing_twice_when_a_batch_is_taken_again(self, told, session, live, relay):
        messages.receive(session=session, number=told.number, draft=Draft("Hello"))
        relay.drain()
        LoggedEvent.unscoped.filter(type="message_in").update(position=None)

        relay.drain()

        assert names(f"a:{live.pk}") == ["message.created"]


@pytest.mark.slow
class TestWithoutRedis:
    def test_holds_broadcasts_and_pushes_them_in_order_afterwards(self, told, session, live, relay, monkeypatch):
        nowhere = Redis(unix_socket_path="/nonexistent/redis.sock")
        with monkeypatch.context() as away:
            away.setattr(redis_connections, "client", lambda: nowhere)
            for text in ("one", "two"):
                messages.receive(session=session, number=told.number, draft=Draft(text))
            relay.drain()
        assert HeldBroadcast.objects.count() == 2

        messages.receive(session=session, number=told.number, draft=Draft("three"))
        relay.drain()
        released = broadcasts.release()

        assert released == 3
        assert [data["content"] for _, data in frames(f"s:{session.pk}")] == ["one", "two", "three"]
