"""What an operator is told a message in doubt waits for: nothing that its channel never tells."""

from datetime import UTC, datetime

import pytest

from inboxes.models import Inbox
from outbound.admin import story
from outbound.models import Dispatch

UNTIL = datetime(2026, 11, 20, 20, 5, 0, tzinfo=UTC)
NOTHING, RECEIPT, ASKED = "nothing more will be learnt", "a receipt may still name it", "its provider is asked"


@pytest.mark.parametrize(
    ("channel", "kept", "told"),
    [
        ("telegram", {}, NOTHING),
        ("line", {}, NOTHING),
        ("whatsapp", {}, RECEIPT),
        ("email", {}, RECEIPT),
        ("sms", {"provider": "vonage"}, RECEIPT),
        ("sms", {"provider": "twilio"}, ASKED),
    ],
)
def test_a_message_in_doubt_waits_for_what_its_channel_tells(channel, kept, told):
    inbox = Inbox(channel=channel, settings=kept)
    dispatch = Dispatch(inbox=inbox, state=Dispatch.State.UNKNOWN, resolve_at=UNTIL, livemode=True)

    assert story.what_next(dispatch).startswith("In doubt until 20:05:00 UTC; ")
    assert told in story.what_next(dispatch)


def test_nobody_asks_a_provider_in_the_sandbox():
    inbox = Inbox(channel="sms", settings={"provider": "twilio"})
    dispatch = Dispatch(inbox=inbox, state=Dispatch.State.UNKNOWN, resolve_at=UNTIL, livemode=False)

    assert RECEIPT in story.what_next(dispatch)
