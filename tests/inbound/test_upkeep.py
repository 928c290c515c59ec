"""What is kept, for how long, and what is left of people who were erased."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import audit
from contacts.models import Contact
from conversations.models import Message
from conversations.services import erasure
from dexra import vitals
from events.event import SYSTEM
from inbound.models import RawCallback, Receival
from inbound.services import upkeep
from tests.inbound.callers import open_carried
from tests.inbound.whatsapp import WhatsApp, said


@pytest.fixture
def whatsapp(live):
    return WhatsApp(open_carried(live, "whatsapp"))


class TestRetention:
    def test_callbacks_go_after_thirty_days_and_messages_stay_known(self, whatsapp, live, engine):
        once = said({"type": "text", "text": {"body": "Hi"}, "id": "wamid.1"})
        whatsapp.says(once)
        engine.drain()
        long_ago = timezone.now() - timedelta(days=31)
        RawCallback.of(live).update(received_at=long_ago)
        Receival.of(live).update(created_at=long_ago)

        assert upkeep.purge() == 1
        whatsapp.says(once)
        engine.drain()

        assert Message.of(live).count() == 1

    def test_what_still_waits_stays(self, whatsapp, live, anyone):
        whatsapp.hears()
        RawCallback.of(live).update(received_at=timezone.now() - timedelta(days=31))

        assert upkeep.purge() == 0
        assert RawCallback.of(live).exists()

    def test_the_days_are_a_setting(self, whatsapp, live, engine, settings):
        settings.CALLBACK_RETENTION_DAYS = 2
        whatsapp.hears()
        engine.drain()
        RawCallback.of(live).update(received_at=timezone.now() - timedelta(days=3))

        assert upkeep.purge() == 1


class TestErasure:
    def test_nothing_is_left_of_an_erased_person_in_what_brought_their_words(self, whatsapp, live, engine, relay):
        whatsapp.hears("My secret")
        whatsapp.hears("Somebody else's", by="16505550009", name="Ben")
        engine.drain()
        contact = Contact.of(live).get(name="Ana")
        contact.environment = live
        erasure.erase(contact=contact, by=audit.SYSTEM, actor=SYSTEM)
        relay.drain()

        bodies = [bytes(each.body) for each in RawCallback.of(live).order_by("id")]
        assert bodies[0] == b""
        assert b"Somebody else's" in bodies[1]

    def test_a_provider_that_says_it_once_more_does_not_bring_them_back(self, whatsapp, live, engine, relay):
        once = said({"type": "text", "text": {"body": "My secret"}, "id": "wamid.1"})
        whatsapp.says(once)
        engine.drain()
        contact = Contact.of(live).get()
        contact.environment = live
        erasure.erase(contact=contact, by=audit.SYSTEM, actor=SYSTEM)
        relay.drain()
        whatsapp.says(once)
        engine.drain()

        assert not Message.of(live).exists()


def test_what_waits_is_told_to_operators(whatsapp, live, anyone):
    whatsapp.hears()
    RawCallback.of(live).update(next_attempt_at=timezone.now() - timedelta(seconds=30))

    waits = vitals.backlogs()["callbacks"]

    assert (waits.waiting, waits.late) == (1, 1)
    assert waits.oldest_seconds >= 30
