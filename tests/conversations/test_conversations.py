"""Conversations as time passes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.models import Conversation
from conversations.services import conversations

LARGEST = 2**63 - 1


@pytest.fixture
def snoozed(session):
    """Three conversations whose snooze is over."""
    ago = timezone.now() - timedelta(minutes=1)
    talks = [conversations.start(session=session) for _ in range(3)]
    for talk in talks:
        conversations.update(conversation=talk, fields={"snoozed_until": ago})
    return talks


def statuses() -> list[str]:
    return list(Conversation.unscoped.order_by("pk").values_list("status", flat=True))


class TestWakeSnoozed:
    def test_opens_those_whose_time_has_come(self, session, snoozed):
        later = conversations.start(session=session)
        conversations.update(conversation=later, fields={"snoozed_until": timezone.now() + timedelta(hours=1)})

        assert conversations.wake_snoozed() == 3
        assert statuses() == ["open", "open", "open", "snoozed"]

    def test_wakes_the_others_when_one_cannot_be(self, snoozed):
        Conversation.unscoped.filter(pk=snoozed[0].pk).update(sequence=LARGEST)  # no event fits after it

        assert conversations.wake_snoozed() == 2
        assert statuses() == ["snoozed", "open", "open"]
