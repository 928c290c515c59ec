"""Conversations and messages at the SDK's door: once each, in pages, and nobody else's."""

import io
import time
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import audit
from contacts.models import ContactSession
from conversations.models import Attachment, Conversation, Message
from conversations.services import erasure, messages, uploads
from conversations.services.messages import Author, Draft
from core import ids
from core import redis as redis_connections
from events.event import SYSTEM
from inboxes.services import inboxes
from realtime import transport
from tests.conftest import open_inbox
from tests.pages import Page, error, signed
from tests.servers import at_once, wrong_fields

SUMMARY = {"id", "status", "subject", "unread_count", "last_message", "assignee", "agents_seen_at", "seen_at",
           "created_at", "updated_at"}  # fmt: skip
MESSAGE = {"id", "conversation_id", "direction", "author", "message_type", "text", "content_type", "content_attributes",
           "attachments", "status", "failure", "client_message_id", "edited_at", "deleted_at", "created_at",
           "updated_at"}  # fmt: skip
SURVEY = {"csat_survey_response": {"rating": 5, "feedback_message": "Quick"}}


def row(talk):
    return complete_conversation(ids.decode("conv", talk["id"]))


def complete_conversation(pk):
    around = ("environment", "inbox", "contact", "session__environment", "assignee", "team")
    return Conversation.unscoped.select_related(*around).get(pk=pk)


def answer(talk, text="Yes?", user=None, **more):
    return messages.send(
        conversation=row(talk), author=Author("agent", user) if user else Author("api"), draft=Draft(text, **more)
    )


@pytest.fixture
def opened(page):
    """Somebody's page with a session."""
    page.open(attributes={"name": "Amine"})
    return page


@pytest.fixture
def talk(opened):
    """Their conversation, in which they have said Hello."""
    return opened.begin()


class TestBegin:
    def test_brings_the_first_message_along(self, opened):
        answered = opened.post("/conversations", {
            "message": {"text": "Hello", "client_message_id": "m-1"}, "subject": "Order",
            "custom_attributes": {"order": 7, "none": None}})  # fmt: skip

        talk = answered.json()
        assert answered.status_code == 201
        assert set(talk) == SUMMARY | {"messages"}
        assert set(talk["messages"][0]) == MESSAGE
        assert (talk["status"], talk["subject"], talk["unread_count"]) == ("open", "Order", 0)
        assert talk["last_message"]["text"] == "Hello"
        assert talk["messages"][0]["client_message_id"] == "m-1"
        assert talk["messages"][0]["author"] == {
            "type": "user", "id": opened.opened["user"]["id"], "name": "Amine", "avatar_url": ""}  # fmt: skip
        assert row(talk).custom_attributes == {"order": 7}

    def test_needs_no_message(self, opened):
        talk = opened.post("/conversations", {}).json()

        assert (talk["last_message"], talk["messages"]) == (None, [])

    def test_greets_as_the_inbox_does(self, live):
        page = Page(open_inbox(live, greeting_enabled=True, greeting_message="Welcome"))
        page.open()
        talk = page.begin()

        assert [each["text"] for each in talk["messages"]] == ["Hello", "Welcome"]
        assert (talk["unread_count"], talk["last_message"]["text"]) == (1, "Welcome")
        assert talk["messages"][1]["author"]["type"] == "system"

    def test_said_again_finds_what_it_began(self, opened):
        body = {"message": {"text": "Hello", "client_message_id": "m-1"}}
        first, again = opened.post("/conversations", body), opened.post("/conversations", body)

        assert (first.status_code, again.status_code) == (201, 200)
        assert again["Idempotent-Replayed"] == "true"
        assert again.json()["id"] == first.json()["id"]
        assert Message.unscoped.count() == 1

    def test_refuses_other_words_under_the_same_name(self, opened):
        opened.begin("Hello")
        said = opened.post("/conversations", {"message": {"text": "Bye", "client_message_id": "m-1"}})

        assert error(said) == (409, "client_message_id_reused")
        assert Conversation.unscoped.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_is_one_conversation_however_often_it_is_said_at_once(self, opened):
        body = {"message": {"text": "Hello", "client_message_id": "m-1"}}
        answers = at_once(*[lambda: opened.post("/conversations", body)] * 4)

        assert sorted(each.status_code for each in answers) == [200, 200, 200, 201]
        assert len({each.json()["id"] for each in answers}) == 1
        assert (Conversation.unscoped.count(), Message.unscoped.count()) == (1, 1)

    def test_goes_on_where_the_inbox_keeps_to_one(self, live):
        page = Page(open_inbox(live, lock_to_single_conversation=True))
        page.open()

        assert page.begin()["id"] == page.begin("And", "m-2")["id"]

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"message": {"text": "x"}}, {"message.client_message_id": "required"}),
            ({"message": {"client_message_id": "m-1"}}, {"text": "required"}),
            ({"message": {"text": "x", "client_message_id": "m" * 256}}, {"message.client_message_id": "too_long"}),
            ({"message": "x"}, {"message": "invalid"}),
            ({"subject": "x" * 256}, {"subject": "too_long"}),
            ({"custom_attributes": []}, {"custom_attributes": "invalid"}),
            ({"message": {"client_message_id": "m-1", "attachment_ids": ["att_x"]}},
             {"attachment_ids.0": "unknown_attachment"}),
        ],
    )  # fmt: skip
    def test_names_every_wrong_field_and_begins_nothing(self, opened, body, wrong):
        assert wrong_fields(opened.post("/conversations", body)) == wrong
        assert Conversation.unscoped.count() == 0

    def test_has_a_pace(self, opened, monkeypatch):
        monkeypatch.setattr("conversations.api.client.conversations.NEW_CONVERSATIONS_A_MINUTE", 1)
        opened.begin()

        assert error(opened.post("/conversations", {})) == (429, "rate_limited")


