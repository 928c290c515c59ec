"""What our own dialect says: every type as a file, and the same as ``GET /v1/events`` shows."""

import json

import pytest

from conversations.services import messages
from conversations.services.messages import Author, Draft
from events.log import LARGEST_DATA_BYTES, from_row
from events.models import LoggedEvent
from tests.webhooks import story
from tests.webhooks.telling import compare, listen, told
from webhooks import bodies

ABOUT_PEOPLE = [name for name in bodies.TYPES if not name.startswith(("endpoint_", "delivery_", "inbox_"))]


@pytest.fixture
def shop(live):
    """An endpoint that wants everything."""
    return listen(live)


@pytest.fixture
def told_of(api, live, inbox, ada, shop, relay):
    """Every body of the story with what ``GET /v1/events`` showed at the time, oldest first."""

    def look():
        relay.drain()
        shown = {event["id"]: event for event in api.get("/v1/events", limit=100).json()["data"]}
        return [(body, shown[body["id"]]) for body in told(shop)]

    story.tell(api, live, inbox, ada)
    alive = look()
    story.end(api)
    return alive + look()


def first(told_of, name):
    return next(body for body, _ in told_of if body["type"] == name)


class TestGolden:
    def test_every_type_is_as_its_file_says(self, told_of):
        for name in ABOUT_PEOPLE:
            compare(f"dexra/{name}", first(told_of, name))

    def test_only_a_test_says_that_it_is_one(self, told_of):
        assert not any("test" in body for body, _ in told_of)


class TestPromises:
    def test_never_drifts_from_what_events_show(self, told_of):
        assert len(told_of) > 15
        for body, event in told_of:
            assert body["data"] == event["data"]
            for name in ("id", "type", "timestamp", "livemode", "api_version", "sequence"):
                assert body[name] == event[name]
            assert (body["event"], body["source"]) == (event["type"], event["actor"]["type"])

    def test_has_exactly_what_is_promised_beside_the_data(self, told_of):
        promised = {
            "id", "type", "event", "timestamp", "livemode", "api_version", "sequence", "channel", "source", "data"
        }  # fmt: skip
        assert all(body.keys() == promised for body, _ in told_of)

    def test_has_the_flat_names_in_all_that_happens_in_a_conversation(self, told_of):
        of_conversations = [body for body, _ in told_of if not body["type"].startswith("user_")]

        assert len(of_conversations) > 8
        for body in of_conversations:
            assert body["data"]["conversation_id"] == body["data"]["conversation"]["id"]
            assert body["data"]["source_channel"] == body["channel"] == "api"
            assert isinstance(body["data"]["message_text"], str)
        assert first(told_of, "message_in")["data"]["message_text"].startswith("Hello")

    def test_keeps_numbers_numbers(self, told_of):
        held = first(told_of, "conversation_created")["data"]["user"]["custom_attributes"]

        assert held == story.PERSON["custom_attributes"]
        assert held["customer_lifetime_value"] > 5000

    def test_says_what_changed_about_a_user_and_who_did_it(self, told_of):
        tagged, valued, *_ = [body["data"] for body, _ in told_of if body["type"] == "user_updated"]

        assert (tagged["tags_added"], tagged["tags_removed"]) == (["Hot Lead"], [])
        assert tagged["changes"] == {"tags": {"from": ["lead"], "to": ["lead", "Hot Lead"]}}
        assert tagged["actor"]["type"] == "api"
        assert tagged["actor"]["id"].startswith("key_")
        assert tagged["reason"] is None
        assert valued["changes"]["custom_attributes"]["to"]["customer_lifetime_value"] == 7300

    def test_says_who_is_behind_everything(self, told_of):
        sources = [(body["type"], body["source"]) for body, _ in told_of if body["type"].startswith("message_")]

        assert sources == [
            ("message_in", "user"), ("message_out", "api"), ("message_out", "agent"),
            ("message_status", "user"), ("message_status", "user"),
        ]  # fmt: skip

    def test_tells_an_ai_s_answer_from_an_agent_s(self, conversation, live, shop, relay):
        messages.send(conversation=conversation, author=Author("ai"), draft=Draft("I am a machine"))
        relay.drain()

        assert told(shop, "message_out")[0]["source"] == "ai"

    def test_counts_microseconds_in_utc(self, told_of):
        assert all(len(body["timestamp"]) == 27 and body["timestamp"].endswith("Z") for body, _ in told_of)

    def test_counts_what_happens_in_a_conversation(self, told_of):
        seen = [event["sequence"] for _, event in told_of if event["sequence"]]

        assert seen == sorted(set(seen))
        assert seen[0] == 1


class TestBytes:
    def event(self, live, session, conversation):
        story_text = 'Ünïcode ✓ \u2028 </script> \\ " 😀'
        messages.send(conversation=conversation, author=Author("api"), draft=Draft(story_text))
        return from_row(LoggedEvent.unscoped.get(type="message_out")), story_text

    def test_are_compact_utf_8(self, live, session, conversation):
        event, said = self.event(live, session, conversation)

        body = bodies.body(event)

        assert json.loads(body)["data"]["message_text"] == said
        assert "✓".encode() in body
        assert body == json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()

    def test_are_the_same_at_any_time(self, live, session, conversation):
        event, _ = self.event(live, session, conversation)

        again = from_row(LoggedEvent.unscoped.get(pk=event.id))

        assert bodies.body(event) == bodies.body(again)

    def test_are_at_most_256_kibibytes_for_the_largest_event(self, api, talk_with, live):
        for length in range(150_000, 0, -5_000):
            fits = api.post(talk_with, {"text": "ع" * length})
            if fits.status_code == 201:
                break
        event = from_row(LoggedEvent.unscoped.filter(type="message_out").latest("id"))

        assert LARGEST_DATA_BYTES * 0.9 < len(bodies.body(event)) <= 256 * 1024

    @pytest.fixture
    def talk_with(self, api, inbox):
        api.put("/v1/users/c-1", {"first_name": "Amine"})
        return f"/v1/conversations/{api.post('/v1/conversations', {'user_id': 'c-1'}).json()['id']}/messages"
