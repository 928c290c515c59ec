"""What sessions of the SDK are told: in Dexra's own words, and nothing that is not for them."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from redis import Redis

from contacts import events as contact_events
from contacts.models import ContactSession
from contacts.services import contacts, sessions
from conversations.services import activity, conversations, messages, people
from conversations.services.messages import Author, Draft
from core import redis as redis_connections
from events import log
from events.event import SYSTEM
from events.relay import Relay
from realtime import transport
from realtime.services import broadcasts, broker
from realtime.services.broker import Publication
from tests.realtime.resuming import connect

ADA = {"type": "agent", "name": "Ada", "avatar_url": ""}


def frames(stream: str) -> list[dict[str, Any]]:
    """Return what a stream's history holds, oldest first."""
    entries: Any = redis_connections.client().xrange(transport.log_key(stream))
    return [json.loads(next(v for v in fields.values() if v.startswith(b"{"))) for _, fields in entries]


def names(stream: str) -> list[str]:
    return [frame["event"] for frame in frames(stream)]


def speak_dexra(session: ContactSession) -> ContactSession:
    ContactSession.unscoped.filter(pk=session.pk).update(dialect=ContactSession.Dialect.DEXRA)
    session.dialect = ContactSession.Dialect.DEXRA
    return session


@pytest.fixture
def session(session):
    """The person's browser has the SDK."""
    return speak_dexra(session)


@pytest.fixture
def told(relay, conversation):
    """What was told of a conversation's beginning is out of the way."""
    relay.drain()
    redis_connections.client().flushdb()
    return conversation


@pytest.fixture
def stream(session) -> str:
    return f"s:{session.pk}"


def sign_out(session: ContactSession, relay: Relay) -> None:
    with transaction.atomic():
        log.publish(contact_events.signed_out(session))
    relay.drain()


class TestFrames:
    def test_of_a_persons_own_message_has_its_client_message_id(self, told, session, stream, relay, live):
        messages.receive(session=session, number=told.number, draft=Draft("Hello", client_message_id="c-1"))
        relay.drain()

        [frame] = frames(stream)
        assert (frame["event"], frame["id"][:4]) == ("message.created", "evt_")
        assert set(frame["data"]) == {"message", "conversation"}
        said, talk = frame["data"]["message"], frame["data"]["conversation"]
        assert (said["text"], said["client_message_id"], said["direction"]) == ("Hello", "c-1", "inbound")
        assert (talk["id"], talk["unread_count"], talk["last_message"]["text"]) == (told.public_id, 0, "Hello")
        assert names(f"a:{live.pk}") == ["message.created"]

    def test_of_an_answer_is_one_and_says_how_much_is_unread_and_what_was_seen(self, told, ada, stream, relay):
        for text in ("Hi", "How can we help?"):
            messages.send(conversation=told, author=Author("agent", ada), draft=Draft(text))
        relay.drain()

        assert names(stream) == ["message.created"] * 2
        last = frames(stream)[-1]["data"]
        assert ADA.items() <= last["message"]["author"].items()
        assert last["conversation"]["unread_count"] == 2
        assert last["conversation"]["agents_seen_at"] == last["message"]["created_at"]
        assert "ada@acme.test" not in json.dumps(last)

    def test_of_a_note_or_a_trace_there_is_none(self, told, ada, stream, relay):
        messages.note(conversation=told, author=Author("agent", ada), draft=Draft("Careful"))
        conversations.update(conversation=told, fields={"priority": "high", "labels": ["vip"]})
        relay.drain()

        assert names(stream) == []

    def test_of_a_beginning_and_of_an_end(self, conversation, stream, relay):
        conversations.update(conversation=conversation, fields={"status": "closed"})
        relay.drain()

        assert names(stream) == ["conversation.created", "conversation.updated"]
        assert frames(stream)[-1]["data"]["conversation"]["status"] == "closed"

    def test_of_reading_tell_the_persons_other_browsers(self, told, session, ada, stream, relay):
        messages.send(conversation=told, author=Author("agent", ada), draft=Draft("Hi"))
        conversations.seen_by_contact(session=session, number=told.number)
        relay.drain()

        assert names(stream) == ["message.created", "conversation.updated", "message.updated"]
        seen = frames(stream)[1]["data"]["conversation"]
        assert (seen["unread_count"], seen["seen_at"] is not None) == (0, True)
        assert frames(stream)[2]["data"]["message"]["status"] == "read"

    def test_of_a_change_of_the_person_itself(self, told, session, stream, relay):
        contacts.update(contact=session.contact, fields={"first_name": "Amina", "tags": ["vip"]}, actor=SYSTEM)
        relay.drain()

        [frame] = frames(stream)
        assert frame["event"] == "user.updated"
        assert frame["data"]["user"]["first_name"] == "Amina"
        assert "tags" not in frame["data"]["user"]

    def test_of_what_the_business_calls_a_person_there_is_none(self, told, session, stream, relay):
        contacts.update(contact=session.contact, fields={"tags": ["hot lead"]}, actor=SYSTEM)
        relay.drain()

        assert names(stream) == []

    def test_of_a_merge_reach_whoever_moved(self, told, session, live, stream, relay):
        other = contacts.create(environment=live, fields={"external_id": "42", "name": "Amine A."}, actor=SYSTEM)
        people.merge(source=session.contact, into=other)
        relay.drain()

        frame = frames(stream)[-1]
        assert (frame["event"], frame["data"]["user"]["external_id"]) == ("user.updated", "42")

    def test_of_a_proved_persons_record_reach_no_browser_that_proved_nothing(self, told, session, stream, relay):
        contacts.update(contact=session.contact, fields={"verified": True}, actor=SYSTEM)
        contacts.update(contact=session.contact, fields={"phone_number": "+212600000001"}, actor=SYSTEM)
        relay.drain()

        assert names(stream) == []


