"""Conversations over the client API."""

import pytest

from contacts.models import Contact
from conversations.events import TypingChanged
from conversations.models import Conversation, Message
from conversations.services import conversations, messages
from conversations.services.messages import Author, Draft
from events import bus
from events.event import Event
from events.models import LoggedEvent
from inboxes.models import Inbox
from tests.conftest import open_inbox
from tests.conversations.public.conftest import Browser

NOT_FOUND = {"status": 404, "error": "Not Found"}
ACTIONS = [
    pytest.param("GET", "", id="show"),
    pytest.param("POST", "/toggle_status", id="toggle status"),
    pytest.param("POST", "/toggle_typing?typing_status=on", id="toggle typing"),
    pytest.param("POST", "/update_last_seen", id="update last seen"),
    pytest.param("GET", "/messages", id="list messages"),
    pytest.param("POST", "/messages", id="post message"),
    pytest.param("PATCH", "/messages/1", id="update message"),
]


@pytest.mark.parametrize(("method", "action"), ACTIONS)
class TestEveryAction:
    @pytest.mark.parametrize("number", ["99", "0", "x", "-1", "%00", "9" * 40, "1.5"])
    def test_answers_404_for_an_unknown_conversation(self, browser, me, method, action, number):
        answer = browser.send(method, f"{me}/conversations/{number}{action}")

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)

    def test_answers_404_for_somebody_elses_conversation(self, browser, talk, conversation, method, action):
        other = browser.post("/contacts").json()["source_id"]

        answer = browser.send(method, f"/contacts/{other}/conversations/{conversation.number}{action}")

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)

    def test_answers_404_for_a_strangers_conversation(self, talk, conversation, globex, method, action):
        stranger = Browser(open_inbox(globex))
        theirs = stranger.post("/contacts").json()["source_id"]

        answer = stranger.send(method, f"/contacts/{theirs}/conversations/{conversation.number}{action}")

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


class TestCreate:
    def test_begins_a_conversation(self, browser, me, golden):
        golden("conversation_new", browser.post(f"{me}/conversations"))

    def test_stores_custom_attributes_and_ignores_everything_else(self, browser, me):
        browser.post(f"{me}/conversations", {"custom_attributes": {"order": 42}, "status": "resolved", "tags": ["x"]})

        stored = Conversation.unscoped.get()
        assert (stored.custom_attributes, stored.status, stored.tags) == ({"order": 42}, "open", [])

    def test_counts_from_one_in_each_business(self, browser, me, globex):
        stranger = Browser(open_inbox(globex))
        theirs = stranger.post("/contacts").json()["source_id"]

        mine = [browser.post(f"{me}/conversations").json()["id"] for _ in range(2)]

        assert mine == [1, 2]
        assert stranger.post(f"/contacts/{theirs}/conversations").json()["id"] == 1

    @pytest.mark.parametrize(
        ("attributes", "message"),
        [
            ({"note": "x" * 1501}, "Custom attributes note length should be < 1500"),
            ({"sum": 10**10}, "Custom attributes sum value should be < 9999999999"),
        ],
    )
    def test_refuses_attributes_that_are_too_large(self, browser, me, attributes, message):
        answer = browser.post(f"{me}/conversations", {"custom_attributes": attributes})

        assert answer.status_code == 422
        assert answer.json() == {"message": message, "attributes": ["custom_attributes"]}

    def test_returns_the_latest_where_the_inbox_keeps_to_one(self, browser, me, inbox):
        Inbox.unscoped.filter(pk=inbox.pk).update(lock_to_single_conversation=True)

        first, again = (browser.post(f"{me}/conversations").json()["id"] for _ in range(2))

        assert first == again

    def test_is_resolved_from_the_start_for_a_blocked_person(self, browser, me, session):
        Contact.unscoped.filter(pk=session.contact_id).update(blocked=True)

        assert browser.post(f"{me}/conversations").json()["status"] == "resolved"

    def test_answers_404_for_an_unknown_session(self, browser):
        assert browser.post("/contacts/nobody/conversations").json() == NOT_FOUND


