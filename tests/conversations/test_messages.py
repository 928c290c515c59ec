"""Messages: received, sent, noted."""

import pytest

from conversations.errors import ContactBlocked, TextTooLong
from conversations.models import Conversation, Message
from conversations.services import messages
from conversations.services.messages import Author, Draft
from core.errors import NotFound
from events.models import LoggedEvent


def types_of(conversation: Conversation) -> list[tuple[str, int | None]]:
    logged = LoggedEvent.unscoped.filter(conversation_id=conversation.pk).order_by("id")
    return list(logged.values_list("type", "sequence"))


class TestReceive:
    def test_stores_what_was_said_with_its_event(self, session, conversation):
        message = messages.receive(session=session, number=conversation.number, draft=Draft("Hello"))

        stored = Message.unscoped.get(pk=message.pk)
        assert (stored.text, stored.direction, stored.status) == ("Hello", "inbound", "received")
        assert types_of(conversation) == [("conversation_created", 1), ("message_in", 2)]

    def test_logs_a_snapshot_of_message_conversation_and_person(self, session, conversation):
        messages.receive(session=session, number=conversation.number, draft=Draft("Hello"))

        data = LoggedEvent.unscoped.get(type="message_in").data
        assert (data["message_text"], data["source_channel"]) == ("Hello", "api")
        assert data["conversation"]["unread_count"] == 1
        assert data["user"]["email"] == "amine@example.test"

    def test_opens_a_closed_conversation_again(self, session, conversation):
        Conversation.unscoped.filter(pk=conversation.pk).update(status="closed")

        messages.receive(session=session, number=conversation.number, draft=Draft("Still there?"))

        conversation.refresh_from_db()
        assert conversation.status == "open"
        assert types_of(conversation)[1:] == [("conversation_updated", 2), ("message_in", 3)]

    def test_stores_a_retry_once(self, session, conversation):
        draft = Draft("Hello", client_message_id="tmp-1")

        first = messages.receive(session=session, number=conversation.number, draft=draft)
        again = messages.receive(session=session, number=conversation.number, draft=draft)

        assert first.pk == again.pk
        assert Message.unscoped.count() == 1

    def test_loses_nothing_when_a_client_uses_an_id_twice_for_other_words(self, session, conversation):
        for text in ("Hello", "Anybody?"):
            messages.receive(session=session, number=conversation.number, draft=Draft(text, client_message_id="1"))

        assert Message.unscoped.count() == 2

    def test_refuses_more_than_150000_characters(self, session, conversation):
        with pytest.raises(TextTooLong, match=r"Content is too long \(maximum is 150000 characters\)"):
            messages.receive(session=session, number=conversation.number, draft=Draft("x" * 150_001))

    def test_knows_no_conversation_of_somebody_else(self, session, globex):
        with pytest.raises(NotFound):
            messages.receive(session=session, number=99, draft=Draft("Hello"))


class TestSend:
    def test_answers_as_an_agent(self, conversation, ada):
        message = messages.send(conversation=conversation, author=Author("agent", ada), draft=Draft("Hi"))

        conversation.refresh_from_db()
        assert (message.direction, message.status, message.author) == ("outbound", "sent", ada)
        assert conversation.waiting_since is None

    def test_refuses_to_write_to_a_blocked_person(self, conversation, ada):
        conversation.contact.blocked = True
        conversation.contact.save()

        with pytest.raises(ContactBlocked):
            messages.send(conversation=conversation, author=Author("agent", ada), draft=Draft("Hi"))
