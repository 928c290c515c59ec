"""Catching up at the SDK's door: what changed for a person, each once, whoever else writes meanwhile."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation
from conversations.services import messages
from conversations.services.messages import Author, Draft
from tests.pages import answer, error, row, signed
from tests.servers import wrong_fields


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
