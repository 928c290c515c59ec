"""A provider that takes messages, and says in receipts that it refuses the account: its inbox shows it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import ContactSession
from conversations.models import Message
from conversations.services import messages, outreach
from conversations.services.messages import Author, Draft
from inbound.engine import InboundEngine
from inboxes.models import InboxHealth
from outbound.models import Dispatch, Line
from tests.inbound.callers import open_carried
from tests.inbound.whatsapp import ANA, WhatsApp
from tests.webhooks.telling import listen, told

PAYMENT = [{"code": 131042, "title": "Business eligibility payment issue", "message": "Pay first."}]
WINDOW = [{"code": 131047, "title": "Re-engagement message", "message": "Too late."}]


@pytest.fixture
def ana(live, anyone):
    """Ana's telephone, and an inbox that has been well for a day."""
    phone = WhatsApp(open_carried(live, "whatsapp"))
    phone.hears()
    InboundEngine().drain()
    InboxHealth.unscoped.update(changed_at=timezone.now() - timedelta(days=1))
    return phone


@pytest.fixture
def sent(ana):
    """A message to Ana that WhatsApp took."""
    session = ContactSession.unscoped.select_related("contact", "inbox__environment").get(source_id=f"+{ANA}")
    session.environment = session.contact.environment = session.inbox.environment
    talk = outreach.carry_on(session=session)
    message = messages.send(conversation=talk, author=Author("api"), draft=Draft("It is."))
    Message.unscoped.filter(pk=message.pk).update(status="sent", provider_id="wamid.OURS")
    Line.unscoped.get_or_create(inbox=ana.inbox, defaults={"environment_id": ana.inbox.environment_id})
    return message


def fails(phone, errors):
    phone.status("wamid.OURS", "failed", errors=errors)
    InboundEngine().drain()


def health(api, phone):
    return api.get(f"/v1/inboxes/{phone.inbox.public_id}").json()["health"]


def test_it_reaches_the_health_of_the_inbox_its_line_and_its_webhooks(api, live, ana, sent, relay):
    shop = listen(live, events=["inbox_disconnected"])

    fails(ana, PAYMENT)
    relay.drain()

    shown = health(api, ana)
    assert (shown["state"], shown["code"]) == ("disconnected", "account_restricted")
    assert "Pay first." in shown["detail"]
    line = Line.unscoped.get(inbox=ana.inbox)
    assert line.is_disconnected
    assert line.paused_until is not None
    assert [each["data"]["reason"] for each in told(shop)] == ["account_restricted"]


def test_ten_of_a_campaign_say_it_once(api, ana, sent):
    fails(ana, PAYMENT)
    paused_until = Line.unscoped.get(inbox=ana.inbox).paused_until
    Message.unscoped.filter(pk=sent.pk).update(status="sent")

    fails(ana, PAYMENT)

    assert Line.unscoped.get(inbox=ana.inbox).paused_until == paused_until


def test_one_that_comes_after_the_account_was_mended_cuts_nothing_off(api, ana, sent):
    InboxHealth.unscoped.update(changed_at=timezone.now() + timedelta(seconds=5))

    fails(ana, PAYMENT)

    assert health(api, ana)["state"] == "connected"
    assert Message.unscoped.get(pk=sent.pk).status == "failed"


def test_a_failure_of_one_message_says_nothing_of_the_account(api, ana, sent):
    fails(ana, WINDOW)

    assert health(api, ana)["state"] == "connected"
    assert not Line.unscoped.get(inbox=ana.inbox).is_disconnected


def test_about_a_message_that_is_not_ours_says_nothing_either(api, ana, sent):
    ana.status("wamid.SOMEBODYS", "failed", errors=PAYMENT)
    InboundEngine().drain()

    assert health(api, ana)["state"] == "connected"
    assert not Dispatch.unscoped.filter(state="sending").exists()
