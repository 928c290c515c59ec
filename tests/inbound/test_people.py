"""Who wrote: one person across addresses and channels, and nobody taken over."""

import pytest

from contacts.models import Contact, ContactSession
from contacts.services import addresses, contacts, sessions
from conversations.models import Conversation, Message
from conversations.services import outreach
from tests.inbound.callers import Caller, letter, open_carried
from tests.inbound.whatsapp import ANA, WhatsApp

USER_ID = "US.13491208655302741918"


@pytest.fixture
def whatsapp(live):
    return WhatsApp(open_carried(live, "whatsapp"))


def names(environment):
    return set(ContactSession.of(environment).values_list("source_id", flat=True))


class TestAcrossChannels:
    def test_the_same_phone_on_two_channels_is_one_person(self, whatsapp, live, engine):
        sms = Caller(open_carried(live, "twilio"), "twilio")
        account = sms.inbox.settings["account_sid"]
        whatsapp.hears()
        sms.calls(f"MessageSid=SM1&From=%2B{ANA}&To=%2B14155550100&Body=Hi&NumMedia=0&AccountSid={account}".encode())
        engine.drain()

        assert Contact.of(live).get().phone_number == f"+{ANA}"
        assert Conversation.of(live).count() == 2

    def test_a_person_the_customer_knows_by_phone_is_that_person(self, whatsapp, live, engine):
        known = contacts.create(environment=live, fields={"external_id": "ana-1", "phone_number": f"+{ANA}"})
        whatsapp.hears()
        engine.drain()

        assert Message.of(live).get().contact_id == known.pk
        assert Contact.of(live).get().external_id == "ana-1"

    def test_whoever_proves_a_number_that_somebody_has_is_that_person(self, live, engine):
        known = contacts.create(environment=live, fields={"external_id": "ana-1", "phone_number": "+351912345678"})
        telegram = Caller(open_carried(live, "telegram"))
        person = {"id": 42, "is_bot": False, "first_name": "Ana"}
        chat = {"id": 42, "type": "private", "first_name": "Ana"}
        telegram.calls({"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": chat, "from": person,
                                                    "text": "Hi"}})  # fmt: skip
        engine.drain()
        telegram.calls({"update_id": 2, "message": {"message_id": 2, "date": 2, "chat": chat, "from": person,
                        "contact": {"phone_number": "351912345678", "first_name": "Ana", "user_id": 42}}})  # fmt: skip
        engine.drain()

        assert set(Message.of(live).values_list("contact_id", flat=True)) == {known.pk}

    def test_a_made_up_name_gives_way_to_the_persons_own(self, whatsapp, live, engine):
        session = addresses.open_at(inbox=whatsapp.inbox, address=f"+{ANA}")
        assert contacts.is_made_up(session.contact.name)
        whatsapp.hears(name="Ana")
        engine.drain()

        assert Contact.of(live).get().name == "Ana"

    def test_a_name_somebody_gave_stays(self, whatsapp, live, engine):
        contacts.create(environment=live, fields={"name": "Ana Alaoui", "phone_number": f"+{ANA}"})
        whatsapp.hears(name="xX_ana_Xx")
        engine.drain()

        assert Contact.of(live).get().name == "Ana Alaoui"


