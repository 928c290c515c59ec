"""What follows from what became of an attempt."""

from dataclasses import replace
from uuid import uuid4

import pytest

from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import Outgoing, Reply
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT, OUR_FAULT, Accident
from outbound import policy
from outbound.models import Dispatch
from outbound.policy import Terms
from tests.outbound.toys import Toy

LIVE = Terms(attempts=0, livemode=True, at_least_once=False, is_idempotent=False, can_look_up=False)
MESSAGE = Outgoing("msg_1", uuid4(), "ana", "text", "hi")
AWAY = Deferred("provider_unavailable", "busy", "503")
WAITING, SENT, FAILED, UNKNOWN = (Dispatch.State[name] for name in ("WAITING", "SENT", "FAILED", "UNKNOWN"))


def verdict(outcome, **terms):
    return policy.verdict_of(outcome, replace(LIVE, **terms))


class TestWhatACallCameTo:
    def test_is_the_provider_s_own_word_where_there_is_one(self):
        assert policy.outcome_of(Toy(), MESSAGE, Reply(200, b'{"id": "p-1"}')) == Sent("p-1")

    def test_is_uncertain_where_the_answer_was_lost(self):
        assert isinstance(policy.outcome_of(Toy(), MESSAGE, Accident(AMBIGUOUS, "reset")), Uncertain)

    @pytest.mark.parametrize(("kind", "counts"), [(NOT_SENT, True), (OUR_FAULT, False)])
    def test_is_not_sent_where_nothing_left(self, kind, counts):
        outcome = policy.outcome_of(Toy(), MESSAGE, Accident(kind, "refused"))

        assert (outcome.code, outcome.counts) == ("provider_unavailable", counts)

    def test_is_a_refusal_where_it_redirects(self):
        assert policy.outcome_of(Toy(), MESSAGE, Reply(307)).code == "invalid_for_provider"

    def test_is_uncertain_where_an_answer_breaks_the_adapter(self):
        class Broken(Toy):
            def judge(self, reply, message):
                raise KeyError("messages")

        assert isinstance(policy.outcome_of(Broken(), MESSAGE, Reply(200)), Uncertain)


