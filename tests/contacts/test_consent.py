"""Who may be written to: suppressions, blocks, windows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import ContactSession, Suppression
from contacts.services import addresses, consent
from inboxes import channels
from tests.outbound.messaging import PHONE, open_on


@pytest.fixture
def session(live):
    return addresses.open_at(inbox=open_on(live, "whatsapp"), address=PHONE)


def refused(session, category="transactional", *, is_template=False):
    found = consent.refusal(
        session, address=session.source_id, capabilities=channels.find(session.inbox.channel).capabilities,
        category=category, is_template=is_template,
    )  # fmt: skip
    return found.code if found else ""


def wrote(session, ago):
    ContactSession.unscoped.filter(pk=session.pk).update(last_inbound_at=timezone.now() - ago)


class TestTheWindow:
    def test_is_closed_until_they_write(self, session):
        assert (refused(session), consent.window_closes_at(session)) == ("window_closed", None)

    @pytest.mark.parametrize(
        ("ago", "code"), [(timedelta(hours=23, minutes=59), ""), (timedelta(hours=24), "window_closed")]
    )
    def test_is_open_for_24_hours(self, session, ago, code):
        wrote(session, ago)

        assert refused(session) == code

    def test_is_opened_from_any_of_their_addresses(self, session):
        other = addresses.open_at(inbox=session.inbox, address="US.13491208655302741918", contact=session.contact)
        wrote(other, timedelta(hours=1))

        assert refused(session) == ""

    def test_is_not_opened_by_somebody_else(self, session):
        wrote(addresses.open_at(inbox=session.inbox, address="+212600000002"), timedelta(hours=1))

        assert refused(session) == "window_closed"

    def test_is_not_needed_by_an_approved_template(self, session):
        assert refused(session, is_template=True) == ""

    def test_is_not_kept_where_the_provider_keeps_none(self, live):
        assert refused(addresses.open_at(inbox=open_on(live, "sms"), address=PHONE)) == ""


class TestSuppression:
    def suppress(self, session, **fields):
        return consent.suppress(environment=session.environment, channel="whatsapp", address=PHONE,
                                **{"reason": "stop_word", **fields})  # fmt: skip

    def test_keeps_the_first_reason(self, session):
        first = self.suppress(session)

        assert self.suppress(session, reason="bounced").pk == first.pk
        assert Suppression.unscoped.get().reason == "stop_word"

    def test_stops_everything_or_marketing(self, session):
        wrote(session, timedelta(hours=1))
        self.suppress(session, scope="marketing")
        assert (refused(session), refused(session, "marketing")) == ("", "opted_out")

        self.suppress(session)
        assert refused(session, "authentication") == "opted_out"

    def test_is_lifted_whole(self, session):
        self.suppress(session, scope="marketing")
        self.suppress(session)

        assert consent.lift(environment=session.environment, channel="whatsapp", address=PHONE)
        assert not consent.lift(environment=session.environment, channel="whatsapp", address=PHONE)

    def test_holds_on_one_channel_of_one_environment(self, session, sandbox):
        consent.suppress(environment=sandbox, channel="whatsapp", address=PHONE, reason="stop_word")
        consent.suppress(environment=session.environment, channel="sms", address=PHONE, reason="stop_word")

        assert refused(session, is_template=True) == ""


def test_a_blocked_person_is_refused_first(session):
    session.contact.blocked = True

    assert refused(session, is_template=True) == "blocked"
