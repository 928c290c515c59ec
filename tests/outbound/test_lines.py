"""The queue before a provider: cut off, at rest, mended; and who is told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import audit
from inboxes.channels.outcomes import Deferred, Rejected, Sent
from inboxes.models import InboxHealth
from inboxes.services import inboxes
from outbound import policy
from outbound.models import Dispatch, Line
from outbound.services import lines, settling
from tests.outbound.stepping import claim, result, settle, taken
from tests.outbound.working import line_of, say
from tests.webhooks.telling import listen, told

REFUSED = Rejected("channel_auth_failed", "bad token", "401", disconnects=True)
FAULT = Deferred("provider_unavailable", "busy", "503")


def came_to(outcome):
    """Have one message that is due come to something."""
    Line.unscoped.update(paused_until=None, next_due_at=timezone.now())
    Dispatch.unscoped.filter(state="waiting").update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    settle(outcome, claim().dispatches[0])


def came_one_by_one_to(outcome, inbox, count):
    """Have so many messages be on their way together and come to something in a settlement each."""
    for number in range(count):
        say(inbox, f"p-{number}")
    results = [result(claimed, outcome) for claimed in claim().dispatches]
    assert len(results) == count
    for each in results:
        settling.settle([each])


def rests_for(inbox):
    """Return the seconds for which a line rests."""
    paused_until = line_of(inbox).paused_until
    return 0 if paused_until is None else round((paused_until - timezone.now()).total_seconds())


class TestALineThatIsCutOff:
    def test_is_told_of_once_and_again_when_it_is_mended(self, live, toys, relay):
        shop = listen(live, events=["inbox_disconnected", "inbox_reconnected"])
        say(toys, "ana")
        came_to(REFUSED)
        came_to(REFUSED)
        came_to(Sent("p-1"))
        relay.drain()

        first, second = told(shop)
        assert (first["type"], second["type"]) == ("inbox_disconnected", "inbox_reconnected")
        assert first["channel"] == "toy"
        assert first["data"]["inbox"]["id"] == toys.public_id
        assert (first["data"]["reason"], first["data"]["detail"]) == ("channel_auth_failed", "bad token")

    def test_tries_less_and_less_often(self, toys):
        say(toys, "ana")
        found = []
        for _ in range(6):
            came_to(REFUSED)
            found.append(rests_for(toys))

        assert found == [60, 120, 240, 480, 900, 900]

    def test_is_not_tried_later_for_what_was_under_way_together(self, toys):
        came_one_by_one_to(REFUSED, toys, 20)

        assert line_of(toys).consecutive_faults == 1
        assert rests_for(toys) <= 60

    def test_is_seen_in_the_inbox_s_health(self, toys):
        say(toys, "ana")
        came_to(REFUSED)
        health = InboxHealth.unscoped.get(inbox=toys)
        assert (health.state, health.detail) == ("disconnected", "bad token")
        assert health.last_failure_at is not None

        came_to(Sent("p-1"))
        health.refresh_from_db()
        assert (health.state, health.code) == ("connected", "")
        assert health.last_sent_at is not None

    def test_is_tried_at_once_when_its_settings_are_changed(self, toys):
        dispatch = say(toys, "ana")
        came_to(REFUSED)
        assert taken() == []
        lines.follow(toys, by=audit.SYSTEM)

        assert taken() == [dispatch.pk]


class TestALineThatRests:
    @pytest.fixture
    def faulty(self, toys):
        say(toys, "ana")
        Line.unscoped.update(consecutive_faults=9, faults_since=timezone.now())
        return toys

    def test_does_so_with_the_tenth_fault_and_longer_each_time(self, faulty):
        found = []
        for _ in range(3):
            came_to(FAULT)
            found.append(rests_for(faulty))

        assert found == [5, 10, 20]

    def test_does_so_for_a_short_time_first_however_many_were_under_way(self, toys):
        came_one_by_one_to(FAULT, toys, 20)

        assert line_of(toys).consecutive_faults == policy.FAULTS_TO_REST
        assert rests_for(toys) <= policy.FIRST_REST_SECONDS

    def test_does_so_for_longer_only_for_what_was_tried_after_it_rested(self, toys):
        say(toys, "ana")
        say(toys, "ben")
        late, probe = (result(claimed, FAULT) for claimed in claim().dispatches)
        ended = timezone.now()
        Line.unscoped.update(consecutive_faults=10, faults_since=ended, paused_until=ended)

        settling.settle([replace(late, began_at=ended - timedelta(seconds=20))])
        assert line_of(toys).consecutive_faults == 10
        settling.settle([replace(probe, began_at=ended + timedelta(seconds=1))])
        assert line_of(toys).consecutive_faults == 11

    def test_does_not_for_faults_of_another_hour(self, faulty):
        Line.unscoped.update(faults_since=timezone.now() - timedelta(hours=1))
        came_to(FAULT)

        assert (rests_for(faulty), line_of(faulty).consecutive_faults) == (0, 1)

    def test_is_well_with_the_first_message_that_gets_through(self, faulty):
        came_to(FAULT)
        came_to(Sent("p-1"))

        assert (rests_for(faulty), line_of(faulty).consecutive_faults) == (0, 0)

    def test_does_so_for_an_hour_at_most_whatever_is_asked(self, toys):
        say(toys, "ana")
        came_to(Deferred("rate_limited", seconds=86_400, pauses="account"))

        assert rests_for(toys) == 3600


class TestALineThatIsForgotten:
    def test_is_looked_at_again(self, toys):
        dispatch = say(toys, "ana")
        Line.unscoped.update(next_due_at=None)
        assert taken() == []

        assert lines.remember_forgotten() == 1
        assert taken() == [dispatch.pk]

    def test_is_not_one_where_nothing_waits(self, toys):
        say(toys, "ana")
        claim()

        assert lines.remember_forgotten() == 0


def test_changing_an_inbox_has_its_line_looked_at(live, toys):
    say(toys, "ana")
    came_to(REFUSED)
    inboxes.close(inbox=toys, by=audit.SYSTEM)

    assert line_of(toys).paused_until is None