class TestList:
    def test_shows_the_latest_activity_first_in_pages(self, opened):
        talks = [opened.begin("Hello", f"m-{place}")["id"] for place in range(3)]
        opened.say({"id": talks[0]}, "Again", "m-9")
        first = opened.get("/conversations", limit=2).json()
        rest = opened.get("/conversations", limit=2, cursor=first["next_cursor"]).json()

        assert [each["id"] for each in first["data"]] == [talks[0], talks[2]]
        assert [each["id"] for each in rest["data"]] == [talks[1]]
        assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)

    def test_goes_on_among_those_of_one_moment(self, opened):
        talks = [opened.begin("Hello", f"m-{place}")["id"] for place in range(3)]
        Conversation.unscoped.update(last_activity_at=timezone.now())
        first = opened.get("/conversations", limit=2).json()
        rest = opened.get("/conversations", limit=2, cursor=first["next_cursor"]).json()

        assert [each["id"] for each in first["data"] + rest["data"]] == talks[::-1]

    def test_counts_what_the_person_has_not_seen(self, opened, talk, ada):
        for text in ("One", "Two"):
            answer(talk, text, ada)
        messages.note(conversation=row(talk), author=Author("agent", ada), draft=Draft("Secret"))
        answer(talk, "Later", is_scheduled=True)
        [shown] = opened.get("/conversations").json()["data"]

        assert shown["unread_count"] == 2
        assert shown["last_message"]["text"] == "Two"
        assert shown["last_message"]["author"] == {
            "type": "agent", "id": ada.public_id, "name": ada.available_name, "avatar_url": ""}  # fmt: skip
        assert shown["agents_seen_at"] is not None
        assert opened.open(source_id=opened.opened["source_id"])["unread_count"] == 2
        assert opened.post(f"/conversations/{talk['id']}/read", {}).status_code == 204
        [shown] = opened.get("/conversations").json()["data"]
        assert shown["unread_count"] == 0
        assert shown["seen_at"] is not None
        assert opened.open(source_id=opened.opened["source_id"])["unread_count"] == 0

    def test_asks_the_database_as_often_for_many_as_for_one(self, opened, ada):
        def asked():
            with CaptureQueriesContext(connection) as queries:
                opened.get("/conversations")
            return len(queries)

        answer(opened.begin("Hello", "m-0"), "Yes?", ada)
        once = asked()
        for place in range(1, 8):
            answer(opened.begin("Hello", f"m-{place}"), "Yes?", ada)

        assert asked() == once
        assert once <= 6

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"cursor": "é"}])
    def test_refuses_a_wrong_page(self, opened, query):
        assert set(wrong_fields(opened.get("/conversations", **query))) == set(query)


