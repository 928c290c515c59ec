"""The engine at work on lines that do not move: credentials that are refused, providers that fail."""

import pytest
from django.utils import timezone

from events.models import LoggedEvent
from inboxes.models import InboxHealth
from outbound.models import Dispatch, Line
from tests.engines import until
from tests.outbound.working import at_work, line_of, now, say, settled
from tests.providers.server import answer, answer_json

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class TestRefusedCredentials:
    def test_hold_the_line_and_tell_its_people_once(self, toys, provider):
        provider.keeps_meeting(answer(401))
        said = [say(toys, f"somebody-{number}") for number in range(5)]
        with at_work():
            until(lambda: line_of(toys).is_disconnected)
            until(lambda: not Dispatch.unscoped.filter(state="sending").exists())

        assert {now(each).state for each in said} == {"waiting"}
        assert {now(each).attempts for each in said} == {0}
        assert {now(each).message.status for each in said} == {"queued"}
        assert LoggedEvent.unscoped.filter(type="inbox_disconnected").count() == 1
        health = InboxHealth.unscoped.get(inbox=toys)
        assert (health.state, health.code) == ("disconnected", "channel_auth_failed")

    def test_are_tried_with_one_message_and_all_leave_once_they_are_mended(self, toys, provider):
        provider.keeps_meeting(answer(401))
        said = [say(toys, f"somebody-{number}") for number in range(5)]
        with at_work():
            until(lambda: line_of(toys).is_disconnected)
            until(lambda: not Dispatch.unscoped.filter(state="sending").exists())
            before = len(provider.requests)
            Line.unscoped.update(paused_until=None, next_due_at=timezone.now())
            until(lambda: len(provider.requests) == before + 1)
            until(lambda: line_of(toys).paused_until)
            provider.keeps_meeting(None)
            Line.unscoped.update(paused_until=None, next_due_at=timezone.now())
            settled(said)

        assert not line_of(toys).is_disconnected
        assert LoggedEvent.unscoped.filter(type="inbox_reconnected").count() == 1
        assert InboxHealth.unscoped.get(inbox=toys).state == "connected"


class TestAFaultyProvider:
    def test_is_left_alone_for_a_while_after_ten_faults_in_a_row(self, toys, provider):
        provider.keeps_meeting(answer_json({"transient": True}, 503))
        said = [say(toys, f"somebody-{number}") for number in range(10)]
        with at_work():
            until(lambda: line_of(toys).paused_until)
            until(lambda: not Dispatch.unscoped.filter(state="sending").exists())
            late = say(toys, "late")

        assert line_of(toys).pause_reason == "provider_unavailable"
        assert now(late).state == "waiting"
        assert {now(each).message.status for each in said} == {"queued"}

    def test_gets_everything_once_one_message_got_through(self, toys, provider):
        said = [say(toys, f"somebody-{number}") for number in range(6)]
        Line.unscoped.update(consecutive_faults=10, faults_since=timezone.now())
        provider.delay = 0.2
        with at_work():
            until(lambda: provider.requests)
            assert len(provider.requests) == 1
            settled(said)

        assert line_of(toys).consecutive_faults == 0
