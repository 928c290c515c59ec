"""Messages that wait for their time are hidden from the person, and said when it has come."""

import pytest

from contacts.services import addresses
from conversations.models import Conversation, Message
from conversations.queries import last_shown_messages, shown_messages
from conversations.services import automatic, conversations, messages, scheduling, statuses, timeline
from conversations.services.messages import Author, Draft
from events.models import LoggedEvent
from tests.outbound.messaging import PHONE, open_on


@pytest.fixture
def waiting(conversation):
    return messages.send(conversation=conversation, author=Author("api"), draft=Draft("Later", is_scheduled=True))


@pytest.fixture
def carried(live):
    """A conversation on a channel that a provider carries."""
    inbox = open_on(live, "sms", greeting_enabled=True, greeting_message="Welcome", csat_survey_enabled=True)
    return conversations.start(session=addresses.open_at(inbox=inbox, address=PHONE))


class TestWaiting:
    def test_is_hidden_from_the_person(self, conversation, waiting):
        assert (waiting.status, waiting.is_shown_to_contact) == ("scheduled", False)
        assert not shown_messages(conversation).exists()
        assert last_shown_messages([conversation], 5) == {conversation.pk: []}
        assert Conversation.unscoped.get().last_message_id is None

    def test_is_told_to_those_who_work_here(self, waiting):
        assert LoggedEvent.unscoped.get(type="message_status").data["message"]["status"] == "scheduled"


class TestRelease:
    def test_says_it_now(self, conversation, waiting):
        assert scheduling.release(Message.unscoped.get())

        message = Message.unscoped.get()
        assert (message.status, message.created_at > waiting.created_at) == ("sent", True)
        assert Conversation.unscoped.get().last_message_text == "Later"
        told = LoggedEvent.unscoped.get(type="message_out")
        assert (told.sequence, told.data["message"]["id"]) == (message.sequence, message.public_id)
        assert shown_messages(conversation).get() == message

    def test_queues_it_where_a_provider_carries_it(self, carried):
        messages.send(conversation=carried, author=Author("api"), draft=Draft("Later", is_scheduled=True))

        assert scheduling.release(Message.unscoped.get())
        assert Message.unscoped.get().status == "queued"

    def test_happens_once(self, waiting):
        message = Message.unscoped.get()

        assert [scheduling.release(message), scheduling.release(message)] == [True, False]

    def test_does_not_bring_back_what_was_canceled(self, conversation, waiting):
        held = timeline.lock(conversation).conversation
        statuses.advance(held, Message.unscoped.get(), Message.Status.CANCELED)

        assert not scheduling.release(Message.unscoped.get())
        assert not shown_messages(conversation).exists()

    def test_opens_a_conversation_that_was_closed_meanwhile(self, conversation, waiting):
        conversations.update(conversation=conversation, fields={"status": "closed"})

        scheduling.release(waiting)

        assert Conversation.unscoped.get().status == "open"


class TestCarried:
    def test_replies_are_queued(self, carried):
        assert messages.send(conversation=carried, author=Author("api"), draft=Draft("Hi")).status == "queued"

    def test_greetings_are_queued_too(self, carried):
        automatic.answer(carried, is_first=True)

        assert Message.unscoped.get().status == "queued"

    def test_surveys_bring_their_address_along(self, carried):
        automatic.ask_how_it_went(carried)

        assert f"/survey/responses/{carried.uuid}" in (Message.unscoped.get().text or "")


class TestRequeue:
    def test_is_the_only_step_back(self, carried):
        message = messages.send(conversation=carried, author=Author("api"), draft=Draft("Hi"))
        held = timeline.lock(carried).conversation
        assert statuses.advance(held, message, "failed", failure={"code": "undelivered"})
        assert not statuses.advance(held, message, "queued")
        message.provider_id = "SM1"

        statuses.requeue(held, message)

        stored = Message.unscoped.get()
        assert (stored.status, stored.failure, stored.provider_id) == ("queued", None, None)
        assert [step["status"] for step in stored.timeline] == ["queued", "failed", "queued"]

    def test_a_delivery_outruns_a_failure(self, carried):
        message = messages.send(conversation=carried, author=Author("api"), draft=Draft("Hi"))
        held = timeline.lock(carried).conversation

        moves = [statuses.advance(held, message, status) for status in ("failed", "delivered", "failed", "sent")]

        assert moves == [True, True, False, False]