class TestOne:
    def test_is_shown(self, opened, talk):
        shown = opened.get(f"/conversations/{talk['id']}").json()

        assert shown == {name: value for name, value in talk.items() if name != "messages"}

    def test_is_closed_and_opened_again_by_its_person(self, opened, talk):
        path = f"/conversations/{talk['id']}"

        assert opened.patch(path, {"status": "closed"}).json()["status"] == "closed"
        assert opened.patch(path, {"status": "open"}).json()["status"] == "open"
        assert wrong_fields(opened.patch(path, {"status": "snoozed"})) == {"status": "unknown_value"}
        assert wrong_fields(opened.patch(path, {})) == {"status": "required"}

    def test_hears_of_typing(self, opened, talk):
        path = f"/conversations/{talk['id']}/typing"

        assert opened.post(path, {"is_typing": True}).status_code == 204
        assert wrong_fields(opened.post(path, {"is_typing": "on"})) == {"is_typing": "invalid"}

    def test_is_nobody_elses(self, opened, talk, other):
        other.open()
        said = talk["messages"][0]["id"]
        for method, path, body in [
            ("GET", f"/conversations/{talk['id']}", None),
            ("PATCH", f"/conversations/{talk['id']}", {"status": "open"}),
            ("POST", f"/conversations/{talk['id']}/read", {}), ("GET", f"/conversations/{talk['id']}/messages", None),
            ("POST", f"/conversations/{talk['id']}/typing", {"is_typing": True}),
            ("POST", f"/conversations/{talk['id']}/messages", {"text": "x", "client_message_id": "m"}),
        ]:  # fmt: skip
            assert error(other.send(method, path, body)) == (404, "conversation_not_found"), path
        assert error(other.patch(f"/messages/{said}", {"submitted_values": [{"title": "x"}]})) == (
            404, "message_not_found")  # fmt: skip
        assert other.get("/conversations").json()["data"] == []

    @pytest.mark.parametrize("name", ["conv_x", "x", "msg_8fKq2mXw4LtZ", "conv_" + "1" * 100])
    def test_is_not_there_under_another_name(self, opened, name):
        assert error(opened.get(f"/conversations/{name}")) == (404, "conversation_not_found")

    def test_is_not_found_by_a_stranger_to_the_business(self, opened, talk, globex):
        stranger = Page(open_inbox(globex))
        stranger.open()

        assert error(stranger.get(f"/conversations/{talk['id']}")) == (404, "conversation_not_found")


