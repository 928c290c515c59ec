"""Inboxes on every channel, as tests of sending want them: connected, and never asked anything."""

from datetime import timedelta

from django.utils import timezone

from contacts.models import ContactSession
from contacts.services import addresses
from inboxes.models import Inbox, Template

SETTINGS = {
    "whatsapp": {"phone_number_id": "106540352242922", "waba_id": "102290129340398", "access_token": "EAA-test",
                 "app_secret": "app-secret", "verify_token": "verify"},
    "telegram": {"bot_token": "123456:ABC-test", "callback_secret": "callback-secret"},
    "sms": {"provider": "twilio", "account_sid": "AC" + "1" * 32, "auth_token": "token", "from": "+15005550006"},
    "email": {"from_address": "shop@acme.test", "smtp_host": "127.0.0.1"},
    "messenger": {"page_id": "1", "page_access_token": "EAA-test", "app_secret": "secret", "verify_token": "v"},
    "line": {"channel_access_token": "token", "channel_secret": "secret"},
}  # fmt: skip
SEND = "/v1/send-message"
PHONE = "+212600000001"


def open_on(environment, channel, **fields):
    """Connect an inbox."""
    values = {"name": channel.title(), "settings": SETTINGS.get(channel, {}), **fields}
    return Inbox.unscoped.create(environment=environment, channel=channel, **values)


def template(environment, name="order", inbox=None, *, text="Order {{1}} is on its way.", **fields):
    """Have an approved template."""
    values = {"language": "en", "category": "utility", "status": "approved", "external_id": "1" if inbox else "",
              "components": [{"type": "body", "text": text}], **fields}  # fmt: skip
    return Template.unscoped.create(environment=environment, inbox=inbox, name=name, **values)


def text_to(recipient_id, channel, text="Hello", **more):
    """Return the body of a request."""
    return {"recipient_id": recipient_id, "channel": channel, "text": text, **more}


def problem(answer, field):
    """Return the one problem that an answer names of a field."""
    [found] = [each for each in answer.json()["error"]["errors"] if each["field"] == field]
    return found


def wrote(inbox, address, ago=timedelta(0)):
    """Let somebody have written to an inbox."""
    session = addresses.open_at(inbox=inbox, address=address)
    ContactSession.unscoped.filter(pk=session.pk).update(last_inbound_at=timezone.now() - ago)
    return session
