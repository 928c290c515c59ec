"""Edits, reactions, consent and receipts: what is told of messages and people after they were there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Suppression
from contacts.services import addresses, consent
from conversations.models import Message
from conversations.serializers import message_json
from conversations.services import messages, outreach
from conversations.services.messages import Author, Draft
from events.models import LoggedEvent
from inbound.models import RawCallback
from inbound.services import changing
from tests.inbound.callers import Caller, open_carried
from tests.inbound.whatsapp import ANA, WhatsApp, said

PERSON = {"id": 42, "is_bot": False, "first_name": "Ana"}
CHAT = {"id": 42, "type": "private", "first_name": "Ana"}


@pytest.fixture
def whatsapp(live):
    return WhatsApp(open_carried(live, "whatsapp"))


@pytest.fixture
def telegram(live):
    return Caller(open_carried(live, "telegram"))


@pytest.fixture
def ours(whatsapp, live):
    """A message of ours that the provider has."""
    session = addresses.open_at(inbox=whatsapp.inbox, address=f"+{ANA}")
    talk = outreach.carry_on(session=session)
    message = messages.send(conversation=talk, author=Author("api"), draft=Draft("Hello"))
    Message.unscoped.filter(pk=message.pk).update(status="sent", provider_id="wamid.ours")
    return message


def again(message):
    return Message.unscoped.get(pk=message.pk)


def soon(environment):
    """Let what waits for its time be due."""
    RawCallback.of(environment).filter(state="waiting").update(next_attempt_at=timezone.now())


class TestEdits:
    def wrote(self, telegram, engine, text, update=1, **more):
        message = {"message_id": 7, "date": 1763668800 + update, "chat": CHAT, "from": PERSON, "text": text}
        kind = "edited_message" if more else "message"
        telegram.calls({"update_id": update, kind: {**message, **more}})
        engine.drain()

    def test_an_edit_changes_the_message_and_keeps_what_it_said(self, telegram, live, engine):
        self.wrote(telegram, engine, "Helo")
        self.wrote(telegram, engine, "Hello", 2, edit_date=1763668900)

        message = Message.of(live).get()
        assert message.text == "Hello"
        assert [each["text"] for each in message.content_attributes["versions"]] == ["Helo"]
        assert message.conversation.last_message_text == "Hello"
        told = LoggedEvent.of(live).filter(type="message_status").get()
        assert told.data["message"]["text"] == "Hello"
        assert told.context["previous"]["text"] == ["Helo", "Hello"]

    def test_an_older_edit_that_comes_late_changes_nothing(self, telegram, live, engine):
        self.wrote(telegram, engine, "One")
        self.wrote(telegram, engine, "Three", 3, edit_date=1763668990)
        self.wrote(telegram, engine, "Two", 2, edit_date=1763668900)

        assert Message.of(live).get().text == "Three"

    def test_an_edit_that_comes_before_its_message_waits_for_it(self, telegram, live, engine):
        self.wrote(telegram, engine, "Hello", 2, edit_date=1763668900)
        assert RawCallback.of(live).get().state == "waiting"
        self.wrote(telegram, engine, "Helo")
        soon(live)
        engine.drain()

        assert Message.of(live).get().text == "Hello"
        assert set(RawCallback.of(live).values_list("state", flat=True)) == {"done"}

    def test_nobody_edits_what_somebody_else_wrote(self, telegram, live, engine):
        self.wrote(telegram, engine, "Mine")
        session = addresses.open_at(inbox=telegram.inbox, address="43")
        talk = outreach.carry_on(session=session)
        other = messages.send(conversation=talk, author=Author("api"), draft=Draft("Ours"))
        Message.unscoped.filter(pk=other.pk).update(provider_id="42:9")
        telegram.calls({"update_id": 5, "edited_message": {
            "message_id": 9, "date": 1, "edit_date": 2, "chat": CHAT, "from": PERSON, "text": "Hacked"}})  # fmt: skip
        engine.drain()

        assert again(other).text == "Ours"

    def test_an_edit_of_what_no_id_can_name_is_unreadable_and_set_aside(self, telegram, live, engine):
        self.wrote(telegram, engine, "Mine")
        self.wrote(telegram, engine, "Other", 2, edit_date=1763668900, chat={**CHAT, "id": "4\x002"})
        for _ in range(6):
            soon(live)
            engine.drain()

        kept = RawCallback.of(live).latest("id")
        assert (kept.state, kept.attempts, kept.error) == ("failed", 6, changing.UNREADABLE)
        assert Message.of(live).get().text == "Mine"

    def test_what_was_taken_back_is_not_shown(self, live, engine):
        line = Caller(open_carried(live, "line"))
        line.plays("text")
        engine.drain()
        message = Message.of(live).get()
        line.calls({"destination": line.inbox.settings["bot_user_id"], "events": [
            {"type": "unsend", "timestamp": 1763668900000, "webhookEventId": "w2", "mode": "active",
             "source": {"type": "user", "userId": message.conversation.session.source_id},
             "unsend": {"messageId": message.provider_id}}]})  # fmt: skip
        engine.drain()

        assert again(message).text == "This message was deleted"
        assert again(message).content_attributes["deleted"] is True


class TestWhatDevelopersSee:
    def test_is_who_put_what_on_a_message(self, api, whatsapp, engine, ours):
        whatsapp.says({"type": "reaction", "reaction": {"message_id": "wamid.ours", "emoji": "❤"}})
        engine.drain()

        said = api.get(f"/v1/messages/{ours.public_id}").json()

        assert [(each["by"], each["emoji"]) for each in said["payload"]["reactions"]] == [(said["user_id"], "❤")]
        told = LoggedEvent.unscoped.filter(type="message_status").latest("id").data["message"]
        assert told["payload"] == said["payload"]


class TestReactions:
    def react(self, whatsapp, engine, emoji):
        whatsapp.says({"type": "reaction", "reaction": {"message_id": "wamid.ours", "emoji": emoji}})
        engine.drain()

    def test_an_emoji_on_what_no_id_can_name_is_unreadable(self, whatsapp, live, engine):
        whatsapp.says({"type": "reaction", "reaction": {"message_id": "wamid.\x00", "emoji": "❤"}})
        engine.drain()

        assert RawCallback.of(live).get().error == changing.UNREADABLE

    def test_an_emoji_is_put_on_and_taken_off(self, whatsapp, live, engine, ours):
        self.react(whatsapp, engine, "❤")
        [put] = again(ours).content_attributes["reactions"]
        self.react(whatsapp, engine, "")
        [off] = again(ours).content_attributes["reactions"]

        assert (put["emoji"], off["emoji"]) == ("❤", "")
        assert message_json(again(ours), livemode=True, channel="whatsapp")["payload"] == {}
        assert not Message.of(live).filter(direction="inbound").exists()
        assert LoggedEvent.of(live).filter(type="message_status").count() == 2


class TestReceipts:
    def test_they_move_a_message_forward_only(self, whatsapp, live, engine, ours):
        for status in ("read", "delivered", "sent", "read"):
            whatsapp.status("wamid.ours", status)
            engine.drain()

        message = again(ours)
        assert message.status == "read"
        assert LoggedEvent.of(live).filter(type="message_status").count() == 1

    def test_many_at_once_are_applied_together(self, whatsapp, live, engine, ours):
        for status in ("sent", "read", "delivered", "delivered"):
            whatsapp.status("wamid.ours", status)
        engine.drain()

        assert again(ours).status == "read"
        assert set(RawCallback.of(live).values_list("state", flat=True)) == {"done"}

    def test_one_that_comes_before_the_id_is_known_waits_for_it(self, whatsapp, live, engine, ours):
        Message.unscoped.filter(pk=ours.pk).update(provider_id=None)
        whatsapp.status("wamid.ours", "delivered")
        engine.drain()
        assert RawCallback.of(live).get().state == "waiting"
        Message.unscoped.filter(pk=ours.pk).update(provider_id="wamid.ours")
        soon(live)
        engine.drain()

        assert again(ours).status == "delivered"

    def test_our_own_id_is_enough_and_brings_the_providers(self, whatsapp, live, engine, ours):
        Message.unscoped.filter(pk=ours.pk).update(provider_id=None, status="unknown")
        whatsapp.status("wamid.new", "delivered", biz_opaque_callback_data=ours.public_id)
        engine.drain()

        assert (again(ours).status, again(ours).provider_id) == ("delivered", "wamid.new")

    def test_our_id_in_another_inbox_is_nothing(self, whatsapp, live, globex, engine, ours):
        mallory = WhatsApp(open_carried(globex, "whatsapp"))
        sibling = WhatsApp(open_carried(live, "whatsapp", settings_={"phone_number_id": "777"}))
        for caller in (mallory, sibling):
            caller.status("wamid.x", "failed", biz_opaque_callback_data=ours.public_id)
        engine.drain()

        assert again(ours).status == "sent"

    def test_what_nobody_here_sent_is_let_go_of_in_the_end(self, whatsapp, live, engine):
        whatsapp.status("wamid.of-another-tool", "read")
        engine.drain()
        RawCallback.of(live).update(received_at=timezone.now() - timedelta(minutes=11))
        soon(live)
        engine.drain()

        kept = RawCallback.of(live).get()
        assert kept.state == "done"
        assert "nobody here knows" in kept.error

    def test_a_failure_says_why_and_delivery_wins_over_it(self, whatsapp, live, engine, ours):
        errors = [{"code": 131026, "title": "Undeliverable", "error_data": {"details": "No such user"}}]
        whatsapp.status("wamid.ours", "failed", errors=errors)
        engine.drain()
        failed = again(ours)
        whatsapp.status("wamid.ours", "delivered")
        engine.drain()

        assert failed.status == "failed"
        assert failed.failure["provider_code"] == "131026"
        assert again(ours).status == "delivered"
        assert again(ours).failure is None

    def test_a_failure_of_an_attempt_before_does_not_fail_the_next(self, whatsapp, live, engine, ours):
        Message.unscoped.filter(pk=ours.pk).update(status="queued", provider_id=None)
        whatsapp.status("wamid.old", "failed", biz_opaque_callback_data=ours.public_id)
        engine.drain()

        assert again(ours).status == "queued"

    def test_a_watermark_is_about_everything_until_then(self, live, engine):
        page = Caller(open_carried(live, "messenger"))
        session = addresses.open_at(inbox=page.inbox, address="7001")
        talk = outreach.carry_on(session=session)
        three = [messages.send(conversation=talk, author=Author("api"), draft=Draft(str(n))) for n in range(3)]
        Message.of(live).update(status="sent")
        Message.unscoped.filter(pk=three[2].pk).update(created_at=timezone.now() + timedelta(minutes=5))
        until = int(timezone.now().timestamp() * 1000) + 60_000
        read = {"sender": {"id": "7001"}, "recipient": {"id": page.inbox.settings["page_id"]}, "timestamp": until,
                "read": {"watermark": until}}  # fmt: skip
        page.calls({"object": "page", "entry": [{"id": page.inbox.settings["page_id"], "time": until,
                                                 "messaging": [read]}]})  # fmt: skip
        engine.drain()

        assert [again(each).status for each in three] == ["read", "read", "sent"]


class TestConsent:
    def is_stopped(self, whatsapp):
        found = consent.suppression_of(whatsapp.inbox.environment, "whatsapp", f"+{ANA}")
        return found is not None

    @pytest.mark.parametrize("word", ["STOP", " stop ", "Unsubscribe", "ARRET", "quit", "STOPALL"])
    def test_a_word_alone_stops_everything_and_is_shown(self, whatsapp, live, engine, word):
        whatsapp.hears(word)
        engine.drain()

        assert self.is_stopped(whatsapp)
        assert Message.of(live).filter(text=word).exists()

    @pytest.mark.parametrize("text", ["Please stop", "STOP it", "Don't cancel", "end of the day", "YES", "START"])
    def test_a_sentence_with_the_word_does_not(self, whatsapp, engine, text):
        whatsapp.hears(text)
        engine.drain()

        assert not self.is_stopped(whatsapp)

    @pytest.mark.parametrize("word", ["START", "yes", "Unstop"])
    def test_another_word_begins_again(self, whatsapp, engine, word):
        whatsapp.hears("STOP")
        whatsapp.hears(word)
        engine.drain()

        assert not self.is_stopped(whatsapp)

    def test_nothing_is_sent_to_whoever_stopped_not_even_a_greeting(self, live, engine):
        whatsapp = WhatsApp(open_carried(live, "whatsapp", greeting_enabled=True, greeting_message="Welcome"))
        whatsapp.hears("STOP")
        whatsapp.hears("Still here?")
        engine.drain()

        assert not Message.of(live).filter(direction="outbound", kind__in=("spoken", "automatic")).exists()

    def test_told_again_an_old_stop_does_not_undo_a_newer_start(self, whatsapp, engine):
        stop = said({"type": "text", "text": {"body": "STOP"}, "id": "wamid.stop"})
        whatsapp.says(stop)
        whatsapp.hears("START")
        whatsapp.says(stop)
        engine.drain()

        assert not self.is_stopped(whatsapp)

    def test_what_an_operator_entered_the_person_does_not_lift(self, whatsapp, live, engine):
        consent.suppress(environment=live, channel="whatsapp", address=f"+{ANA}", reason="operator")
        whatsapp.hears("START")
        engine.drain()

        assert self.is_stopped(whatsapp)

    def test_the_other_names_of_the_same_phone_are_stopped_too(self, whatsapp, live, engine):
        addresses.open_at(inbox=whatsapp.inbox, address="+5511987654321")
        whatsapp.hears("STOP", by="551187654321", from_user_id="US.1349")
        engine.drain()

        stopped = set(Suppression.of(live).values_list("address", flat=True))
        assert stopped == {"+551187654321", "+5511987654321", "US.1349"}

    def test_where_a_bot_is_blocked_nothing_is_sent_until_it_is_let_in(self, telegram, live, engine):
        def changed(update, status):
            bot = {"id": int(telegram.inbox.settings["bot_token"].split(":")[0]), "is_bot": True, "first_name": "B"}
            member = {"user": bot, "status": status}
            telegram.calls({"update_id": update, "my_chat_member": {
                "chat": CHAT, "from": PERSON, "date": 1763668800 + update, "old_chat_member": member,
                "new_chat_member": member}})  # fmt: skip
            engine.drain()
            return consent.suppression_of(live, "telegram", "42") is not None

        assert [changed(1, "kicked"), changed(2, "member"), changed(1, "kicked")] == [True, False, False]

    def test_the_word_is_only_a_word_where_nobody_pays_by_the_message(self, telegram, live, engine):
        telegram.calls({"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": CHAT, "from": PERSON,
                                                    "text": "STOP"}})  # fmt: skip
        engine.drain()

        assert not Suppression.of(live).exists()

    def test_twilios_own_word_wins(self, live, engine):
        twilio = Caller(open_carried(live, "twilio"), "twilio")
        account = twilio.inbox.settings["account_sid"]
        told = "MessageSid=SM9&From=%2B351912345678&To=%2B14155550100&Body=PARAR&OptOutType=STOP&NumMedia=0&AccountSid="
        twilio.calls((told + account).encode())
        engine.drain()

        assert consent.suppression_of(live, "sms", "+351912345678") is not None
        assert Message.of(live).filter(text="PARAR").exists()
