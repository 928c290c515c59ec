"""What people write: one message each, in the conversation they have, with everything that came along."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Contact, ContactSession
from conversations import dialect
from conversations.models import Attachment, Conversation, Message
from conversations.services import conversations, messages
from conversations.services.messages import Author, Draft
from events.models import LoggedEvent
from inbound.models import RawCallback, Receival
from inboxes.channels.telegram import data_of
from tests.inbound.callers import Caller, open_carried
from tests.inbound.whatsapp import ANA, WhatsApp, said


@pytest.fixture
def whatsapp(live):
    return WhatsApp(open_carried(live, "whatsapp"))


def sent(environment, provider_id, **fields):
    """Return a message of ours that was sent to the only person there is."""
    talk = Conversation.of(environment).select_related("inbox", "contact", "session", "environment").get()
    message = messages.send(conversation=talk, author=Author("api"), draft=Draft("Choose", **fields))
    Message.unscoped.filter(pk=message.pk).update(provider_id=provider_id, status="sent")
    return message


def the_message(environment):
    return Message.of(environment).filter(direction="inbound").latest("id")


class TestOnce:
    def test_a_text_becomes_a_message_of_a_person_in_a_conversation(self, whatsapp, live, engine):
        whatsapp.hears("Bonjour")
        engine.drain()

        message = the_message(live)
        assert (message.text, message.status, message.source, message.type) == ("Bonjour", "received", "user", "text")
        assert message.conversation.status == "open"
        assert message.contact.name == "Ana"
        assert message.contact.phone_number == f"+{ANA}"
        told = list(LoggedEvent.of(live).order_by("id").values_list("type", flat=True))
        assert told == ["user_created", "conversation_created", "message_in"]

    def test_told_again_it_is_the_same_message(self, whatsapp, live, engine):
        once = said({"type": "text", "text": {"body": "Hello"}, "id": "wamid.same"})
        for _ in range(3):
            whatsapp.says(once)
        engine.drain()
        whatsapp.says(once)
        engine.drain()

        assert Message.of(live).count() == 1
        assert set(RawCallback.of(live).values_list("state", flat=True)) == {"done"}

    def test_many_messages_in_one_callback_keep_their_order(self, whatsapp, live, engine):
        many = [said({"type": "text", "text": {"body": str(n)}}) for n in range(10)]
        whatsapp.tells({"contacts": [{"profile": {"name": "Ana"}, "wa_id": ANA}], "messages": many})
        engine.drain()

        texts = list(Message.of(live).order_by("sequence").values_list("text", flat=True))
        assert texts == [str(n) for n in range(10)]

    def test_an_id_of_another_inbox_is_another_message(self, whatsapp, live, engine):
        other = WhatsApp(open_carried(live, "whatsapp", settings_={"phone_number_id": "777"}))
        for caller in (whatsapp, other):
            caller.says(said({"type": "text", "text": {"body": "Hi"}, "id": "wamid.same"}))
        engine.drain()

        assert Message.of(live).count() == 2


class TestConversation:
    def test_it_goes_on_in_the_one_that_is_open(self, whatsapp, live, engine):
        whatsapp.hears("One")
        engine.drain()
        whatsapp.hears("Two")
        engine.drain()

        assert Conversation.of(live).count() == 1

    def test_after_it_was_closed_another_begins(self, whatsapp, live, engine):
        whatsapp.hears("One")
        engine.drain()
        conversations.update(conversation=_loaded(live), fields={"status": "closed"})
        whatsapp.hears("Two")
        engine.drain()

        assert sorted(Conversation.of(live).values_list("status", flat=True)) == ["closed", "open"]

    def test_where_there_is_one_for_ever_it_opens_again(self, live, engine):
        whatsapp = WhatsApp(open_carried(live, "whatsapp", lock_to_single_conversation=True))
        whatsapp.hears("One")
        engine.drain()
        conversations.update(conversation=_loaded(live), fields={"status": "closed"})
        whatsapp.hears("Two")
        engine.drain()

        assert list(Conversation.of(live).values_list("status", flat=True)) == ["open"]

    def test_the_window_opens_when_the_person_wrote_not_when_it_arrived(self, whatsapp, live, engine):
        yesterday = timezone.now() - timedelta(hours=30)
        whatsapp.says(said({"type": "text", "text": {"body": "Old"}, "timestamp": str(int(yesterday.timestamp()))}))
        engine.drain()
        late = ContactSession.of(live).get(source_id=f"+{ANA}").last_inbound_at
        whatsapp.hears("New")
        engine.drain()

        assert late == yesterday.replace(microsecond=0)
        latest = ContactSession.of(live).get(source_id=f"+{ANA}").last_inbound_at
        assert latest is not None
        assert timezone.now() - latest < timedelta(minutes=1)

    def test_what_a_blocked_person_writes_is_kept_and_opens_nothing(self, whatsapp, live, engine):
        whatsapp.inbox.greeting_enabled, whatsapp.inbox.greeting_message = True, "Welcome"
        whatsapp.inbox.save()
        whatsapp.hears("One")
        engine.drain()
        conversations.update(conversation=_loaded(live), fields={"status": "closed"})
        Contact.of(live).update(blocked=True)
        said_by_us = Message.of(live).filter(direction="outbound").count()
        for text in ("Two", "Three"):
            whatsapp.hears(text)
            engine.drain()

        assert Conversation.of(live).get().status == "closed"
        assert Message.of(live).filter(direction="inbound").count() == 3
        assert Message.of(live).filter(direction="outbound").count() == said_by_us


class TestContent:
    def test_a_button_that_was_pressed_is_told_with_what_it_was_on(self, whatsapp, live, engine):
        whatsapp.hears()
        engine.drain()
        asked = sent(live, "wamid.q", type="button",
                     payload={"text": "Choose", "buttons": [{"id": "yes-42", "title": "Yes"}]})  # fmt: skip
        reply = {"type": "button_reply", "button_reply": {"id": "yes-42", "title": "Yes"}}
        whatsapp.says({"type": "interactive", "interactive": reply, "context": {"from": "1", "id": "wamid.q"}})
        engine.drain()

        message = the_message(live)
        assert (message.type, message.text) == ("button", "Yes")
        assert message.payload == {"id": "yes-42", "title": "Yes", "reply_to": asked.public_id}

    def test_a_button_whose_id_was_too_long_for_its_provider_is_mapped_back(self, live, engine):
        telegram = Caller(open_carried(live, "telegram"))
        telegram.plays("text")
        engine.drain()
        long = "é" * 100
        chat = ContactSession.of(live).get().source_id
        asked = sent(live, f"{chat}:7", type="button", payload={"buttons": [{"id": long, "title": "Yes"}]})
        query = {"id": "9", "from": {"id": int(chat), "is_bot": False, "first_name": "Ana"}, "chat_instance": "x",
                 "data": data_of(long),
                 "message": {"message_id": 7, "date": 0, "chat": {"id": int(chat), "type": "private"}}}  # fmt: skip
        telegram.calls({"update_id": 991, "callback_query": query})
        engine.drain()

        assert the_message(live).payload["id"] == long
        assert the_message(live).payload["reply_to"] == asked.public_id

    def test_an_answer_names_the_message_it_answers(self, whatsapp, live, engine):
        whatsapp.hears()
        engine.drain()
        ours = sent(live, "wamid.ours")
        whatsapp.hears("This one", context={"from": "1", "id": "wamid.ours"})
        engine.drain()

        message = the_message(live)
        assert message.payload["reply_to"] == ours.public_id
        assert message.content_attributes["in_reply_to"] == ours.pk

    def test_an_answer_to_what_nobody_knows_is_still_a_message(self, whatsapp, live, engine):
        whatsapp.hears("What?", context={"from": "1", "id": "wamid.gone"})
        engine.drain()

        assert the_message(live).content_attributes["in_reply_to_external_id"] == "wamid.gone"

    def test_places_and_cards_hang_on_the_message(self, whatsapp, live, engine):
        whatsapp.says({"type": "location", "location": {"latitude": 33.58, "longitude": -7.6, "name": "Café"}})
        card = {"name": {"formatted_name": "Ben"}, "phones": [{"phone": "+212600000002"}]}
        whatsapp.says({"type": "contacts", "contacts": [card]})
        engine.drain()

        place, contact = Attachment.of(live).order_by("id")
        assert (place.type, place.external_url) == ("location", "geo:33.58,-7.6")
        assert place.details == {"latitude": 33.58, "longitude": -7.6, "name": "Café", "address": ""}
        assert contact.type == "contact"
        assert contact.details == {"name": "Ben", "phone_numbers": ["+212600000002"], "emails": []}

    def test_places_and_cards_are_shown_in_chatwoots_words_too(self, whatsapp, live, engine):
        whatsapp.says({"type": "location", "location": {"latitude": 33.58, "longitude": -7.6, "name": "Café"}})
        card = {"name": {"formatted_name": "Ben"}, "phones": [{"phone": "+212600000002"}]}
        whatsapp.says({"type": "contacts", "contacts": [card]})
        engine.drain()

        place, contact = map(dialect.attachment, Attachment.of(live).order_by("id"))
        assert (place["coordinates_lat"], place["coordinates_long"], place["fallback_title"]) == (33.58, -7.6, "Café")
        assert (contact["fallback_title"], contact["meta"]) == ("+212600000002", {"firstName": "Ben"})

    def test_a_kind_nobody_knows_is_shown_as_such_and_kept_as_it_came(self, whatsapp, live, engine):
        whatsapp.says({"type": "hologram", "hologram": {"depth": 3}})
        engine.drain()

        message = the_message(live)
        assert message.text == "Unsupported message: hologram"
        assert message.payload == {"unsupported": "hologram"}
        assert message.content_attributes["raw"]["hologram"] == {"depth": 3}

    def test_what_postgresql_cannot_hold_is_replaced(self, whatsapp, live, engine):
        whatsapp.hears("a\x00b \ud83d", name="An\x00a")
        engine.drain()

        assert the_message(live).text == "a\ufffdb ?"

    def test_an_answer_to_what_no_id_can_name_is_said_all_the_same(self, whatsapp, live, engine):
        whatsapp.says({"type": "text", "text": {"body": "Yes"}, "context": {"id": "wamid.\x00"}})
        engine.drain()

        assert the_message(live).text == "Yes"

    def test_a_text_too_long_for_an_event_is_cut_and_comes_along_as_a_file(
        self, whatsapp, live, engine, settings, tmp_path
    ):
        settings.MEDIA_ROOT = tmp_path
        whole = "é" * 100_000
        whatsapp.hears(whole)
        engine.drain()

        message, file = the_message(live), Attachment.of(live).get()
        assert message.text == whole[: len(message.text)]
        assert len(message.text.encode()) <= 64 * 1024
        with file.file.open() as stored:
            assert stored.read().decode() == whole

    def test_the_message_answers_by_its_providers_id(self, whatsapp, live, engine):
        whatsapp.says(said({"type": "text", "text": {"body": "Hi"}, "id": "wamid.theirs"}))
        engine.drain()

        assert the_message(live).provider_id == "wamid.theirs"
        assert Receival.of(live).get().message_id == the_message(live).pk


class TestGreeting:
    def test_the_inbox_greets_whoever_writes_first(self, live, engine):
        whatsapp = WhatsApp(open_carried(live, "whatsapp", greeting_enabled=True, greeting_message="Welcome"))
        whatsapp.hears()
        engine.drain()

        greeting = Message.of(live).get(direction="outbound")
        assert (greeting.text, greeting.status) == ("Welcome", "queued")


def _loaded(environment):
    return Conversation.of(environment).select_related("inbox", "contact", "session", "environment").get()
