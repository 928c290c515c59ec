"""What happens when time passes: leases end, schedules, chains and doubts come due, messages expire."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import audit
from events.models import LoggedEvent
from inboxes.channels.outcomes import Sent, Uncertain
from inboxes.services import inboxes
from outbound.models import Dispatch, Line
from outbound.services import attending
from outbound.services.attending import Attendant
from outbound.services.buckets import Buckets
from tests.conftest import open_inbox
from tests.outbound.stepping import claim, settle, taken
from tests.outbound.working import attempts, failure_of, now, say
from tests.webhooks.telling import listen, told

PAST = timezone.now() - timedelta(hours=1)


def attend():
    """Do once what is due by the clock."""
    return Attendant(Buckets()).attend()


def change(dispatch, **fields):
    Dispatch.unscoped.filter(pk=dispatch.pk).update(**fields)


class TestLeases:
    def test_that_ended_leave_their_messages_in_doubt(self, toys):
        dispatch = say(toys, "ana")
        claim()
        change(dispatch, lease_until=PAST)
        attend()

        stands = now(dispatch)
        assert (stands.state, stands.message.status) == ("unknown", "unknown")
        assert [each.state for each in attempts(dispatch)] == ["uncertain"]
        assert stands.resolve_at is not None
        assert taken() == []

    def test_that_ended_have_messages_sent_again_whose_provider_folds_them(self, toys, speak):
        speak(is_idempotent=True)
        dispatch = say(toys, "ana")
        claim()
        change(dispatch, lease_until=PAST)
        attend()

        assert (now(dispatch).state, now(dispatch).message.status) == ("waiting", "queued")

    def test_that_last_are_left_alone(self, toys):
        dispatch = say(toys, "ana")
        claim()
        attend()

        assert now(dispatch).state == "sending"

    def test_are_no_longer_their_worker_s_once_they_ended(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        change(dispatch, lease_until=PAST)
        attend()
        settle(Sent("p-1"), claimed)

        assert now(dispatch).state == "unknown"


class TestDoubts:
    @pytest.fixture
    def doubtful(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        settle(Uncertain(), claimed)
        return dispatch

    def test_stay_for_a_time_of_grace(self, doubtful):
        attend()

        resolve_at = now(doubtful).resolve_at
        assert resolve_at is not None
        assert (resolve_at - timezone.now()).total_seconds() == pytest.approx(300, abs=60)

    def test_stay_for_good_when_it_is_over(self, doubtful):
        change(doubtful, resolve_at=PAST)
        attend()

        stands = now(doubtful)
        assert (stands.state, stands.resolve_at, stands.finished_at is not None) == ("unknown", None, True)
        assert stands.message.status == "unknown"
        assert taken() == []

    def test_end_in_another_attempt_where_that_is_wanted(self, doubtful):
        change(doubtful, resolve_at=PAST, guarantee="at_least_once")
        attend()

        assert now(doubtful).state == "waiting"
        assert taken() == [doubtful.pk]

    def test_do_not_end_in_one_that_comes_too_late(self, doubtful):
        change(doubtful, resolve_at=PAST, guarantee="at_least_once", expires_at=PAST)
        attend()

        assert now(doubtful).state == "unknown"

    def test_are_looked_up_where_the_provider_can_be_asked(self, doubtful, speak):
        speak(can_look_up=True)
        change(doubtful, resolve_at=PAST)
        (lookup,) = attend()

        assert lookup.message.id == doubtful.message.public_id
        assert lookup.message.tried_at == attempts(doubtful)[0].started_at
        assert attend() == []  # somebody is at it


class TestExpiry:
    def test_ends_what_waits(self, toys):
        dispatch = say(toys, "ana", expires_at=timezone.now() + timedelta(hours=1))
        change(dispatch, expires_at=PAST)
        attend()

        assert (now(dispatch).state, now(dispatch).message.status) == ("failed", "failed")
        assert failure_of(dispatch)["code"] == "expired"

    def test_leaves_what_is_under_way(self, toys):
        dispatch = say(toys, "ana")
        claim()
        change(dispatch, expires_at=PAST)
        attend()

        assert now(dispatch).state == "sending"


class TestSchedules:
    def test_turn_into_messages_when_their_time_has_come(self, toys):
        dispatch = say(toys, "ana", send_at=timezone.now() + timedelta(hours=1))
        assert now(dispatch).message.status == "scheduled"
        change(dispatch, send_at=PAST, next_attempt_at=PAST)
        attend()

        assert now(dispatch).message.status == "queued"
        assert LoggedEvent.unscoped.filter(type="message_out").count() == 1
        assert now(dispatch).message.created_at > timezone.now() - timedelta(minutes=1)

    def test_are_kept_until_then(self, toys):
        dispatch = say(toys, "ana", send_at=timezone.now() + timedelta(hours=1))
        attend()

        assert now(dispatch).message.status == "scheduled"

    def test_are_kept_on_the_cable_too(self, live):
        support = open_inbox(live)
        dispatch = say_on_cable(support, send_at=timezone.now() + timedelta(hours=1))
        change(dispatch, send_at=PAST, next_attempt_at=PAST)
        attend()

        assert (now(dispatch).state, now(dispatch).message.status) == ("sent", "sent")

    def test_do_not_reach_who_was_blocked_meanwhile(self, live):
        support = open_inbox(live)
        dispatch = say_on_cable(support, send_at=timezone.now() + timedelta(hours=1))
        change(dispatch, send_at=PAST, next_attempt_at=PAST)
        dispatch.contact.blocked = True
        dispatch.contact.save()
        attend()

        assert (now(dispatch).state, failure_of(dispatch)["code"]) == ("failed", "blocked")


def say_on_cable(inbox, **options):
    """Send a message to somebody on the cable."""
    return say(inbox, "browser-1", **options)


class TestClosedInboxes:
    def close(self, inbox):
        inboxes.close(inbox=inbox, by=audit.Who("system", "", None))

    def test_end_what_waits_and_what_is_scheduled_at_once(self, live, toys, relay):
        shop = listen(live, events=["message_status"])
        due, later = say(toys, "ana"), say(toys, "ben", send_at=timezone.now() + timedelta(days=2))
        self.close(toys)
        attend()
        relay.drain()

        for dispatch in (due, later):
            stands = now(dispatch)
            assert (stands.state, stands.message.status) == ("failed", "failed")
            assert failure_of(dispatch)["code"] == "inbox_closed"
            assert attempts(dispatch) == []
        assert [each["data"]["message"]["status"] for each in told(shop)].count("failed") == 2
        assert Line.unscoped.get(pk=toys.pk).next_due_at is None

    def test_end_a_long_queue_batch_by_batch(self, toys, monkeypatch):
        monkeypatch.setattr(attending, "AT_ONCE", 2)
        for name in ("ana", "ben", "cem"):
            say(toys, name, send_at=timezone.now() + timedelta(days=2))
        self.close(toys)

        left = []
        for _ in range(3):
            attend()
            left.append(Dispatch.unscoped.filter(state="waiting").count())
        assert left == [1, 0, 0]

    def test_end_what_is_there_on_the_cable(self, live):
        web = open_inbox(live)
        dispatch = say(web, "browser-1", send_at=timezone.now() + timedelta(days=2))
        self.close(web)
        attend()

        assert (now(dispatch).state, now(dispatch).message.status) == ("failed", "failed")

    def test_hand_over_to_the_next_step_of_a_chain(self, toys):
        step = {"channel": "sms", "on": ["failed"]}
        dispatch = say(toys, "ana", send_at=timezone.now() + timedelta(days=2), fallback=[step])
        self.close(toys)
        Attendant(Buckets())._settle(Attendant(Buckets())._closed())

        assert now(dispatch).fallback_at is not None

    def test_leave_in_doubt_what_may_have_arrived(self, toys):
        dispatch = say(toys, "ana", guarantee="at_least_once")
        (claimed,) = claim().dispatches
        settle(Uncertain(), claimed)
        change(dispatch, state="waiting", resolve_at=None, next_attempt_at=timezone.now() + timedelta(hours=1))
        self.close(toys)
        attend()

        assert now(dispatch).state == "unknown"

    def test_are_nothing_that_workers_claim_for(self, toys):
        say(toys, "ana")
        self.close(toys)

        assert taken() == []

    def test_end_what_comes_afterwards(self, toys):
        self.close(toys)
        dispatch = say(toys, "ana")
        attend()

        assert failure_of(dispatch)["code"] == "inbox_closed"
