"""Mails that anybody may have written: taken in, and not believed."""

import pytest

from contacts.models import Contact, Suppression
from contacts.services import addresses, contacts
from conversations.models import Message
from conversations.services import messages, outreach
from conversations.services.messages import Author, Draft
from inboxes.channels.mails import threads
from tests.inbound.callers import Caller, letter, open_carried

AMINE, SERVER = "amine@example.test", "mx.acme.test"
PASSED = f"{SERVER}; dmarc=pass (p=reject) header.from=example.test; spf=pass smtp.mailfrom={AMINE}"


@pytest.fixture
def mail(live):
    return Caller(open_carried(live, "email", settings_={"trusted_server": SERVER, "inbound_domain": "in.acme.test"}))


@pytest.fixture
def amine(live, mail):
    """Somebody verified, to whom the business has written."""
    person = contacts.create(
        environment=live, fields={"external_id": "amine", "email": AMINE, "verified": True, "name": "Amine"}
    )
    addresses.open_at(inbox=mail.inbox, address=AMINE, contact=person)
    return person


def write_to(mail, address, contact=None):
    """The business writes a mail; returns its message."""
    session = addresses.open_at(inbox=mail.inbox, address=address, contact=contact)
    return messages.send(conversation=outreach.carry_on(session=session), author=Author("api"), draft=Draft("Hi"))


def comes(mail, engine, sender=AMINE, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    assert mail.calls(letter(sender, **named), **{"Content-Type": "message/rfc822"}).status_code == 200
    engine.drain()
    return Message.unscoped.filter(direction="inbound").latest("id")


def is_believed(message):
    kept = message.content_attributes["email"]["proved"]
    assert message.payload["proved"] is kept
    return kept


class TestAMail:
    def test_that_says_it_is_from_a_customer_is_marked(self, mail, engine, amine):
        write_to(mail, AMINE)
        message = comes(mail, engine)

        assert message.contact_id == amine.pk
        assert not is_believed(message)

    def test_that_answers_what_we_wrote_to_them_is_theirs(self, mail, engine, amine):
        ours = write_to(mail, AMINE)

        assert is_believed(comes(mail, engine, In_Reply_To=threads.message_id(ours.public_id, "acme.test")))

    def test_to_the_signed_address_that_only_they_know_is_theirs(self, mail, engine, amine):
        ours = write_to(mail, AMINE)

        assert is_believed(comes(mail, engine, To=threads.reply_address(ours.public_id, "in.acme.test")))

    def test_that_answers_what_we_wrote_to_somebody_else_is_not(self, mail, engine, amine):
        to_mallory = write_to(mail, "mallory@evil.test")
        seal = threads.message_id(to_mallory.public_id, "acme.test")

        assert not is_believed(comes(mail, engine, In_Reply_To=seal))

    def test_is_shown_so_by_the_api(self, mail, engine, amine, api):
        message = comes(mail, engine)

        assert api.get(f"/v1/messages/{message.public_id}").json()["payload"]["proved"] is False


class TestTheTrustedServer:
    @pytest.mark.parametrize(
        "results",
        [
            PASSED,
            f"{SERVER} 1; dkim=pass header.d=example.test header.s=a",
            "MX.acme.test; dkim=pass (2048-bit key) header.i=@example.test",
        ],
    )
    def test_is_believed(self, mail, engine, amine, results):
        assert is_believed(comes(mail, engine, Authentication_Results=results))

    @pytest.mark.parametrize(
        "results",
        [
            "mx.evil.test; dmarc=pass header.from=example.test",
            f"{SERVER}; dmarc=fail header.from=example.test",
            f"{SERVER}; dmarc=pass header.from=evil.test",
            f"{SERVER}; dkim=pass header.d=evil.test header.i=@example.test.evil.test",
            f"{SERVER}; spf=pass smtp.mailfrom=amine@example.test",
            f"{SERVER}; dmarc=fail (; dmarc=pass header.from=example.test ;) header.from=example.test",
            f'{SERVER}; spf=pass smtp.mailfrom="; dmarc=pass header.from=example.test ;"@evil.test',
            f"{SERVER}; none",
            f"{SERVER}",
            "",
        ],
    )
    def test_is_not_taken_for_saying_what_it_does_not(self, mail, engine, amine, results):
        assert not is_believed(comes(mail, engine, Authentication_Results=results))

    def test_is_asked_first(self, mail, engine, amine):
        failed = f"{SERVER}; dmarc=fail header.from=example.test"

        message = comes(mail, engine, Authentication_Results=f"{failed}\r\nAuthentication-Results: {PASSED}")

        assert not is_believed(message)

    def test_says_nothing_of_an_address_to_answer_to(self, mail, engine, amine):
        passed = f"{SERVER}; dmarc=pass header.from=evil.test"

        message = comes(mail, engine, "mallory@evil.test", Reply_To=AMINE, Authentication_Results=passed)

        assert message.payload["from"] == AMINE
        assert not is_believed(message)

    def test_is_nobody_unless_it_is_named(self, live, engine):
        plain = Caller(open_carried(live, "email"))

        assert not is_believed(comes(plain, engine, Authentication_Results=PASSED))


class TestAForgedMail:
    def test_changes_nothing_about_the_person(self, mail, engine, amine):
        Contact.unscoped.filter(pk=amine.pk).update(name="quiet-otter-123")
        comes(mail, engine, f"Mallory <{AMINE}>", Subject="STOP")

        amine.refresh_from_db()
        assert amine.name == "quiet-otter-123"

    @pytest.mark.parametrize("word", ["STOP", "unsubscribe"])
    def test_stops_nothing(self, mail, engine, amine, word):
        comes(mail, engine, Subject=word)

        assert not Suppression.unscoped.exists()
