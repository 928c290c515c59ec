"""Whose an address is: whoever's the business signed it to be, not whoever said so first."""

from functools import partial

import pytest
from django.utils import timezone

from contacts.models import Contact, ContactSession
from contacts.services import addresses, contacts, sessions
from conversations.models import Conversation
from conversations.services import conversations
from core import crypto
from events.models import LoggedEvent
from tests.inbound.callers import open_carried
from tests.pages import Page, contact_of, signed, told
from tests.servers import at_once

EMAIL, PHONE = "amine@shop.example", "+212600000001"
TAKEN = [{"field": "email", "reason": "taken"}]


@pytest.fixture
def squatter(other) -> Contact:
    """Somebody without proof who has said that the addresses are theirs."""
    other.open(attributes={"email": EMAIL, "phone_number": PHONE, "name": "Mallory"})
    return contact_of(other)


@pytest.fixture
def mailbox(live):
    """An inbox whose provider carries mails."""
    return open_carried(live, "email")


def losses(contact: Contact) -> list[LoggedEvent]:
    """Return what was told of addresses that a person had before."""
    told = LoggedEvent.unscoped.filter(type="user_updated", context__contact_id=contact.pk)
    return [each for each in told if any(change["to"] is None for change in each.data["changes"].values())]


class TestAnAddressThatWasOnlyClaimed:
    @pytest.mark.parametrize(
        ("name", "spelled", "kept"),
        [("email", " Amine@Shop.example ", EMAIL), ("phone_number", "+212 600-000001", PHONE)],
    )
    def test_is_whose_it_was_signed_to_be(self, page, inbox, squatter, name, spelled, kept):
        opened = page.open(identity=signed(inbox, **{name: spelled}))

        squatter.refresh_from_db()
        assert (opened["user"][name], opened["ignored"]) == (kept, [])
        assert (getattr(squatter, name), squatter.name) == (None, "Mallory")
        assert opened["user"]["id"] != squatter.public_id

    def test_is_told_of_once_however_many_are_lost(self, page, inbox, squatter):
        page.open(identity=signed(inbox, email=EMAIL, phone_number=PHONE))
        [loss] = losses(squatter)

        assert loss.data["changes"] == {
            "email": {"from": EMAIL, "to": None}, "phone_number": {"from": PHONE, "to": None}
        }  # fmt: skip
        assert loss.data["actor"]["id"] == contact_of(page).public_id

    def test_is_lost_by_each_who_claimed_one(self, page, other, inbox):
        third = Page(inbox)
        other.open(attributes={"email": EMAIL, "city": "Fès"})
        third.open(attributes={"phone_number": PHONE})
        opened = page.open(identity=signed(inbox, email=EMAIL, phone_number=PHONE))

        assert (opened["user"]["email"], opened["user"]["phone_number"]) == (EMAIL, PHONE)
        assert [len(losses(contact_of(each))) for each in (other, third)] == [1, 1]
        assert contact_of(other).city == "Fès"

    def test_is_not_claimed_again(self, page, other, inbox, squatter):
        page.open(identity=signed(inbox, email=EMAIL))

        assert other.patch("/me", {"email": EMAIL}).json()["ignored"] == TAKEN
        assert len(losses(squatter)) == 1

    def test_is_taken_when_a_known_person_comes_back(self, page, inbox, squatter):
        first = page.open(identity=signed(inbox))
        again = page.open(source_id=first["source_id"], identity=signed(inbox, email=EMAIL))

        assert again["user"]["email"] == EMAIL
        assert told("user_updated", contact_of(page)) == 1

    def test_leads_what_the_business_had_written_to_it_along(self, page, inbox, squatter, mailbox):
        mails = addresses.open_at(inbox=mailbox, address=EMAIL)
        talk = conversations.start(session=mails)
        assert mails.contact_id == squatter.pk
        page.open(identity=signed(inbox, email=EMAIL))

        assert addresses.open_at(inbox=mailbox, address=EMAIL).contact == contact_of(page)
        assert Conversation.unscoped.get(pk=talk.pk).contact == contact_of(page)
        assert ContactSession.unscoped.filter(contact=squatter).count() == 1

    def test_stays_where_it_is_when_what_was_signed_is_refused(self, page, inbox, squatter):
        opened = page.open(identity=signed(inbox, email=EMAIL, city="x" * 200))

        squatter.refresh_from_db()
        assert opened["ignored"] == [{"field": "city", "reason": "too_long"}]
        assert (opened["user"]["email"], squatter.email) == (EMAIL, None)