class TestVerdicts:
    def test_say_sent(self):
        assert (verdict(Sent("p-1")).state, verdict(Sent("p-1")).status) == (SENT, "sent")

    def test_say_failed_with_the_reason_in_our_words_and_the_provider_s(self):
        found = verdict(Rejected("invalid_recipient", "no such number", "21211"))

        assert (found.state, found.status) == (FAILED, "failed")
        assert found.failure == {
            "code": "invalid_recipient",
            "message": "The recipient's address is not valid on this channel. no such number",
            "provider_code": "21211",
            "permanent": True,
        }

    def test_let_a_message_wait_while_credentials_are_refused_without_counting(self):
        found = verdict(Rejected("channel_auth_failed", disconnects=True))

        assert (found.state, found.counts, found.status) == (WAITING, False, "")

    def test_wait_at_random_and_longer_each_time(self):
        waits = [max(verdict(Deferred("rate_limited"), attempts=n).wait for _ in range(200)) for n in range(4)]

        assert all(4 * 2**n < wait <= 5 * 2**n for n, wait in enumerate(waits))

    def test_wait_as_the_operator_says(self):
        waits = [verdict(Deferred("rate_limited"), attempts=n, schedule=[1.0, 7.0]).wait for n in range(2)]

        assert waits == [1.0, 7.0]
        assert verdict(Deferred("rate_limited"), attempts=2, schedule=[1.0, 7.0]).state == FAILED

    def test_wait_as_the_provider_says_and_an_hour_at_most(self):
        assert verdict(Deferred("rate_limited", seconds=17)).wait == 17
        assert verdict(Deferred("rate_limited", seconds=86_400)).wait == 3600

    def test_give_up_after_five_attempts_and_say_that_it_may_work_later(self):
        assert verdict(Deferred("media_refused"), attempts=3).state == WAITING
        found = verdict(Deferred("media_refused", "busy", "503"), attempts=4)

        assert (found.state, found.code) == (FAILED, "retries_exhausted")
        assert found.failure is not None
        assert (found.failure["permanent"], found.failure["provider_code"]) == (False, "503")

    def test_give_up_sooner_where_a_provider_knows_that_it_is_hopeless(self):
        assert verdict(Deferred("media_refused", most_attempts=2), attempts=1).state == FAILED

    @pytest.mark.parametrize("outcome", [AWAY, Deferred("rate_limited", pauses="account")])
    def test_wait_for_a_provider_that_fails_everybody_without_counting(self, outcome):
        found = verdict(outcome, attempts=4, tries=500)

        assert (found.state, found.counts) == (WAITING, False)
        assert verdict(outcome, tries=policy.MOST_TRIES).state == FAILED

    @pytest.mark.parametrize("schedule", [(), (1.0, 2.0, 3.0, 4.0)])
    def test_take_another_way_where_there_is_one_after_five_tries(self, schedule):
        assert verdict(AWAY, tries=4, has_other_way=True, schedule=schedule).state == WAITING
        assert verdict(AWAY, tries=5, has_other_way=True, schedule=schedule).state == FAILED

    def test_wait_for_longer_than_a_message_lives(self):
        waits = [verdict(AWAY, tries=tries).wait for tries in range(1, policy.MOST_TRIES)]

        assert max(waits) <= 300
        assert sum(waits) > 24 * 3600

    def test_do_not_count_what_is_nobody_s_fault(self):
        found = verdict(Deferred("moved", counts=False), attempts=4)

        assert (found.state, found.counts) == (WAITING, False)

    def test_leave_in_doubt_what_may_have_arrived(self):
        found = verdict(Uncertain())

        assert (found.state, found.status, found.resolve) == (UNKNOWN, "unknown", 300.0)

    def test_look_up_what_can_be_looked_up_after_ten_seconds(self):
        assert verdict(Uncertain(), can_look_up=True).resolve == 10.0

    def test_send_again_what_the_provider_folds(self):
        found = verdict(Uncertain(), is_idempotent=True)

        assert (found.state, found.status) == (WAITING, "")
        assert verdict(Uncertain(), is_idempotent=True, tries=500).state == WAITING
        assert verdict(Uncertain(), is_idempotent=True, tries=5, has_other_way=True).state == UNKNOWN

    @pytest.mark.parametrize("outcome", [Rejected("invalid_recipient"), Deferred("rate_limited")])
    def test_never_say_that_something_failed_that_may_have_arrived_before(self, outcome):
        found = verdict(outcome, doubted=True, attempts=4)

        assert (found.state, found.status) == (UNKNOWN, "unknown")

    def test_are_quick_in_a_sandbox(self):
        assert verdict(Deferred("rate_limited"), livemode=False).wait == 0.2
        assert verdict(Uncertain(), livemode=False).resolve == 3.0


class TestRests:
    def test_begin_with_the_tenth_fault_and_double_up_to_five_minutes(self):
        rests = [policy.rest_after(faults) for faults in (9, 10, 11, 12, 16, 40)]

        assert rests == [0.0, 5.0, 10.0, 20.0, 300.0, 300.0]

    def test_between_probes_double_up_to_a_quarter_of_an_hour(self):
        assert [policy.probe_after(refusals) for refusals in (1, 2, 3, 9)] == [60.0, 120.0, 240.0, 900.0]

    def test_between_lookups_lead_to_five_minutes_in_all(self):
        waits = [policy.next_lookup(lookups) for lookups in (0, 1, 2)]

        assert waits == [10.0, 50.0, 240.0]
        assert policy.next_lookup(3) is None


class TestStepsOfAChain:
    @pytest.mark.parametrize("code", ["invalid_recipient", "undelivered", "expired", "window_closed"])
    def test_are_taken_when_a_message_failed_of_anything(self, code):
        assert policy.triggers({"on": ["failed"]}, "failed", code)

    def test_are_taken_for_one_reason_only_where_that_is_asked(self):
        assert policy.triggers({"on": ["window_closed"]}, "failed", "window_closed")
        assert not policy.triggers({"on": ["window_closed"]}, "failed", "expired")

    def test_are_taken_for_want_of_a_receipt_only_where_that_is_asked(self):
        assert policy.triggers({"on": ["no_delivery"]}, "sent", "")
        assert not policy.triggers({"on": ["failed"]}, "sent", "")

    def test_are_not_taken_from_a_message_in_doubt_unless_that_is_asked(self):
        assert not policy.triggers({}, "unknown", "no_answer")
        assert policy.triggers({"on": ["unknown"]}, "unknown", "no_answer")

    @pytest.mark.parametrize("status", ["delivered", "read", "canceled"])
    def test_are_not_taken_once_a_message_has_arrived_or_was_withdrawn(self, status):
        assert not policy.triggers({"on": ["failed", "no_delivery", "unknown"]}, status, "")