class TestSay:
    def test_is_kept_once_however_often_it_is_sent(self, opened, talk):
        first, again = opened.say(talk, "How?"), opened.say(talk, "How?")

        assert (first.status_code, again.status_code) == (201, 200)
        assert again["Idempotent-Replayed"] == "true"
        assert first.json() == again.json()

    def test_is_kept_once_a_month_later_too(self, opened, talk):
        first = opened.say(talk, "How?")
        Message.unscoped.update(created_at=timezone.now() - timedelta(days=30))

        assert opened.say(talk, "How?").json()["id"] == first.json()["id"]

    def test_is_refused_with_other_words_under_the_same_name(self, opened, talk):
        opened.say(talk, "How?")

        assert error(opened.say(talk, "Why?")) == (409, "client_message_id_reused")

    @pytest.mark.django_db(transaction=True)
    def test_is_kept_once_when_it_is_said_twice_at_once(self, opened, talk):
        answers = at_once(*[lambda: opened.say(talk, "How?")] * 4)

        assert sorted(each.status_code for each in answers) == [200, 200, 200, 201]
        assert Message.unscoped.filter(text="How?").count() == 1

    def test_opens_a_closed_conversation(self, opened, talk):
        opened.patch(f"/conversations/{talk['id']}", {"status": "closed"})
        opened.say(talk)

        assert opened.get(f"/conversations/{talk['id']}").json()["status"] == "open"

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"text": "x"}, {"client_message_id": "required"}),
            ({"text": "x", "client_message_id": ""}, {"client_message_id": "required"}),
            ({"client_message_id": "m"}, {"text": "required"}),
            ({"text": "", "client_message_id": "m"}, {"text": "required"}),
            ({"text": "x" * 150_001, "client_message_id": "m"}, {"text": "too_long"}),
            ({"text": 7, "client_message_id": "m"}, {"text": "invalid"}),
            ({"client_message_id": "m", "attachment_ids": ["x"] * 16}, {"attachment_ids": "too_long"}),
            ({"client_message_id": "m", "attachment_ids": "x"}, {"attachment_ids": "invalid"}),
        ],
    )
    def test_names_every_wrong_field(self, opened, talk, body, wrong):
        assert wrong_fields(opened.post(f"/conversations/{talk['id']}/messages", body)) == wrong

    def test_has_the_pace_of_its_conversation(self, opened, talk, monkeypatch):
        monkeypatch.setattr("conversations.services.messages.MESSAGES_A_MINUTE", 1)

        assert error(opened.say(talk)) == (429, "too_many_messages")


class TestMessages:
    def texts(self, page, talk, **query):
        found = page.get(f"/conversations/{talk['id']}/messages", **query).json()
        return [each["text"] for each in found["data"]], found

    def test_come_in_pages_the_latest_first_each_oldest_first(self, opened, talk):
        for place in range(4):
            opened.say(talk, str(place), f"n-{place}")
        latest, found = self.texts(opened, talk, limit=2)
        before, found = self.texts(opened, talk, limit=2, cursor=found["next_cursor"])
        first, found = self.texts(opened, talk, limit=2, cursor=found["next_cursor"])

        assert (latest, before, first) == (["2", "3"], ["0", "1"], ["Hello"])
        assert (found["has_more"], found["next_cursor"]) == (False, None)

    def test_come_after_one_that_is_known(self, opened, talk):
        for place in range(3):
            opened.say(talk, str(place), f"n-{place}")
        known = talk["messages"][0]["id"]

        assert self.texts(opened, talk, after=known)[0] == ["0", "1", "2"]
        texts, found = self.texts(opened, talk, after=known, limit=2)
        assert (texts, found["has_more"]) == (["0", "1"], True)
        assert wrong_fields(opened.get(f"/conversations/{talk['id']}/messages", after="x")) == {"after": "not_an_id"}

    def test_hide_what_is_not_the_persons_to_see(self, opened, talk, ada):
        messages.note(conversation=row(talk), author=Author("agent", ada), draft=Draft("Secret"))
        answer(talk, "Later", is_scheduled=True)
        answer(talk, "Yes?", ada, metadata={"order": 7}, client_message_id="server-1")
        texts, found = self.texts(opened, talk)

        assert texts == ["Hello", "Yes?"]
        assert "Secret" not in str(found)
        assert ada.email not in str(found)
        assert set(found["data"][1]) == MESSAGE
        assert found["data"][1]["client_message_id"] is None

    def test_show_buttons_as_a_question_and_take_the_answer(self, opened, talk):
        buttons = {"text": "Size?", "footer": "Pick", "buttons": [{"id": "s", "title": "Small"}]}
        asked = answer(talk, "Size?", type="button", payload=buttons)
        _, found = self.texts(opened, talk)
        shown = found["data"][1]

        assert shown["content_type"] == "input_select"
        assert shown["content_attributes"] == {"footer": "Pick", "items": [{"title": "Small", "value": "s"}]}
        given = opened.patch(f"/messages/{asked.public_id}", {"submitted_values": [{"title": "Small", "value": "s"}]})
        assert given.json()["content_attributes"]["submitted_values"] == [{"title": "Small", "value": "s"}]

    def test_take_the_answer_to_a_survey(self, live):
        page = Page(open_inbox(live, csat_survey_enabled=True))
        page.open()
        talk = page.begin()
        page.patch(f"/conversations/{talk['id']}", {"status": "closed"})
        asked = page.get(f"/conversations/{talk['id']}/messages").json()["data"][-1]

        assert asked["content_type"] == "input_csat"
        rated = page.patch(f"/messages/{asked['id']}", {"submitted_values": SURVEY})
        assert rated.json()["content_attributes"]["submitted_values"] == SURVEY
        wrong = {"csat_survey_response": {"rating": 6}}
        assert wrong_fields(page.patch(f"/messages/{asked['id']}", {"submitted_values": wrong})) == {
            "rating": "out_of_range"}  # fmt: skip

    @pytest.mark.parametrize("body", [{}, {"submitted_values": None}, {"submitted_values": "x"}])
    def test_take_no_answer_that_is_none(self, opened, talk, body):
        answered = opened.patch(f"/messages/{talk['messages'][0]['id']}", body)

        assert set(wrong_fields(answered)) == {"submitted_values"}