class TestAnAddressIsKept:
    def is_kept(self, page, contact, **identity):
        opened = page.open(**identity)
        contact.refresh_from_db()
        return (opened["user"]["email"], contact.email, losses(contact)) == (None, EMAIL, [])

    def test_from_who_only_says_so(self, page, squatter):
        assert self.is_kept(page, squatter, attributes={"email": EMAIL})

    def test_from_who_proved_their_id_and_only_says_the_rest(self, page, inbox, squatter):
        assert self.is_kept(page, squatter, identity=signed(inbox), attributes={"email": EMAIL})

    def test_from_a_pair_which_signs_no_address(self, page, inbox, squatter):
        pair = {"identifier": "c-1", "identifier_hash": crypto.hmac_hex(inbox.hmac_token, "c-1")}

        assert self.is_kept(page, squatter, identity=pair, attributes={"email": EMAIL})

    def test_by_who_proved_who_they_are(self, page, other, inbox):
        other.open(identity=signed(inbox, sub="c-2", email=EMAIL))

        assert self.is_kept(page, contact_of(other), identity=signed(inbox, email=EMAIL))
        assert page.opened["ignored"] == TAKEN

    def test_by_who_has_an_id_of_the_customers(self, page, inbox, live):
        known = contacts.create(environment=live, fields={"email": EMAIL, "external_id": "c-2"})
        sessions.open_session(inbox=inbox, fields={"external_id": "c-2"})

        assert self.is_kept(page, known, identity=signed(inbox, email=EMAIL))

    def test_by_who_has_written_through_a_provider(self, page, inbox, squatter, mailbox):
        mails = addresses.open_at(inbox=mailbox, address=EMAIL)
        ContactSession.unscoped.filter(pk=mails.pk).update(last_inbound_at=timezone.now())

        assert self.is_kept(page, squatter, identity=signed(inbox, email=EMAIL))

    def test_by_who_was_written_to_by_the_business_and_never_came(self, page, inbox, mailbox):
        mails = addresses.open_at(inbox=mailbox, address=EMAIL)

        assert self.is_kept(page, mails.contact, identity=signed(inbox, email=EMAIL))


@pytest.mark.slow
class TestAtTheSameMoment:
    def test_two_devices_of_a_person_take_an_address_once(self, transactional_db, inbox, other, squatter):
        def come():
            return Page(inbox).open(identity=signed(inbox, email=EMAIL, phone_number=PHONE))["user"]["email"]

        assert at_once(come, come) == [EMAIL, EMAIL]
        assert len(losses(squatter)) == 1

    def test_a_claim_and_a_signature_leave_the_address_with_who_was_signed(self, transactional_db, inbox):
        for turn in range(8):
            email = f"amine-{turn}@shop.example"
            proof = signed(inbox, sub=f"c-{turn}", email=email)
            claim, proved = Page(inbox), Page(inbox)
            at_once(partial(claim.open, attributes={"email": email}), partial(proved.open, identity=proof))

            assert proved.opened["user"]["email"] == email
            assert contact_of(claim).email is None

    def test_two_who_were_signed_two_addresses_cross_over_and_wait_for_nobody(self, transactional_db, inbox):
        for turn in range(6):
            emails = [f"{name}-{turn}@shop.example" for name in ("amine", "zoe")]
            for email in emails:
                Page(inbox).open(attributes={"email": email})
            proofs = [signed(inbox, sub=f"{turn}-{email}", email=email) for email in emails]
            got = at_once(*[partial(Page(inbox).open, identity=proof) for proof in proofs])

            assert [each["user"]["email"] for each in got] == emails

    def test_somebody_who_proves_who_they_are_just_now_keeps_it_or_loses_it_whole(self, transactional_db, inbox):
        for turn in range(8):
            email = f"amine-{turn}@shop.example"
            claim = Page(inbox)
            source = claim.open(attributes={"email": email})["source_id"]
            proofs = [signed(inbox, sub=f"a-{turn}"), signed(inbox, sub=f"b-{turn}", email=email)]
            pages = [claim, Page(inbox)]
            at_once(partial(pages[0].open, source_id=source, identity=proofs[0]),
                    partial(pages[1].open, identity=proofs[1]))  # fmt: skip

            assert [contact_of(each).email for each in pages].count(email) == 1
