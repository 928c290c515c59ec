"""Mails find their conversation: by what we sealed, by what they name; machines are not answered."""

import pytest

from contacts.services import addresses
from conversations.models import Conversation, Message
from conversations.services import messages, outreach
from conversations.services.messages import Author, Draft
from inbound.models import RawCallback
from inboxes.channels.mails import threads
from tests.inbound.callers import Caller, letter, open_carried


@pytest.fixture
def mail(live):
    return Caller(open_carried(live, "email", greeting_enabled=True, greeting_message="Thank you"))


def comes(mail, engine, sender="amine@example.test", **headers):
    """A mail comes in; returns its message, or None."""
    before = Message.unscoped.filter(direction="inbound").count()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = mail.calls(letter(sender, **named), **{"Content-Type": "message/rfc822"})
    assert response.status_code == 200
    engine.drain()
    found = Message.unscoped.filter(direction="inbound").order_by("-id")
    return found.first() if found.count() > before else None


@pytest.fixture
def ours(mail, live):
    """A mail of ours to Amine."""
    session = addresses.open_at(inbox=mail.inbox, address="amine@example.test")
    talk = outreach.carry_on(session=session)
    return messages.send(conversation=talk, author=Author("api"), draft=Draft("Your order"))


def test_a_mail_begins_a_conversation_with_its_subject(mail, live, engine):
    message = comes(mail, engine, Message_ID="<1@example.test>")

    assert message.conversation.subject == "Order 42"
    assert message.text == "Where is it?"
    assert message.payload["subject"] == "Order 42"
    assert message.provider_id == "<1@example.test>"
    assert message.content_attributes["email"]["from"]["address"] == "amine@example.test"


def test_another_subject_is_another_conversation(mail, live, engine):
    comes(mail, engine, Message_ID="<1@example.test>")
    comes(mail, engine, Message_ID="<2@example.test>", Subject="Something else")

    assert Conversation.of(live).count() == 2


def test_an_answer_to_ours_goes_on_in_the_thread_whoever_answers(mail, live, engine, ours):
    ours_id = threads.message_id(ours.public_id, "acme.test")
    message = comes(mail, engine, "colleague@example.test", Message_ID="<9@x.test>", In_Reply_To=ours_id)

    assert message.conversation_id == ours.conversation_id
    assert message.payload["reply_to"] == ours.public_id
    assert message.payload["from"] == "colleague@example.test"


def test_a_forged_id_of_ours_leads_nowhere(mail, live, engine, ours):
    forged = f"<{ours.public_id}.{'a' * 16}@acme.test>"
    message = comes(mail, engine, "mallory@evil.test", Message_ID="<9@evil.test>", In_Reply_To=forged)

    assert message.conversation_id != ours.conversation_id


def test_a_thread_of_theirs_goes_on_for_them_and_for_nobody_else(mail, live, engine):
    first = comes(mail, engine, Message_ID="<1@example.test>")
    second = comes(mail, engine, Message_ID="<2@example.test>", References="<1@example.test>")
    strange = comes(mail, engine, "mallory@evil.test", Message_ID="<3@evil.test>", References="<1@example.test>")

    assert second.conversation_id == first.conversation_id
    assert strange.conversation_id != first.conversation_id


def test_an_answer_sealed_for_another_inbox_does_not_get_into_this_one(mail, live, globex, engine, ours):
    theirs = Caller(open_carried(globex, "email"))
    ours_id = threads.message_id(ours.public_id, "acme.test")
    message = comes(theirs, engine, Message_ID="<9@x.test>", In_Reply_To=ours_id)

    assert message.environment_id == globex.pk
    assert message.conversation_id != ours.conversation_id


def test_the_inbox_answers_people_and_no_machines(mail, live, engine, ours):
    ours_id = threads.message_id(ours.public_id, "acme.test")
    before = Message.of(live).filter(kind="automatic").count()
    away = comes(mail, engine, Message_ID="<8@x.test>", In_Reply_To=ours_id, Auto_Submitted="auto-replied")

    assert away.conversation_id == ours.conversation_id
    assert Message.of(live).filter(kind="automatic").count() == before
    person = comes(mail, engine, "b@example.test", Message_ID="<9@x.test>")
    assert Message.of(live).filter(kind="automatic", conversation=person.conversation_id).count() == 1


def test_a_machine_begins_no_conversation_and_is_not_lost(mail, live, engine):
    assert comes(mail, engine, Message_ID="<1@x.test>", Precedence="bulk", List_Id="<news.x.test>") is None

    kept = RawCallback.of(live).get()
    assert kept.state == "done"
    assert "machine" in kept.error
    assert not Conversation.of(live).exists()


def test_told_by_two_ways_a_mail_is_one_message(mail, live, engine):
    for _ in range(2):
        comes(mail, engine, Message_ID="<1@example.test>")

    assert Message.of(live).filter(direction="inbound").count() == 1
