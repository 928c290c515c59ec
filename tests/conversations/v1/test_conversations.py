"""``/v1/conversations``"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from contacts.models import ContactSession
from contacts.services import contacts, sessions
from conversations.models import Conversation, Message, Team
from core.times import iso
from events.models import LoggedEvent
from tests.conftest import open_inbox
from tests.servers import wrong_fields


def types_of(talk):
    row = Conversation.unscoped.get(number=talk["number"])
    return list(LoggedEvent.unscoped.filter(conversation_id=row.pk).order_by("id").values_list("type", flat=True))


class TestCreate:
    def test_begins_where_the_only_inbox_is(self, api, amine, inbox):
        answer = api.post("/v1/conversations", {"user_id": "c-1", "subject": "Order 42", "tags": ["order"]})

        assert answer.status_code == 201
        begun = answer.json()
        assert (begun["status"], begun["subject"], begun["tags"]) == ("open", "Order 42", ["order"])
        assert (begun["inbox_id"], begun["user"]["id"]) == (inbox.public_id, amine["id"])
        assert begun["last_message"] is None

    def test_says_the_first_words(self, api, amine, inbox):
        begun = api.post("/v1/conversations", {"user_id": amine["id"], "text": "Hello"}).json()

        assert begun["last_message"]["text"] == "Hello"
        assert types_of(begun) == ["conversation_created", "message_out"]
        assert LoggedEvent.unscoped.get(type="message_out").actor_id.startswith("key_")

    def test_goes_on_where_the_person_was(self, api, inbox, live):
        session = sessions.open_session(inbox=inbox, fields={"external_id": "c-5"})

        api.post("/v1/conversations", {"user_id": "c-5"})

        assert Conversation.unscoped.get().session == session

    def test_does_not_speak_in_front_of_somebody_who_only_claimed_the_name(self, api, inbox, live):
        claimed = sessions.open_session(inbox=inbox, fields={"external_id": "c-5"})
        contacts.update(contact=claimed.contact, fields={"verified": True})

        for text in ("Your code is 123456", "It is still 123456"):
            api.post("/v1/conversations", {"user_id": "c-5", "text": text})

        one, other = Conversation.unscoped.order_by("id")
        assert one.session == other.session != claimed

    def test_keeps_to_one_conversation_where_the_inbox_does(self, api, amine, live):
        open_inbox(live, lock_to_single_conversation=True)

        first = api.post("/v1/conversations", {"user_id": "c-1"}).json()
        again = api.post("/v1/conversations", {"user_id": "c-1"}).json()

        assert first["id"] == again["id"]
        assert ContactSession.unscoped.count() == 1

    def test_has_to_be_told_which_of_two_inboxes(self, api, amine, inbox, live):
        other = open_inbox(live, name="Sales")

        assert wrong_fields(api.post("/v1/conversations", {"user_id": "c-1"})) == {"inbox_id": "required"}
        answer = api.post("/v1/conversations", {"user_id": "c-1", "inbox_id": other.public_id})
        assert answer.json()["inbox_id"] == other.public_id

    def test_has_nowhere_to_begin_without_an_inbox(self, api, amine):
        assert wrong_fields(api.post("/v1/conversations", {"user_id": "c-1"})) == {"inbox_id": "required"}

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"user_id": "required"}),
            ({"user_id": "nobody"}, {"user_id": "unknown_user"}),
            ({"user_id": "c-1", "inbox_id": "inb_nothing"}, {"inbox_id": "unknown_inbox"}),
            ({"user_id": 1, "tags": {}, "text": 5}, {"user_id": "invalid", "tags": "invalid", "text": "invalid"}),
            ({"user_id": "c-1", "text": "x" * 150_001}, {"text": "too_long"}),
            ({"user_id": "c-1", "custom_attributes": {"": 1}}, {"custom_attributes.": "invalid_key"}),
        ],
    )
    def test_names_what_is_wrong(self, api, amine, inbox, body, wrong):
        assert wrong_fields(api.post("/v1/conversations", body)) == wrong
        assert not Conversation.unscoped.exists()

    def test_leaves_nothing_behind_when_the_person_is_blocked(self, api, amine, inbox):
        api.patch("/v1/users/c-1", {"blocked": True})

        answer = api.post("/v1/conversations", {"user_id": "c-1", "text": "Hello"})

        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "user_blocked")
        assert not Conversation.unscoped.exists()

    def test_refuses_a_merged_person_and_says_who_they_are_now(self, api, amine, inbox):
        old = api.put("/v1/users/c-2").json()
        api.post("/v1/users/merge", {"from": "c-2", "into": "c-1"})

        answer = api.post("/v1/conversations", {"user_id": old["id"]})

        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "user_merged")

    def test_knows_no_people_and_inboxes_of_another_account(self, stranger, amine, inbox, globex):
        assert wrong_fields(stranger.post("/v1/conversations", {"user_id": amine["id"]})) == {"user_id": "unknown_user"}
        stranger.put("/v1/users/g-1")
        answer = stranger.post("/v1/conversations", {"user_id": "g-1", "inbox_id": inbox.public_id})
        assert wrong_fields(answer) == {"inbox_id": "unknown_inbox"}


class TestList:
    @pytest.fixture
    def three(self, api, amine, inbox, live):
        api.put("/v1/users/c-2")
        sales = open_inbox(live, name="Sales")
        asked = [
            {"user_id": "c-1", "inbox_id": inbox.public_id, "tags": ["a"]},
            {"user_id": "c-2", "inbox_id": inbox.public_id, "tags": ["a", "b"]},
            {"user_id": "c-2", "inbox_id": sales.public_id},
        ]
        begun = [api.post("/v1/conversations", body).json() for body in asked]
        api.patch(f"/v1/conversations/{begun[0]['id']}", {"status": "closed"})
        return begun

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, [2, 1, 0]),
            ({"status": "closed"}, [0]),
            ({"user_id": "c-2"}, [2, 1]),
            ({"tag": "b"}, [1]),
            ({"tag": "a", "status": "open"}, [1]),
            ({"updated_since": "2020-01-01T00:00:00Z"}, [2, 1, 0]),
            ({"updated_since": "2990-01-01T00:00:00+05:00"}, []),
        ],
    )
    def test_finds_by_every_filter(self, api, three, query, found):
        listed = [each["id"] for each in api.get("/v1/conversations", **query).json()["data"]]

        assert listed == [three[place]["id"] for place in found]

    def test_finds_by_inbox(self, api, three):
        listed = api.get("/v1/conversations", inbox_id=three[2]["inbox_id"]).json()["data"]

        assert [each["id"] for each in listed] == [three[2]["id"]]

    def test_finds_only_what_changed_since(self, api, three):
        moment = iso(timezone.now())
        api.patch(f"/v1/conversations/{three[1]['id']}", {"priority": "high"})

        listed = api.get("/v1/conversations", updated_since=moment).json()["data"]

        assert [each["id"] for each in listed] == [three[1]["id"]]

    @pytest.mark.parametrize(
        ("query", "wrong"),
        [
            ({"status": "done"}, {"status": "unknown_value"}),
            ({"user_id": "nobody"}, {"user_id": "unknown_user"}),
            ({"inbox_id": "inb_no"}, {"inbox_id": "unknown_inbox"}),
            ({"updated_since": "yesterday"}, {"updated_since": "invalid"}),
            ({"updated_since": "0001-01-01T00:00:00+14:00", "limit": "-1"},
             {"updated_since": "invalid", "limit": "out_of_range"}),
        ],
    )  # fmt: skip
    def test_refuses_wrong_parameters(self, api, inbox, query, wrong):
        assert wrong_fields(api.get("/v1/conversations", **query)) == wrong

    def test_shows_strangers_nothing(self, stranger, three):
        assert stranger.get("/v1/conversations").json()["data"] == []

    def test_asks_the_database_as_often_for_three_as_for_one(self, api, three, django_assert_max_num_queries):
        with django_assert_max_num_queries(3):
            api.get("/v1/conversations")


class TestGetAndUpdate:
    def test_looks_one_up(self, api, talk):
        assert api.get(f"/v1/conversations/{talk['id']}").json() == talk

    def test_changes_everything_that_can_be_changed(self, api, talk, ada, live):
        Team.unscoped.create(environment=live, name="Billing")
        wanted = {
            "status": "pending", "assignee": "ada@acme.test", "team": "Billing", "priority": "urgent", "subject": "New",
            "tags": ["a"], "labels": ["b"], "custom_attributes": {"order": 42},
        }  # fmt: skip

        changed = api.patch(f"/v1/conversations/{talk['id']}", wanted).json()

        assert changed["assignee"] == {"id": ada.public_id, "name": "Ada", "avatar_url": ""}
        assert changed["team"] == {"name": "Billing"}
        assert {name: changed[name] for name in wanted if name not in {"assignee", "team"}} == {
            name: value for name, value in wanted.items() if name not in {"assignee", "team"}
        }

    def test_takes_the_agent_and_the_team_off_with_null(self, api, talk, ada):
        path = f"/v1/conversations/{talk['id']}"
        assert api.patch(path, {"assignee": ada.public_id}).json()["assignee"] is not None

        changed = api.patch(path, {"assignee": None, "team": None, "priority": None}).json()

        assert (changed["assignee"], changed["team"], changed["priority"]) == (None, None, None)

    def test_closes_with_both_events(self, api, talk):
        api.patch(f"/v1/conversations/{talk['id']}", {"status": "closed"})

        assert types_of(talk)[1:3] == ["conversation_updated", "conversation_closed"]

    def test_snoozes_until_a_time(self, api, talk):
        until = (timezone.now() + timedelta(hours=1)).replace(microsecond=0)

        snoozed = api.patch(f"/v1/conversations/{talk['id']}", {"snoozed_until": iso(until)}).json()

        assert (snoozed["status"], snoozed["snoozed_until"]) == ("snoozed", iso(until))

    def test_refuses_an_agent_of_another_account(self, api, talk, globex):
        mallory = User.objects.get(email="mallory@globex.test")
        for name in ("mallory@globex.test", mallory.public_id, "nobody@acme.test", "agt_x"):
            answer = api.patch(f"/v1/conversations/{talk['id']}", {"assignee": name})
            assert wrong_fields(answer) == {"assignee": "unknown_agent"}

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"status": "done", "priority": 1, "tags": "x"},
             {"status": "unknown_value", "priority": "unknown_value", "tags": "invalid"}),
            ({"snoozed_until": "soon"}, {"snoozed_until": "invalid"}),
            ({"team": "Nobody"}, {"team": "unknown_team"}),
            ({"custom_attributes": {"long": "x" * 1501}}, {"custom_attributes.long": "too_large"}),
            ({"status": None}, {"status": "required"}),
            ({"tags": [""]}, {"tags.0": "required"}),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong(self, api, talk, body, wrong):
        assert wrong_fields(api.patch(f"/v1/conversations/{talk['id']}", body)) == wrong

    def test_refuses_a_stranger(self, stranger, talk):
        assert stranger.get(f"/v1/conversations/{talk['id']}").status_code == 404
        assert stranger.patch(f"/v1/conversations/{talk['id']}", {"status": "closed"}).status_code == 404

    def test_shows_the_last_message_of_both_sides(self, api, talk):
        api.post(f"/v1/conversations/{talk['id']}/messages", {"text": "Hi"})

        shown = api.get(f"/v1/conversations/{talk['id']}").json()["last_message"]

        assert (shown["text"], shown["id"]) == ("Hi", Message.unscoped.get().public_id)