class TestAliases:
    @pytest.mark.parametrize(
        ("dialled", "wa_id"),
        [("+5511987654321", "551187654321"), ("+541123456789", "5491123456789"), ("+525512345678", "5215512345678")],
    )
    def test_networks_that_write_a_number_otherwise_mean_the_same_person(self, whatsapp, live, engine, dialled, wa_id):
        session = addresses.open_at(inbox=whatsapp.inbox, address=dialled)
        ours = outreach.carry_on(session=session)
        whatsapp.hears(by=wa_id)
        engine.drain()

        message = Message.of(live).get()
        assert message.conversation_id == ours.pk
        assert message.conversation.session.source_id == dialled  # what is sent goes where it was sent before
        assert names(live) == {dialled, f"+{wa_id}"}
        assert Contact.of(live).count() == 1

    def test_a_user_id_and_a_phone_are_one_person(self, whatsapp, live, engine):
        whatsapp.hears("With both", from_user_id=USER_ID)
        engine.drain()
        whatsapp.says({"type": "text", "text": {"body": "Without the phone"}, "from_user_id": USER_ID}, by="")
        engine.drain()

        assert Contact.of(live).count() == 1
        assert Conversation.of(live).count() == 1
        assert names(live) == {f"+{ANA}", USER_ID}

    def test_two_records_become_one_when_the_provider_says_they_are(self, whatsapp, live, engine):
        whatsapp.says({"type": "text", "text": {"body": "By id"}, "from_user_id": USER_ID}, by="")
        whatsapp.hears("By phone")
        engine.drain()
        assert Contact.of(live).filter(merged_into=None).count() == 2
        whatsapp.hears("Both", from_user_id=USER_ID)
        engine.drain()

        assert Contact.of(live).filter(merged_into=None).count() == 1
        assert len(set(Message.of(live).values_list("contact_id", flat=True))) == 1

    def test_two_customers_of_the_customer_never_become_one(self, whatsapp, live, engine):
        one = contacts.create(environment=live, fields={"external_id": "1"})
        two = contacts.create(environment=live, fields={"external_id": "2", "phone_number": f"+{ANA}"})
        addresses.open_at(inbox=whatsapp.inbox, address=USER_ID, contact=one)
        addresses.open_at(inbox=whatsapp.inbox, address=f"+{ANA}", contact=two)
        whatsapp.hears(from_user_id=USER_ID)
        engine.drain()

        assert Contact.of(live).filter(merged_into=None).count() == 2
        assert Message.of(live).get().contact_id == two.pk

    def test_a_person_who_moved_is_followed(self, whatsapp, live, engine):
        whatsapp.hears("Old number")
        engine.drain()
        moved = {"type": "system", "system": {"type": "user_changed_number", "wa_id": "16505559999", "body": "moved"}}
        whatsapp.says(moved)
        whatsapp.hears("New number", by="16505559999")
        engine.drain()

        assert Contact.of(live).get().phone_number == "+16505559999"
        assert Conversation.of(live).count() == 1
        assert names(live) == {"+16505559999"}


class TestNobodyIsTakenOver:
    def test_the_sender_of_a_mail_is_a_claim(self, live, engine, inbox):
        proved = sessions.open_session(
            inbox=inbox, fields={"external_id": "amine", "email": "amine@example.test"}, verified=True
        )
        mail = Caller(open_carried(live, "email"))
        mail.calls(letter("amine@example.test"), **{"Content-Type": "message/rfc822"})
        engine.drain()

        message = Message.of(live).get()
        assert message.contact_id != proved.contact_id
        assert message.contact.email is None
        assert message.conversation.session.source_id == "amine@example.test"  # and still they are answered

    def test_a_blocked_person_does_not_get_out_of_it_by_mail(self, live, engine, inbox):
        proved = sessions.open_session(inbox=inbox, fields={"external_id": "a", "email": "a@b.test"}, verified=True)
        Contact.of(live).filter(pk=proved.contact_id).update(blocked=True)
        mail = Caller(open_carried(live, "email"))
        mail.calls(letter("a@b.test"), **{"Content-Type": "message/rfc822"})
        engine.drain()

        assert Message.of(live).get().contact.blocked

    def test_a_mail_from_somebody_known_only_by_it_is_theirs(self, live, engine):
        known = contacts.create(environment=live, fields={"name": "Amine", "email": "Amine@example.test"})
        mail = Caller(open_carried(live, "email"))
        mail.calls(letter("amine@example.test"), **{"Content-Type": "message/rfc822"})
        engine.drain()

        assert Message.of(live).get().contact_id == known.pk

    def test_a_phone_that_was_only_named_in_a_browser_is_its_owners(self, whatsapp, live, engine, inbox):
        claim = {"email": "mallory@example.test", "phone_number": f"+{ANA}"}
        browser = sessions.open_session(inbox=inbox, fields=claim)
        whatsapp.hears()
        engine.drain()

        owner = Contact.of(live).get(phone_number=f"+{ANA}")
        browser.contact.refresh_from_db()
        assert (owner.verified, owner.email) == (True, None)
        assert owner.pk != browser.contact_id
        assert (browser.contact.verified, browser.contact.phone_number) == (False, None)

    def test_a_phone_a_provider_vouched_for_is_not_taken_by_a_claim(self, whatsapp, live, engine, inbox):
        whatsapp.hears()
        engine.drain()
        claimed = sessions.open_session(inbox=inbox, fields={"phone_number": f"+{ANA}"})

        assert claimed.contact_id != Message.of(live).get().contact_id

    def test_people_of_another_tenant_are_strangers(self, whatsapp, live, globex, engine):
        theirs = contacts.create(environment=globex, fields={"phone_number": f"+{ANA}"})
        whatsapp.hears()
        engine.drain()

        assert Message.of(live).get().contact_id != theirs.pk
        assert not Message.of(globex).exists()
