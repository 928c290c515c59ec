"""What docs/api.md says of sending is true: its requests are accepted, and its codes are those that are answered."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from contacts.models import ContactSession
from contacts.services import addresses
from inboxes.channels.outcomes import FAILURES
from tests.outbound.messaging import PHONE, open_on, template

CHAPTER = (Path(django_settings.BASE_DIR) / "docs" / "api.md").read_text().partition("## Send a message")[2]
REQUESTS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", CHAPTER, re.DOTALL)]
CODES = {code for row in re.findall(r"^\| (`.*?) \|", CHAPTER, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
SOURCES = ("outbound", "inboxes/services", "inboxes/channels", "conversations/services", "accounts")


@pytest.fixture
def _connected(api, live):
    """A business with an inbox on every channel, and somebody who wrote just now."""
    for channel in ("whatsapp", "sms", "telegram", "email", "web"):
        inbox = open_on(live, channel)
        if channel == "whatsapp":
            addresses.open_at(inbox=inbox, address=PHONE)
            template(live, "order_update", inbox, text="Order {{1}}")
    ContactSession.unscoped.update(last_inbound_at=timezone.now())
    api.put("/v1/users/customer-42", {"email": "amine@example.com"})
    api.post("/v1/users/merge", {"from": ContactSession.unscoped.get().contact.public_id, "into": "customer-42"})


@pytest.mark.usefixtures("_connected")
@pytest.mark.parametrize("body", REQUESTS, ids=lambda body: f"{body['channel']}-{body.get('message_type', 'text')}")
def test_every_request_is_accepted(api, body):
    answer = api.post("/v1/send-message", body)

    assert (answer.status_code, answer.json().get("ignored_parameters")) == (202, None), answer.content


def test_every_code_is_one_that_is_answered():
    code = "".join(path.read_text() for folder in SOURCES for path in (django_settings.BASE_DIR / folder).rglob("*.py"))

    assert len(CODES) > 20
    assert [name for name in sorted(CODES) if f'"{name}"' not in code] == []


def test_every_failure_is_told():
    assert [name for name in FAILURES if f"`{name}`" not in CHAPTER] == []
