"""``/v1/events`` and ``/v1/changes``"""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from conversations.api.v1 import changes
from conversations.models import Message
from core import ids
from core.times import iso
from events.models import LoggedEvent
from tests.servers import wrong_fields


def types(answer):
    return [each["type"] for each in answer.json()["data"]]


def all_after(api, event_id, **query):
    """Read on page by page, as a client does: ask again after the last event seen."""
    seen = []
    while page := api.get("/v1/events", after=event_id, **query).json()["data"]:
        seen += page
        event_id = page[-1]["id"]
    return seen


class TestList:
    def test_shows_the_newest_first_at_once(self, api, words):
        api.post(words, {"text": "Hello"})

        assert types(api.get("/v1/events")) == ["message_out", "conversation_created", "user_created"]

    def test_shows_what_a_webhook_receives(self, api, words, talk, live):
        said = api.post(words, {"text": "Hello"}).json()

        [event] = api.get("/v1/events", types="message_out").json()["data"]

        assert event["id"].startswith("evt_")
        assert (event["object"], event["livemode"], event["sequence"]) == ("event", True, 2)
        assert (event["conversation_id"], event["data"]["conversation_id"]) == (talk["id"], talk["id"])
        assert (event["data"]["message_text"], event["data"]["message"]) == ("Hello", said)
        assert "context" not in event

    def test_finds_by_every_filter(self, api, words, talk):
        api.post(words, {"text": "Hello"})

        assert types(api.get("/v1/events", types="message_out, user_created")) == ["message_out", "user_created"]
        assert types(api.get("/v1/events", conversation_id=talk["id"])) == ["message_out", "conversation_created"]
        assert types(api.get("/v1/events", since=iso(timezone.now()))) == []
        assert len(types(api.get("/v1/events", since="2020-01-01T00:00:00Z"))) == 3

    def test_walks_page_by_page_in_both_directions(self, api, words, relay):
        relay.drain()
        oldest = api.get("/v1/events").json()["data"][-1]["id"]
        first = api.get("/v1/events", limit=1)
        second = api.get("/v1/events", limit=1, cursor=first.json()["next_cursor"])
        forward = api.get("/v1/events", limit=1, after=oldest)

        assert types(first) + types(second) == ["conversation_created", "user_created"]
        assert (types(forward), forward.json()["has_more"]) == (["conversation_created"], False)

    @pytest.mark.parametrize(
        ("query", "field"),
        [({"types": "message_in,nonsense"}, "types"), ({"since": "never"}, "since"),
         ({"conversation_id": "usr_1"}, "conversation_id"), ({"limit": "0"}, "limit")],
    )  # fmt: skip
    def test_refuses_wrong_parameters(self, api, query, field):
        assert list(wrong_fields(api.get("/v1/events", **query))) == [field]

    def test_shows_strangers_nothing(self, stranger, talk):
        assert stranger.get("/v1/events").json()["data"] == []
        assert stranger.get("/v1/events", conversation_id=talk["id"]).json()["data"] == []


class TestGet:
    def test_looks_one_up(self, api, talk):
        [first, _] = api.get("/v1/events").json()["data"]

        assert api.get(f"/v1/events/{first['id']}").json() == first

    def test_refuses_strangers_and_nonsense(self, api, stranger, talk, relay):
        stranger.put("/v1/users/g-1")
        relay.drain()
        [first, _] = api.get("/v1/events").json()["data"]
        later = ids.encode("evt", 2**40)

        assert api.get("/v1/events/evt_nothing").status_code == 404
        assert api.get(f"/v1/events/{later}").status_code == 404
        assert stranger.get(f"/v1/events/{first['id']}").status_code in {404, 410}


class TestAfter:
    def test_goes_on_oldest_first(self, api, amine, relay, words):
        relay.drain()
        [start] = api.get("/v1/events", types="user_created").json()["data"]
        for text in ("One", "Two"):
            api.post(words, {"text": text})
        relay.drain()

        assert types(api.get("/v1/events", after=start["id"])) == ["conversation_created", "message_out", "message_out"]
        assert types(api.get("/v1/events", after=start["id"], types="message_out")) == ["message_out"] * 2

    def test_shows_only_what_has_its_place_in_the_feed(self, api, amine, relay, words):
        relay.drain()
        [start] = api.get("/v1/events", types="user_created").json()["data"]
        api.post(words, {"text": "Not relayed yet"})

        assert types(api.get("/v1/events", after=start["id"])) == ["conversation_created"]

    def test_waits_for_an_event_without_a_place(self, api, amine):
        [pending] = api.get("/v1/events").json()["data"]

        assert api.get("/v1/events", after=pending["id"]).json() == {"data": [], "has_more": False, "next_cursor": None}

    def test_refuses_an_event_that_never_was(self, api, talk, relay):
        relay.drain()
        for unknown in ("evt_nothing", "msg_1", ids.encode("evt", 2**40)):
            answer = api.get("/v1/events", after=unknown)
            assert (answer.status_code, answer.json()["error"]["param"]) == (404, "after")

    def test_says_when_an_event_is_older_than_the_log(self, api, talk, relay):
        relay.drain()
        oldest = LoggedEvent.unscoped.order_by("id").first()
        expired = oldest.pk
        oldest.delete()

        for path, name in (("/v1/events", "after"), ("/v1/changes", "since")):
            answer = api.get(path, **{name: ids.encode("evt", expired)})
            assert (answer.status_code, answer.json()["error"]["code"]) == (410, "events_expired")
            assert str(settings.EVENT_RETENTION_DAYS) in answer.json()["error"]["message"]

    def test_misses_none_whose_transaction_was_slow(self, api, words, relay):
        relay.drain()
        start = api.get("/v1/changes").json()["latest"]
        with connection.cursor() as cursor:  # an id is drawn by somebody who has not committed yet
            cursor.execute("SELECT nextval(pg_get_serial_sequence('events_event', 'id'))")
            slow = cursor.fetchone()[0]
        api.post(words, {"text": "Quick"})
        relay.drain()
        [quick] = all_after(api, start)
        template = LoggedEvent.unscoped.get(sequence=quick["sequence"], type=quick["type"])
        template.pk, template.position, template.sequence = slow, None, 99
        template.save(force_insert=True)
        relay.drain()

        assert [each["sequence"] for each in all_after(api, quick["id"])] == [99]