class TestShow:
    def test_embeds_what_was_said_but_not_what_agents_noted(self, browser, talk, session, conversation, ada, golden):
        messages.receive(session=session, number=conversation.number, draft=Draft("Hello"))
        messages.note(conversation=conversation, author=Author("agent", ada), draft=Draft("Difficult customer"))
        messages.send(conversation=conversation, author=Author("agent", ada), draft=Draft("Hi, how can I help?"))

        golden("conversation_with_messages", browser.get(talk))

    def test_shows_the_last_twenty_oldest_first(self, browser, talk, session, conversation):
        for number in range(23):
            messages.receive(session=session, number=conversation.number, draft=Draft(str(number)))

        said = [each["content"] for each in browser.get(talk).json()["messages"]]

        assert said == [str(number) for number in range(3, 23)]


class TestList:
    def test_is_a_bare_list_in_the_order_of_numbers(self, browser, me, talk, session, conversation, ada, golden):
        messages.receive(session=session, number=conversation.number, draft=Draft("Hello"))
        messages.send(conversation=conversation, author=Author("agent", ada), draft=Draft("Hi, how can I help?"))
        conversations.start(session=session)

        answer = browser.get(f"{me}/conversations")

        golden("conversation_with_messages", answer, where="0")
        assert [each["id"] for each in answer.json()] == [1, 2]
        assert answer.json()[1]["messages"] == []

    def test_is_empty_before_anything_was_said(self, browser, me):
        assert browser.get(f"{me}/conversations").json() == []

    def test_shows_at_most_twenty_messages_of_each(self, browser, me, session):
        for _ in range(2):
            talk = conversations.start(session=session)
            for number in range(21):
                messages.receive(session=session, number=talk.number, draft=Draft(str(number)))

        lists = [[said["content"] for said in each["messages"]] for each in browser.get(f"{me}/conversations").json()]

        assert lists == [[str(number) for number in range(1, 21)]] * 2

    def test_asks_the_database_no_more_for_many_than_for_one(self, browser, me, session, django_assert_num_queries):
        for _ in range(5):
            talk = conversations.start(session=session)
            messages.receive(session=session, number=talk.number, draft=Draft("Hello"))

        with django_assert_num_queries(5):  # inbox and session, conversations, last messages' ids, messages, files
            browser.get(f"{me}/conversations")


class TestResolve:
    def test_resolves_in_the_persons_name(self, browser, talk, conversation):
        answer = browser.post(f"{talk}/toggle_status")

        assert answer.json()["status"] == "resolved"
        trace = Message.unscoped.get(conversation=conversation, kind="activity")
        assert trace.text == "Conversation was resolved by Amine"

    def test_never_reopens(self, browser, talk):
        browser.post(f"{talk}/toggle_status")
        before = LoggedEvent.unscoped.count()

        assert browser.post(f"{talk}/toggle_status").json()["status"] == "resolved"
        assert LoggedEvent.unscoped.count() == before


@pytest.fixture
def told():
    """What was announced about typing."""
    heard: list[Event] = []
    before = dict(bus._subscriptions)
    bus.subscribe({**before, TypingChanged: [heard.extend]})
    yield heard
    bus.subscribe(before)


class TestTyping:
    @pytest.mark.parametrize(("word", "is_on"), [("on", True), ("off", False)])
    def test_announces_it_and_answers_with_nothing(self, browser, talk, session, conversation, told, word, is_on):
        answer = browser.post(f"{talk}/toggle_typing", {"typing_status": word})

        assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"", "application/json")
        [event] = told
        assert (event.conversation_id, event.actor.type) == (conversation.pk, "user")
        assert event.context["session_id"] == session.pk
        assert event.context["is_on"] is is_on

    def test_takes_the_word_from_the_query_too(self, browser, talk, told):
        browser.post(f"{talk}/toggle_typing?typing_status=on")

        assert len(told) == 1

    @pytest.mark.parametrize("body", [None, {"typing_status": "maybe"}, {"typing_status": {"on": 1}}])
    def test_announces_nothing_for_other_words(self, browser, talk, told, body):
        assert browser.post(f"{talk}/toggle_typing", body).status_code == 200
        assert told == []

    def test_is_never_stored(self, browser, talk):
        before = LoggedEvent.unscoped.count()

        browser.post(f"{talk}/toggle_typing", {"typing_status": "on"})

        assert LoggedEvent.unscoped.count() == before


class TestSeen:
    def test_marks_what_was_sent_as_read(self, browser, talk, conversation, ada):
        sent = messages.send(conversation=conversation, author=Author("agent", ada), draft=Draft("Hi"))

        answer = browser.post(f"{talk}/update_last_seen")

        assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"", "application/json")
        assert Message.unscoped.get(pk=sent.pk).status == "read"
        assert browser.get(talk).json()["contact_last_seen_at"] > 0
