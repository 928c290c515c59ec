"""What is written down about an attempt, and when it is not."""

from uuid import uuid4

import pytest
from django.utils import timezone

from conversations.models import Conversation, Message
from events.models import LoggedEvent
from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from outbound.models import Attempt
from outbound.services import settling
from outbound.services.results import Release
from tests.outbound.stepping import claim, result, settle
from tests.outbound.working import attempts, failure_of, line_of, now, say


class TestSettling:
    def test_moves_dispatch_message_attempt_and_log_together(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        settle(Sent("p-1"), claimed)

        stands = now(dispatch)
        assert (stands.state, stands.attempts, stands.provider_id, stands.lease_token) == ("sent", 1, "p-1", None)
        assert (stands.message.status, stands.message.provider_id) == ("sent", "p-1")
        assert [each.state for each in attempts(dispatch)] == ["sent"]
        assert LoggedEvent.unscoped.filter(type="message_status").count() == 1

    def test_gives_each_event_of_a_conversation_the_next_number(self, toys):
        said = [say(toys, name) for name in ("ana", "ben", "eve")]
        results = [result(claimed, Sent(f"p-{claimed.id}")) for claimed in claim().dispatches]
        settling.settle(results)

        for each in said:
            logged = LoggedEvent.unscoped.filter(conversation_id=each.conversation_id).order_by("sequence")
            assert list(logged.values_list("sequence", flat=True)) == [1, 2, 3]
            assert Conversation.unscoped.get(pk=each.conversation_id).sequence == 3

    def test_leaves_out_what_is_no_longer_its_sender_s(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        settled = settle(Sent("p-1"), claimed._replace(token=uuid4()))

        assert settled.ids == set()
        assert (now(dispatch).state, now(dispatch).message.status) == ("sending", "queued")
        assert attempts(dispatch)[0].state == "open"

    def test_is_done_once(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        settle(Sent("p-1"), claimed)
        settle(Rejected("invalid_recipient"), claimed)

        assert now(dispatch).message.status == "sent"

    def test_never_takes_back_what_a_receipt_has_told_but_learns_the_provider_s_name(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        Message.unscoped.filter(pk=dispatch.message_id).update(status="delivered")
        settle(Sent("p-1"), claimed)

        assert (now(dispatch).message.status, now(dispatch).message.provider_id) == ("delivered", "p-1")
        assert not LoggedEvent.unscoped.filter(type="message_status").exists()

    def test_leaves_nothing_in_doubt_that_a_receipt_has_told(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        Message.unscoped.filter(pk=dispatch.message_id).update(status="delivered")
        settle(Uncertain(), claimed)

        assert (now(dispatch).state, now(dispatch).resolve_at) == ("sent", None)

    def test_bears_that_a_message_was_erased_meanwhile(self, toys):
        dispatch, other = say(toys, "ana"), say(toys, "ben")
        results = [result(claimed, Sent("p-1")) for claimed in claim().dispatches]
        Conversation.unscoped.filter(pk=dispatch.conversation_id).delete()
        settled = settling.settle(results)

        assert settled.ids == {other.pk}

    def test_keeps_a_refusal_s_words(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        settle(Rejected("invalid_recipient", "x" * 2000, "y" * 200), claimed)

        assert len(attempts(dispatch)[0].detail) == 500
        assert failure_of(dispatch)["code"] == "invalid_recipient"

    def test_has_the_next_of_a_pair_looked_at(self, toys):
        say(toys, "ana", "1")
        second = say(toys, "ana", "2")
        (claimed,) = claim().dispatches
        settle(Sent("p-1"), claimed)

        assert [each.id for each in claim().dispatches] == [second.pk]

    def test_tells_whom_to_leave_alone(self, toys):
        say(toys, "ana")
        (claimed,) = claim().dispatches
        settled = settle(Deferred("rate_limited", seconds=6, pauses="recipient"), claimed)

        assert settled.holds == [(claimed, 6)]

    def test_makes_a_line_rest_as_long_as_its_provider_asked(self, toys):
        say(toys, "ana")
        (claimed,) = claim().dispatches
        settle(Deferred("rate_limited", seconds=30, pauses="account"), claimed)

        paused_until = line_of(toys).paused_until
        assert paused_until is not None
        assert (paused_until - timezone.now()).total_seconds() == pytest.approx(30, abs=2)
        assert line_of(toys).pause_reason == "rate_limited"


class TestGivingBack:
    def test_leaves_no_trace_of_an_attempt(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        settling.settle([], [Release(claimed, "stopped")])

        stands = now(dispatch)
        assert (stands.state, stands.tries, stands.attempts, stands.lease_token) == ("waiting", 0, 0, None)
        assert not Attempt.unscoped.exists()
        assert len(claim().dispatches) == 1

    def test_is_not_done_by_who_no_longer_has_it(self, toys):
        dispatch = say(toys, "ana")
        (claimed,) = claim().dispatches
        settling.settle([], [Release(claimed._replace(token=uuid4()), "stopped")])

        assert now(dispatch).state == "sending"