class TestChanges:
    def ask(self, api, **query):
        return api.get("/v1/changes", **query).json()

    def test_says_where_to_start(self, api, talk, relay):
        assert self.ask(api)["latest"] is None
        relay.drain()

        started = self.ask(api)

        assert started["latest"] == api.get("/v1/events").json()["data"][0]["id"]
        assert (started["users"], started["conversations"], started["has_more"]) == ([], [], False)

    def test_shows_everything_that_changed_once_as_it_is_now(self, api, words, talk, relay):
        relay.drain()
        start = self.ask(api)["latest"]
        api.post(words, {"text": "One"})
        said = api.post(words, {"text": "Two"}).json()
        api.patch("/v1/users/c-1", {"first_name": "Amin"})
        api.patch("/v1/users/c-1", {"first_name": "Amina"})
        relay.drain()

        changed = self.ask(api, since=start)

        assert [each["first_name"] for each in changed["users"]] == ["Amina"]
        assert changed["conversations"] == [api.get(f"/v1/conversations/{talk['id']}").json()]
        assert [each["text"] for each in changed["messages"]] == ["One", "Two"]
        assert changed["messages"][1] == said
        assert changed["deleted"] == []
        assert self.ask(api, since=changed["latest"])["messages"] == []

    def test_does_not_call_a_person_changed_because_they_were_written_to(self, api, words, relay):
        relay.drain()
        start = self.ask(api)["latest"]
        api.post(words, {"text": "One"})
        relay.drain()

        assert self.ask(api, since=start)["users"] == []

    def test_names_who_was_merged_and_what_was_erased(self, api, words, talk, amine, relay):
        other = api.put("/v1/users/c-2").json()
        relay.drain()
        start = self.ask(api)["latest"]
        said = api.post(words, {"text": "One"}).json()
        api.post("/v1/users/merge", {"from": "c-2", "into": "c-1"})
        api.delete("/v1/users/c-1")
        relay.drain()

        gone = {each["object"]: each for each in self.ask(api, since=start)["deleted"] if each["id"] != other["id"]}
        [merged] = [each for each in self.ask(api, since=start)["deleted"] if each["id"] == other["id"]]

        assert merged == {"id": other["id"], "object": "user", "deleted": True, "merged_into": amine["id"]}
        assert {kind: each["id"] for kind, each in gone.items()} == {
            "user": amine["id"], "conversation": talk["id"], "message": said["id"],
        }  # fmt: skip

    def test_comes_in_portions(self, api, words, relay, monkeypatch):
        monkeypatch.setattr(changes, "EVENTS_AT_ONCE", 2)
        relay.drain()
        since = self.ask(api)["latest"]
        for text in ("One", "Two", "Three"):
            api.post(words, {"text": text})
        relay.drain()

        first = self.ask(api, since=since)
        second = self.ask(api, since=first["latest"])

        assert [each["text"] for each in first["messages"] + second["messages"]] == ["One", "Two", "Three"]
        assert (first["has_more"], second["has_more"]) == (True, False)

    def test_keeps_asking_from_an_event_without_a_place(self, api, amine):
        [pending] = api.get("/v1/events").json()["data"]

        answer = self.ask(api, since=pending["id"])

        assert (answer["latest"], answer["users"]) == (pending["id"], [])

    def test_refuses_nonsense_and_strangers(self, api, stranger, talk, relay):
        relay.drain()
        stranger.put("/v1/users/g-1")
        relay.drain()

        assert api.get("/v1/changes", since="evt_nothing").status_code == 404
        assert stranger.get("/v1/changes", since=self.ask(api)["latest"]).status_code in {404, 410}

    def test_asks_the_database_as_often_for_ten_as_for_one(self, api, words, relay, django_assert_max_num_queries):
        relay.drain()
        start = self.ask(api)["latest"]
        for _ in range(10):
            api.post(words, {"text": "Hi"})
        relay.drain()

        with django_assert_max_num_queries(8):
            assert len(self.ask(api, since=start)["messages"]) == 10
        assert Message.unscoped.count() == 10


class TestAge:
    def test_finds_only_what_is_younger(self, api, talk):
        LoggedEvent.unscoped.filter(type="user_created").update(occurred_at=timezone.now() - timedelta(hours=2))

        found = api.get("/v1/events", since=iso(timezone.now() - timedelta(hours=1)))

        assert types(found) == ["conversation_created"]
