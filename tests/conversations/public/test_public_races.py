"""Many browsers of a few people, all at once: nothing breaks, nothing is lost, nobody ends up in two halves."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from contacts.models import Contact, ContactSession
from conversations.models import Conversation, Message
from tests.conversations.public.conftest import Browser, signed

BROWSERS = 6
CALLS = 30


def busy_browser(inbox: Any, seed: int) -> Callable[[], list[int]]:
    """Return a browser's life, which returns its statuses: opening sessions, proving, claiming addresses, talking."""
    chance = random.Random(seed)  # noqa: S311  the same lives every time

    def call(browser: Browser) -> Any:
        path = f"/contacts/device-{chance.randrange(12)}"
        pair = signed(inbox, chance.choice(["amine", "zoe"]))
        claim = {"email": f"{chance.randrange(3)}@example.test", "phone_number": f"+21260000000{chance.randrange(3)}"}
        choices: list[Callable[[], Any]] = [
            lambda: browser.post("/contacts", {"source_id": path.rpartition("/")[2]}),
            lambda: browser.post("/contacts", {"source_id": path.rpartition("/")[2], **claim}),
            lambda: browser.post("/contacts", {"source_id": path.rpartition("/")[2], **claim, **pair}),
            lambda: browser.post("/contacts", claim),
            lambda: browser.get(path, **pair),
            lambda: browser.patch(path, claim),
            lambda: browser.patch(path, {**claim, **pair}),
            lambda: browser.post(f"{path}/conversations"),
            lambda: browser.post(f"{path}/conversations/{chance.randrange(1, 9)}/messages", {"content": "Hello"}),
        ]
        return chance.choice(choices)()

    return lambda: [call(Browser(inbox)).status_code for _ in range(CALLS)]


@pytest.mark.slow
def test_a_crowd_breaks_nothing(transactional_db, inbox, at_once, settings):
    settings.RATE_LIMITS = False

    lives = at_once([busy_browser(inbox, seed) for seed in range(BROWSERS)])

    assert {status for life in lives for status in life} <= {200, 401, 404}
    gone = Contact.unscoped.exclude(merged_into=None).values("pk")
    assert gone.exists()  # there were merges
    for model in (ContactSession, Conversation, Message):
        assert not model.unscoped.filter(contact__in=gone).exists()
    assert not Conversation.unscoped.exclude(session__contact=F("contact")).exists()
    assert not Message.unscoped.exclude(conversation__contact=F("contact")).exists()
