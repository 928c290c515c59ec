"""Conversations at the SDK's door: begun once, in pages, and nobody else's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation, Message
from conversations.services import messages
from conversations.services.messages import Author, Draft
from tests.conftest import open_inbox
from tests.pages import MESSAGE, Page, answer, error, row
from tests.servers import at_once, wrong_fields

SUMMARY = {"id", "status", "subject", "unread_count", "last_message", "assignee", "agents_seen_at", "seen_at",
           "created_at", "updated_at"}  # fmt: skip


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

    def test_has_a_pace(self, opened, monkeypatch, long_minute):
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

    @pytest.mark.slow
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