class TestBesideChatwoot:
    def test_each_session_is_told_in_its_own_words(self, inbox, relay):
        sdk, widget = (
            sessions.open_session(inbox=inbox, fields={"external_id": "42"}, verified=True) for _ in range(2)
        )
        speak_dexra(sdk)
        talk = conversations.start(session=widget)
        messages.receive(session=widget, number=talk.number, draft=Draft("Hello"))
        relay.drain()

        assert names(f"s:{sdk.pk}") == ["conversation.created", "message.created"]
        assert "content" in frames(f"s:{widget.pk}")[1]["data"]
        assert "id" not in frames(f"s:{widget.pk}")[1]
        assert "pubsub_token" not in json.dumps(frames(f"s:{sdk.pk}"))

    def test_costs_a_tenant_without_the_sdk_no_query(self, told, session, ada, stream, relay):
        def queries() -> int:
            messages.send(conversation=told, author=Author("agent", ada), draft=Draft("Hi"))
            with CaptureQueriesContext(
                connection,
            ) as asked:
                relay.drain()
            return sum("conversations_" in query["sql"] or "contacts_" in query["sql"] for query in asked)

        with_sdk = queries()
        ContactSession.unscoped.update(dialect=ContactSession.Dialect.CHATWOOT)
        session.dialect = ContactSession.Dialect.CHATWOOT
        without = queries()

        assert without < with_sdk <= without + 2

    def test_costs_the_sdk_the_same_queries_for_many_conversations(self, session, ada, relay):
        def queries(count: int) -> int:
            for _ in range(count):
                messages.send(
                    conversation=conversations.start(session=session), author=Author("agent", ada), draft=Draft("Hi")
                )
            with CaptureQueriesContext(connection) as asked:
                relay.drain()
            return len(asked)

        queries(1)  # what is remembered from then on is asked for once

        assert queries(7) <= queries(1)


class TestWithoutRedis:
    @pytest.mark.slow
    def test_holds_what_the_sdk_is_told_and_tells_it_in_order(self, told, session, stream, relay, monkeypatch):
        nowhere = Redis(unix_socket_path="/nonexistent/redis.sock")
        with monkeypatch.context() as away:
            away.setattr(redis_connections, "client", lambda: nowhere)
            for text in ("one", "two"):
                messages.receive(session=session, number=told.number, draft=Draft(text))
            relay.drain()
        assert names(stream) == []

        broadcasts.release()

        assert [frame["data"]["message"]["text"] for frame in frames(stream)] == ["one", "two"]

    def test_shows_nothing_twice_when_a_batch_is_taken_again(self, told, session, stream, relay, monkeypatch):
        published: list[Publication] = []
        publish = broker.publish

        def note(some: Sequence[Publication]) -> None:
            published.extend(some)
            publish(some)

        monkeypatch.setattr(broker, "publish", note)
        messages.receive(session=session, number=told.number, draft=Draft("Hello"))
        relay.drain()

        publish(published)

        assert names(stream) == ["message.created"]


