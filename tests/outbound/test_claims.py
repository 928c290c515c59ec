"""Which messages are taken, in which order, and how many."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from core import tenancy
from inboxes import channels
from inboxes.channels.capabilities import Rate
from outbound.models import Attempt, Dispatch, Line
from outbound.services.buckets import Buckets
from outbound.services.claims import Claimer
from outbound.services.inboxes import Inboxes
from outbound.services.slots import Slots
from tests.outbound.stepping import claim, taken
from tests.outbound.working import line_of, now, open_toy, say


def put_off(dispatch, seconds):
    Dispatch.unscoped.filter(pk=dispatch.pk).update(next_attempt_at=timezone.now() + timedelta(seconds=seconds))


class TestAClaim:
    def test_is_a_lease_with_an_attempt_that_is_open(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches

        held = now(dispatch)
        assert (held.state, held.tries, held.attempts, held.lease_token) == ("sending", 1, 0, claimed.token)
        assert held.lease_until is not None
        assert 30 < (held.lease_until - timezone.now()).total_seconds() < 91
        assert Attempt.unscoped.get(dispatch=dispatch).state == "open"
        assert (claimed.address, claimed.tries, claimed.livemode) == ("ana", 1, True)

    def test_takes_nothing_twice(self, toys):
        say(toys, "ana")

        assert len(taken()) == 1
        assert taken() == []

    def test_leaves_what_is_not_due_and_says_when_it_is(self, toys):
        later = say(toys, "ana")
        put_off(later, 20)

        found = claim()

        assert found.dispatches == []
        assert found.next_due == pytest.approx(20, abs=15)
        assert line_of(toys).next_due_at is not None
        assert taken() == []

    def test_looks_at_a_line_no_more_where_nothing_waits(self, toys):
        say(toys, "ana")
        claim()

        assert line_of(toys).next_due_at is None

    def test_leaves_a_line_that_rests(self, toys):
        say(toys, "ana")
        Line.unscoped.update(paused_until=timezone.now() + timedelta(seconds=60))

        assert taken() == []

    @pytest.mark.parametrize("fields", [{"is_disconnected": True}, {"consecutive_faults": 10}])
    def test_takes_one_at_a_time_of_a_line_that_has_to_prove_itself(self, toys, fields):
        for name in ("ana", "ben", "eve"):
            say(toys, name)
        Line.unscoped.update(**fields)

        assert len(taken()) == 1
        Line.unscoped.update(next_due_at=timezone.now())
        assert taken() == []

    def test_leaves_what_is_scheduled_until_it_has_become_a_message(self, toys):
        scheduled = say(toys, "ana", send_at=timezone.now() + timedelta(hours=1))
        put_off(scheduled, -1)
        Line.unscoped.update(next_due_at=timezone.now())

        assert taken() == []

    def test_leaves_lines_alone_whose_channel_nobody_here_speaks(self, toys, monkeypatch):
        say(toys, "ana")
        monkeypatch.delitem(channels.REGISTRY, "toy")

        assert taken() == []
        due_at = line_of(toys).next_due_at
        assert due_at is not None
        assert due_at > timezone.now() + timedelta(seconds=30)


class TestTheOrderOfAPair:
    def test_is_that_of_the_queue_one_at_a_time(self, toys):
        first, _ = say(toys, "ana", "1"), say(toys, "ana", "2")

        assert taken() == [first.pk]
        Line.unscoped.update(next_due_at=timezone.now())
        assert taken() == []

    def test_waits_for_a_message_that_is_tried_again_soon(self, toys):
        first, _ = say(toys, "ana", "1"), say(toys, "ana", "2")
        put_off(first, 10)

        assert taken() == []

    def test_does_not_wait_for_one_that_is_tried_again_late(self, toys):
        first, second = say(toys, "ana", "1"), say(toys, "ana", "2")
        put_off(first, 60)

        assert taken() == [second.pk]

    def test_lets_what_hurries_pass(self, toys):
        say(toys, "ana", "1")
        code = say(toys, "ana", "2", category="authentication")

        assert taken() == [code.pk]

    def test_lets_words_pass_what_is_sent_in_bulk(self, toys):
        say(toys, "ana", "1", category="marketing")
        words = say(toys, "ana", "2")

        assert taken() == [words.pk]

    def test_is_not_that_of_other_people(self, toys):
        said = [say(toys, name) for name in ("ana", "ben", "eve")]

        assert taken() == [each.pk for each in said]

    def test_is_kept_by_the_database_too(self, toys):
        say(toys, "ana", "1")
        say(toys, "ana", "2")

        with pytest.raises(Exception, match="one_message_of_a_pair_leaves"):
            Dispatch.unscoped.update(state="sending")


class TestShares:
    def test_leave_room_for_what_hurries(self, toys):
        for number in range(12):
            say(toys, f"somebody-{number}")
        slots = Slots(10)
        first = Claimer(Inboxes(), Buckets()).claim(slots)
        for claimed in first.dispatches:
            slots.take(claimed)
        code = say(toys, "ana", category="authentication")

        again = Claimer(Inboxes(), Buckets()).claim(slots)

        assert len(first.dispatches) == 3
        assert [claimed.id for claimed in again.dispatches] == [code.pk]

    def test_of_a_backlog_leave_room_for_other_tenants(self, toys, globex):
        for number in range(30):
            say(toys, f"somebody-{number}")
        theirs = say(open_toy(globex), "ana")

        assert theirs.pk in taken(slots=10)

    def test_have_a_line_looked_at_again_soon_that_has_more(self, toys):
        for number in range(12):
            say(toys, f"somebody-{number}")

        assert claim(slots=10).is_hungry
        assert len(taken()) == 9


class TestRates:
    def test_of_an_account_make_its_line_wait_and_count_no_attempt(self, toys, speak):
        speak(account_rate=Rate(1, 2))
        said = [say(toys, name) for name in ("ana", "ben", "eve")]

        found = claim()

        assert [claimed.id for claimed in found.dispatches] == [each.pk for each in said[:2]]
        assert found.next_due == pytest.approx(1.0, abs=0.9)
        assert (now(said[2]).attempts, now(said[2]).tries, now(said[2]).state) == (0, 0, "waiting")

    def test_of_a_recipient_make_only_theirs_wait(self, toys, speak):
        speak(recipient_rate=Rate(0.1, 1))
        say(toys, "ana", "1")
        claim()
        Dispatch.unscoped.update(state="sent", next_attempt_at=None)
        second, other = say(toys, "ana", "2"), say(toys, "ben")

        assert taken() == [other.pk]
        due_at = now(second).next_attempt_at
        assert due_at is not None
        assert (due_at - timezone.now()).total_seconds() == pytest.approx(10, abs=9)

    def test_are_nobody_s_business_in_a_sandbox(self, sandbox, speak):
        speak(account_rate=Rate(1, 1))
        toys = open_toy(sandbox)
        for name in ("ana", "ben", "eve"):
            say(toys, name)

        assert len(taken()) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
class TestSeveralWorkers:
    def test_take_different_messages(self, live, speak):
        lines = [open_toy(live) for _ in range(4)]
        said = [say(inbox, f"somebody-{number}") for number in range(5) for inbox in lines]
        found, together = list[int](), Barrier(3)

        def work():
            with tenancy.everyone():
                together.wait()
                for _ in range(4):
                    found.extend(taken())
                    Line.unscoped.update(next_due_at=timezone.now())
            connection.close()

        workers = [Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert sorted(found) == [each.pk for each in said]
