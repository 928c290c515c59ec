"""An event too large for a webhook: refused at every door, in that door's words, and nothing of it stays."""

import pytest

from contacts.models import Contact
from contacts.services import contacts, tombstones
from conversations.models import Conversation, Message
from conversations.services import statuses, timeline
from events import log
from events.log import LARGEST_DATA_BYTES
from events.models import LoggedEvent

HEAVY = "ع" * 140_000  # two bytes each


@pytest.fixture
def amine(api):
    return api.put("/v1/users/c-1", {"first_name": "Amine"}).json()


@pytest.fixture
def talk(api, inbox, amine):
    return api.post("/v1/conversations", {"user_id": "c-1"}).json()


def events() -> int:
    return LoggedEvent.unscoped.count()


class TestClientAPI:
    @pytest.fixture
    def where(self, session, conversation, inbox):
        return (
            f"/public/api/v1/inboxes/{inbox.identifier}/contacts/{session.source_id}/conversations/"
            f"{conversation.number}/messages"
        )

    def post(self, client, where, content):
        return client.post(where, {"content": content}, content_type="application/json")

    def test_takes_the_longest_message_there_is_in_ascii(self, client, where, anyone):
        assert self.post(client, where, "a" * 150_000).status_code == 200

    def test_refuses_more_bytes_than_a_webhook_carries_in_its_own_words(self, client, where, anyone):
        before = events()

        answer = self.post(client, where, HEAVY)

        assert answer.status_code == 422
        assert answer.json()["attributes"] == ["content"]
        assert answer.json()["message"].startswith("This makes an event of 30")
        assert "message.text with 280,002 bytes: shorten it" in answer.json()["message"]
        assert f"{LARGEST_DATA_BYTES:,}" in answer.json()["message"]
        assert (events(), Message.unscoped.count()) == (before, 0)

    def test_goes_on_with_the_conversation_afterwards(self, client, where, anyone, conversation):
        self.post(client, where, HEAVY)

        assert self.post(client, where, "Shorter").status_code == 200
        told = LoggedEvent.unscoped.filter(conversation_id=conversation.pk).order_by("id")
        assert [event.sequence for event in told] == [1, 2]


class TestNativeAPI:
    def wrong(self, answer):
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["code"] == "event_too_large"
        return error["errors"][0]["field"], error["errors"][0]["limit"]

    def test_refuses_a_message(self, api, talk):
        before = events()

        answer = api.post(f"/v1/conversations/{talk['id']}/messages", {"text": HEAVY})

        assert self.wrong(answer) == ("text", LARGEST_DATA_BYTES)
        assert (events(), Message.unscoped.count()) == (before, 0)

    def test_refuses_what_hangs_on_a_message(self, api, talk):
        template = {"name": "welcome", "language": "ar", "variables": {"one": HEAVY}}

        answer = api.post(
            f"/v1/conversations/{talk['id']}/messages", {"message_type": "template", "template": template}
        )

        assert self.wrong(answer)[0] == "payload.variables.one"

    def test_refuses_a_conversation_with_its_first_message(self, api, inbox, amine):
        answer = api.post("/v1/conversations", {"user_id": "c-1", "text": HEAVY})

        assert self.wrong(answer)[0] == "text"
        assert not Conversation.unscoped.exists()

    def test_refuses_changes_of_a_conversation(self, api, talk, live):
        contact = Contact.of(live).get(external_id="c-1")
        Contact.of(live).filter(pk=contact.pk).update(custom_attributes={"large": "x" * 130_000})

        answer = api.patch(f"/v1/conversations/{talk['id']}", {"priority": "high"})

        assert self.wrong(answer)[0] == "custom_attributes.large"
        assert Conversation.unscoped.get().priority is None

    def test_refuses_changes_of_a_user(self, api, amine, live):
        Contact.of(live).update(custom_attributes={"old": "x" * 150_000})

        answer = api.patch("/v1/users/c-1", {"custom_attributes": {"old": "y" * 60_000}})

        assert self.wrong(answer)[0] == "custom_attributes.from.old"
        assert Contact.of(live).get().custom_attributes["old"].startswith("x")

    def test_an_idempotency_key_may_be_used_for_a_shorter_message(self, api, talk):
        where = f"/v1/conversations/{talk['id']}/messages"

        first = api.post(where, {"text": HEAVY}, idempotency_key="one")
        again = api.post(where, {"text": HEAVY}, idempotency_key="one")

        assert (first.status_code, again.status_code) == (422, 422)
        assert Message.unscoped.count() == 0


class TestPlainText:
    def test_is_cut_where_the_message_is_whole(self, api, talk):
        api.post(f"/v1/conversations/{talk['id']}/messages", {"text": "a" * 10_001})

        data = LoggedEvent.unscoped.get(type="message_out").data
        assert (len(data["message_text"]), data["message_text_truncated"]) == (10_000, True)
        assert len(data["message"]["text"]) == 10_001

    def test_says_nothing_of_being_cut_when_it_is_not(self, api, talk):
        api.post(f"/v1/conversations/{talk['id']}/messages", {"text": "a" * 10_000})

        assert "message_text_truncated" not in LoggedEvent.unscoped.get(type="message_out").data


class TestWhatWasAccepted:
    def test_is_told_of_later_however_large_it_has_become(self, api, talk, live):
        api.post(f"/v1/conversations/{talk['id']}/messages", {"text": "a" * 150_000})
        Contact.of(live).update(custom_attributes={"large": "x" * 130_000})
        message = Message.unscoped.select_related("conversation__environment").get()
        message.conversation.environment = live
        held = timeline.lock(message.conversation).conversation

        assert statuses.advance(held, message, Message.Status.READ)

        assert LoggedEvent.unscoped.filter(type="message_status").count() == 1


class TestAttributes:
    """What everybody carries in every event has to leave room for what they say."""

    def test_of_64_kibibytes_are_counted_in_bytes(self, api):
        fits = api.put("/v1/users/c-2", {"custom_attributes": {"text": "x" * 65_000}})
        answer = api.put("/v1/users/c-3", {"custom_attributes": {"text": "ع" * 33_000}})

        assert fits.status_code == 201
        assert answer.json()["error"]["code"] == "too_large"

    def test_of_a_conversation_do_not_outgrow_it_by_and_by(self, api, talk):
        where = f"/v1/conversations/{talk['id']}"
        many = [{f"{start}-{number}": "x" * 1_400 for number in range(20)} for start in "abc"]

        answers = [api.patch(where, {"custom_attributes": some}).status_code for some in many]

        assert answers == [200, 200, 422]

    def test_of_two_people_are_not_brought_together_where_there_is_no_room(self, live):
        two = [
            contacts.create(environment=live, fields={"name": name, "custom_attributes": {name: "x" * 40_000}})
            for name in ("kept", "gone")
        ]

        tombstones.absorb(two[1], into=two[0])

        assert list(Contact.of(live).get(pk=two[0].pk).custom_attributes) == ["kept"]


def test_the_heaviest_part_is_named_down_to_where_it_is_spread():
    spread = {"user": {"custom_attributes": {str(number): "x" * 1_000 for number in range(300)}}, "tags": []}

    error = log.EventTooLarge(spread, 300_000)

    assert (error.problems[0].field, error.status) == ("custom_attributes", 422)