class TestFiles:
    def upload(self, page, content=b"PNG", name="cat.png", kind="image/png"):
        return page.upload("/attachments", {"file": SimpleUploadedFile(name, content, kind)})

    def test_go_with_one_message(self, opened, talk):
        stored = self.upload(opened)
        file = stored.json()
        said = opened.say(talk, "", attachment_ids=[file["id"]])

        assert stored.status_code == 201
        assert (file["type"], file["filename"], file["size"], file["details"]) == ("image", "cat.png", 3, {})
        [shown] = said.json()["attachments"]
        assert shown["url"] == file["url"]
        assert (said.json()["text"], said.json()["message_type"]) == ("", "media")
        again = opened.say(talk, "", "m-3", attachment_ids=[file["id"]])
        assert wrong_fields(again) == {"attachment_ids.0": "unknown_attachment"}

    def test_are_not_sent_twice_when_the_message_is(self, opened, talk):
        file = self.upload(opened).json()
        first, again = (opened.say(talk, "", attachment_ids=[file["id"]]) for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert Attachment.unscoped.count() == 1

    def test_are_nobody_elses(self, opened, other):
        file = self.upload(opened).json()
        other.open()

        refused = other.say(other.begin(), "", attachment_ids=[file["id"]])
        assert wrong_fields(refused) == {"attachment_ids.0": "unknown_attachment"}

    def test_of_the_businesss_server_cannot_be_named(self, opened, talk, api):
        theirs = api.upload("/v1/attachments", {"file": io.BytesIO(b"x")}).json()

        assert "attachment_ids.0" in wrong_fields(opened.say(talk, "", attachment_ids=[theirs["id"]]))

    def test_wait_for_a_day(self, opened, talk):
        file = self.upload(opened).json()
        Attachment.unscoped.update(created_at=timezone.now() - timedelta(hours=25))

        assert "attachment_ids.0" in wrong_fields(opened.say(talk, "", attachment_ids=[file["id"]]))
        assert uploads.forget_old() == 1

    def test_that_were_never_sent_go_with_their_person(self, opened, live):
        self.upload(opened)
        contact = ContactSession.unscoped.get().contact
        contact.environment = live
        erasure.erase(contact=contact, by=audit.SYSTEM, actor=SYSTEM)

        assert Attachment.unscoped.count() == 0

    def test_are_refused_where_they_are_too_large_empty_or_programs(self, opened, settings):
        settings.MAX_ATTACHMENT_BYTES = 2 * 2**20
        large = self.upload(opened, b"x" * (2 * 2**20 + 1))

        assert error(large) == (413, "file_too_large")
        [problem] = large.json()["error"]["errors"]
        assert (problem["field"], problem["limit"], problem["actual"]) == ("file", 2 * 2**20, 2 * 2**20 + 1)
        assert wrong_fields(self.upload(opened, b"")) == {"file": "file_empty"}
        assert wrong_fields(self.upload(opened, name="setup.EXE")) == {"file": "file_type_not_allowed"}
        assert wrong_fields(opened.upload("/attachments", {})) == {"file": "required"}
        assert error(opened.post("/attachments", {})) == (415, "unsupported_media_type")
        assert Attachment.unscoped.count() == 0

    def test_beyond_all_measure_are_refused_in_the_same_words(self, opened, settings):
        settings.MAX_ATTACHMENT_BYTES, settings.MAX_BODY_BYTES = 100, 100

        assert error(self.upload(opened, b"x" * 1000)) == (413, "file_too_large")


class TestChanges:
    def changes(self, page, since=None):
        answered = page.get("/changes", since=since or page.opened["position"])
        assert answered.status_code == 200, answered.content
        return answered.json()

    def told(self, found):
        return [each["id"] for each in found["conversations"]], [each["text"] for each in found["messages"]]

    def test_are_none_where_nothing_happened(self, opened, talk, relay):
        relay.drain()
        opened.open(source_id=opened.opened["source_id"])
        found = self.changes(opened)

        assert self.told(found) == ([], [])
        assert found["has_more"] is False
        assert self.told(self.changes(opened, found["position"])) == ([], [])

    def test_tell_what_happened_each_once_as_it_stands(self, opened, talk, relay, ada):
        relay.drain()
        opened.open(source_id=opened.opened["source_id"])
        answer(talk, "Yes?", ada)
        messages.note(conversation=row(talk), author=Author("agent", ada), draft=Draft("Secret"))
        opened.post(f"/conversations/{talk['id']}/read", {})
        relay.drain()
        found = self.changes(opened)

        assert self.told(found) == ([talk["id"]], ["Yes?"])
        assert found["messages"][0]["status"] == "read"
        assert found["conversations"][0]["unread_count"] == 0
        assert self.told(self.changes(opened, found["position"])) == ([], [])

    def test_tell_what_no_relay_has_placed_yet_and_miss_nothing_of_it(self, opened, talk, relay):
        relay.drain()
        opened.open(source_id=opened.opened["source_id"])
        answer(talk, "One")
        first = self.changes(opened)
        answer(talk, "Two")
        relay.drain()
        second = self.changes(opened, first["position"])

        assert self.told(first)[1] == ["One"]
        assert "Two" in self.told(second)[1]
        assert self.told(self.changes(opened, second["position"])) == ([], [])

    def test_tell_what_commits_late(self, opened, talk, relay):
        """Written before the position was taken, but behind it in the feed."""
        relay.drain()
        opened.open(source_id=opened.opened["source_id"])
        answer(talk, "Late")
        moment = timezone.now() - timedelta(minutes=1)
        Conversation.unscoped.update(updated_at=moment)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE events_event SET occurred_at = %s WHERE position IS NULL", [moment])
        relay.drain()

        assert self.told(self.changes(opened))[1] == ["Late"]

    def test_tell_of_a_message_and_its_file_that_were_begun_elsewhere(self, page, other, inbox, relay):
        page.open(identity=signed(inbox))
        other.open(identity=signed(inbox))
        talk = other.begin()
        relay.drain()

        assert self.told(self.changes(page)) == ([talk["id"]], ["Hello"])

    def test_tell_of_conversations_that_came_over_from_another_record(self, page, other, inbox, relay):
        page.open(identity=signed(inbox))
        other.open()
        talk = other.begin()
        relay.drain()
        page.open(source_id=page.opened["source_id"], identity=signed(inbox))
        other.open(source_id=other.opened["source_id"], identity=signed(inbox))

        assert talk["id"] in self.told(self.changes(page))[0]

    def test_tell_nothing_of_others(self, opened, other, relay):
        other.open()
        other.begin()
        relay.drain()

        assert self.told(self.changes(opened)) == ([], [])

    def test_come_in_portions(self, opened, talk, relay, monkeypatch):
        monkeypatch.setattr("conversations.services.changes.EVENTS_AT_ONCE", 2)
        relay.drain()
        opened.open(source_id=opened.opened["source_id"])
        for place in range(5):
            answer(talk, str(place))
        relay.drain()
        position, texts, portions = opened.opened["position"], [], 0
        while portions < 10:
            found = self.changes(opened, position)
            texts += self.told(found)[1]
            position, portions = found["position"], portions + 1
            if not found["has_more"]:
                break

        assert texts == ["0", "1", "2", "3", "4"]
        assert portions == 3

    @pytest.mark.parametrize("since", ["x", "é", "cDEuMQ", "cDAuOTk5OTk5OTk5OTk5OTk5OQ", "p" * 500])
    def test_know_no_position_that_is_none_or_too_old(self, opened, since):
        assert error(opened.get("/changes", since=since)) == (410, "position_gone")

    def test_want_a_position(self, opened):
        assert wrong_fields(opened.get("/changes")) == {"since": "required"}

    def test_cost_little_where_nothing_happened(self, opened, talk, relay):
        relay.drain()
        opened.open(source_id=opened.opened["source_id"])
        with CaptureQueriesContext(connection) as queries:
            self.changes(opened)

        assert len(queries) <= 4


class TestOrigins:
    @pytest.fixture
    def choosy(self, inbox):
        return inboxes.update(
            inbox=inbox, by=audit.SYSTEM, fields={"settings": {"allowed_origins": ["https://shop.example"]}}
        )

    def test_of_other_pages_are_refused_everywhere_in_words_that_the_page_can_read(self, opened, talk, choosy):
        for method, path in [("GET", "/me"), ("GET", "/conversations"), ("POST", "/conversations"), ("GET", "/changes"),
                             ("POST", f"/conversations/{talk['id']}/messages"), ("DELETE", "/session")]:  # fmt: skip
            refused = opened.send(method, path, {}, origin="https://evil.example")
            assert error(refused) == (403, "origin_not_allowed"), path
        body = {"inbox": choosy.identifier}
        refused = opened.post("/sessions", body, origin="https://evil.example")
        assert error(refused) == (403, "origin_not_allowed")
        assert error(opened.post("/sessions", body, origin="null")) == (403, "origin_not_allowed")
        assert ContactSession.unscoped.count() == 1

    def test_that_are_listed_and_apps_without_one_are_served(self, opened, choosy):
        assert opened.send("GET", "/me", origin="https://shop.example").status_code == 200
        assert opened.send("GET", "/me").status_code == 200

    def test_may_all_ask_first(self, opened):
        asked = opened.send("OPTIONS", "/me", origin="https://evil.example", authorization="",
                            access_control_request_headers="authorization,content-type")  # fmt: skip

        assert asked.status_code == 204
        assert asked["Access-Control-Allow-Origin"] == "*"
        assert asked["Access-Control-Allow-Headers"] == "authorization,content-type"
        assert {"GET", "POST", "PATCH", "DELETE"} <= set(asked["Access-Control-Allow-Methods"].split(", "))
        assert int(asked["Access-Control-Max-Age"]) > 0

    def test_may_read_the_headers_that_matter(self, opened):
        shown = opened.get("/me")

        assert {"Request-Id", "Retry-After"} <= set(shown["Access-Control-Expose-Headers"].split(", "))
        assert shown["Request-Id"]
        assert "Access-Control-Allow-Credentials" not in shown
        assert not shown.cookies

    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/me", 405),
                                                            ("GET", "/sessions", 405)])  # fmt: skip
    def test_may_read_what_leads_nowhere(self, opened, method, path, status):
        assert error(opened.send(method, path))[0] == status

    def test_may_read_what_is_wrong_with_a_body(self, opened):
        assert error(opened.send("POST", "/conversations", b"{"))[0] == 400
        assert error(opened.send("PATCH", "/me", b"[]")) == (422, "not_an_object")


class TestAgentsOnline:
    def test_are_counted_where_they_are_connected(self, page, live):
        redis, now = redis_connections.client(), time.time()
        redis.zadd(transport.presence_key(live.pk, "users"), {"1": now + 40, "2": now + 40, "3": now - 1})
        redis.hset(transport.presence_key(live.pk, "availability"), mapping={"1": "online", "2": "offline"})

        assert page.open()["inbox"]["agents_online"] == 1