class TestMoments:
    @pytest.fixture
    def shown(self, monkeypatch) -> list[tuple[str, dict[str, Any]]]:
        """What is shown to those who are there, by stream."""
        shown: list[tuple[str, dict[str, Any]]] = []

        def show(stream: str, payload: bytes, *, skip: str = "") -> None:
            shown.append((stream, json.loads(payload)))

        monkeypatch.setattr(broker, "publish_transient", show)
        return shown

    def test_an_agents_typing_is_shown_to_the_person(self, told, ada, live, stream, shown):
        activity.typed(conversation=told, agent=ada, is_on=True, actor=SYSTEM)

        by_stream = dict(shown)
        assert by_stream[f"a:{live.pk}"]["event"] == "conversation.typing_on"
        data = by_stream[stream]["data"]
        assert (by_stream[stream]["event"], by_stream[stream]["id"]) == ("typing", None)
        assert (data["conversation_id"], data["is_typing"]) == (told.public_id, True)
        assert ADA.items() <= data["author"].items()

    def test_a_persons_own_typing_is_never_shown_to_them(self, told, session, live, shown):
        conversations.typed_by_contact(session=session, number=told.number, is_on=True)

        assert [name for name, _ in shown] == [f"a:{live.pk}"]

    @pytest.mark.parametrize(("state", "typing"), [("writing", "on"), ("idle", "off"), ("handed_off", "off")])
    def test_an_assistants_progress_is_shown_to_each_in_their_words(self, told, live, stream, shown, state, typing):
        activity.assistant_is(conversation=told, state=state, text="Your order", actor=SYSTEM)

        by_stream = dict(shown)
        assert by_stream[stream] == {
            "event": "ai.state",
            "id": None,
            "data": {"conversation_id": told.public_id, "state": state, "text": "Your order"},
        }
        assert by_stream[f"a:{live.pk}"]["event"] == f"conversation.typing_{typing}"

    def test_a_gone_conversation_is_no_failure(self, told, shown):
        told.pk = 0

        activity.assistant_is(conversation=told, state="idle", text="", actor=SYSTEM)

        assert shown == []


@pytest.mark.slow
class TestOnTheCable:
    def test_presence_is_how_many_agents_are_there(self, stage, session, visitor, agent):
        desk = stage.client()
        desk.text()
        desk.subscribe(agent)
        client = connect(stage)
        client.frame()
        client.subscribe(visitor)

        while (told := json.loads(client.text())["message"])["data"] != {"agents_online": 1}:
            assert told["data"] == {"agents_online": 0}  # what is known before Redis was asked

        assert told == {"event": "presence", "id": None, "data": {"agents_online": 1}}

    def test_somebody_who_signed_out_is_told_and_sent_off_for_good(self, stage, session, visitor, relay):
        client = connect(stage)
        client.frame()
        client.subscribe(visitor)
        sign_out(session, relay)

        told = []
        while not told or told[-1].get("type") != "disconnect":
            told.append(client.frame())

        goodbye, last = told[-2:]
        assert goodbye["message"] == {"event": "session.ended", "id": None, "data": {}}
        assert (last["reason"], last["reconnect"]) == ("unauthorized", False)

    def test_a_client_of_chatwoots_is_sent_off_without_words_it_does_not_know(self, stage, session, visitor, relay):
        ContactSession.unscoped.update(dialect=ContactSession.Dialect.CHATWOOT)
        client = stage.client()
        client.frame()
        client.subscribe(visitor)
        sign_out(session, relay)

        assert client.frame()["type"] == "disconnect"

    def test_what_was_missed_comes_in_the_same_words(self, stage, told, session, visitor, stream, relay):
        def write(text: str) -> None:
            messages.receive(session=session, number=told.number, draft=Draft(text))
            relay.drain()

        client = connect(stage)
        client.frame()
        client.subscribe(visitor)
        write("one")
        heard = client.frame()
        client.hang_up()
        write("two")
        client = connect(stage)
        client.frame()
        here = {"epoch": heard["epoch"], "offset": heard["offset"]}
        client.say(command="subscribe", identifier=visitor, history={"since": 0, "streams": {stream: here}})

        _, missed, complete = client.frames(3)

        assert missed["message"]["data"]["message"]["text"] == "two"
        assert complete["type"] == "confirm_history"
