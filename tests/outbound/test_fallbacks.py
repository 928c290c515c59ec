"""Chains: when the next step is taken, by whom, and when it is not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import audit
from conversations.models import Message
from conversations.queries import conversations_of
from conversations.services import erasure, messages, statuses, timeline
from conversations.services.messages import Draft
from events.event import SYSTEM
from inboxes.channels.outcomes import Rejected, Sent, Uncertain
from outbound.models import Dispatch
from outbound.services import fallbacks, planning, sending
from tests.outbound.stepping import claim, settle
from tests.outbound.working import API, now, open_toy, say, talk_with

PAST = timezone.now() - timedelta(hours=1)


@pytest.fixture
def second(live, toys):
    """The inbox that the chain goes on in."""
    return open_toy(live)


@pytest.fixture
def chained(toys, second):
    """Send a message whose chain has one step, on these triggers."""

    def send(**step):
        asked = {
            "channel": "toy", "inbox_id": toys.public_id, "recipient_id": "ana", "text": "Hello",
            "fallback": [{"channel": "toy", "inbox_id": second.public_id, "recipient_id": "ana-2", **step}],
        }  # fmt: skip
        message = sending.send(planning.plan(toys.environment, asked), author=API)
        return Dispatch.unscoped.get(message=message)

    return send


def came_to(outcome):
    """Have the message that is due come to something."""
    (claimed,) = claim().dispatches
    settle(outcome, claimed)


def receipt(dispatch, status, **fields):
    """Have a provider tell what became of a message, and everybody be told."""
    message = now(dispatch).message
    held = timeline.lock(conversations_of(dispatch.environment).get(pk=message.conversation_id)).conversation
    statuses.advance(held, message, status, actor=SYSTEM, **fields)


def child_of(dispatch):
    """Return the next message of a chain, if there is one."""
    return Dispatch.unscoped.select_related("message").filter(fallback_of=dispatch).first()


class TestAStep:
    def test_is_taken_when_a_message_failed(self, chained, second):
        dispatch = chained()
        came_to(Rejected("invalid_recipient"))
        fallbacks.take_due()

        child = child_of(dispatch)
        assert (child.inbox_id, child.address, child.message.text) == (second.pk, "ana-2", "Hello")
        assert (child.state, child.message.status) == ("waiting", "queued")
        assert now(dispatch).fallback_taken_at is not None

    def test_is_taken_once(self, chained):
        dispatch = chained()
        came_to(Rejected("invalid_recipient"))
        fallbacks.take_due()
        Dispatch.unscoped.filter(pk=dispatch.pk).update(fallback_at=PAST)
        fallbacks.take_due()

        assert Dispatch.unscoped.filter(fallback_of=dispatch).count() == 1

    def test_is_not_taken_while_a_message_is_in_doubt(self, chained):
        dispatch = chained()
        came_to(Uncertain())
        fallbacks.take_due()

        assert child_of(dispatch) is None

    def test_is_taken_for_a_reason_that_it_names_only(self, chained):
        dispatch = chained(on=["window_closed"])
        came_to(Rejected("invalid_recipient"))
        fallbacks.take_due()

        assert child_of(dispatch) is None

    def test_is_taken_for_want_of_a_receipt_in_time(self, chained):
        dispatch = chained(after_seconds=60)
        came_to(Sent("p-1"))

        fallback_at = now(dispatch).fallback_at
        assert fallback_at is not None
        assert (fallback_at - timezone.now()).total_seconds() == pytest.approx(60, abs=30)
        fallbacks.take_due()
        assert child_of(dispatch) is None
        Dispatch.unscoped.filter(pk=dispatch.pk).update(fallback_at=PAST)
        fallbacks.take_due()
        assert child_of(dispatch) is not None

    def test_is_not_waited_for_where_nobody_asked_for_that(self, chained):
        dispatch = chained()
        came_to(Sent("p-1"))

        assert now(dispatch).fallback_at is None

    def test_is_passed_over_where_it_cannot_be_sent(self, toys, chained, second):
        dispatch = chained()
        second.deleted_at = timezone.now()
        second.save()
        came_to(Rejected("invalid_recipient"))
        fallbacks.take_due()

        assert child_of(dispatch) is None
        assert now(dispatch).fallback_taken_at is not None


class TestReceipts:
    def test_end_the_wait_for_them(self, chained, relay):
        dispatch = chained(after_seconds=60)
        came_to(Sent("p-1"))
        receipt(dispatch, "delivered")
        relay.drain()

        assert (now(dispatch).fallback_at, now(dispatch).delivered_via) == (None, "toy")

    def test_of_a_failure_have_the_next_step_taken(self, chained, relay):
        dispatch = chained()
        came_to(Sent("p-1"))
        receipt(dispatch, "failed", failure={"code": "undelivered"})
        relay.drain()
        fallbacks.take_due()

        assert child_of(dispatch) is not None

    def test_of_the_last_message_tell_that_the_first_has_arrived(self, chained, relay):
        dispatch = chained()
        came_to(Rejected("invalid_recipient"))
        fallbacks.take_due()
        came_to(Sent("p-2"))
        receipt(child_of(dispatch), "delivered")
        relay.drain()

        assert (now(dispatch).delivered_via, child_of(dispatch).delivered_via) == ("toy", "toy")
        assert now(dispatch).last_code == "invalid_recipient"

    def test_that_come_after_the_step_was_taken_are_noted(self, chained, relay):
        dispatch = chained(after_seconds=60)
        came_to(Sent("p-1"))
        Dispatch.unscoped.filter(pk=dispatch.pk).update(fallback_at=PAST)
        fallbacks.take_due()
        receipt(dispatch, "delivered")
        relay.drain()

        assert now(dispatch).last_code == "late_delivery"

    @pytest.mark.parametrize(
        ("status", "state"), [("sent", "sent"), ("delivered", "sent"), ("read", "sent"), ("failed", "failed")]
    )
    def test_take_a_message_out_of_doubt(self, toys, relay, status, state):
        dispatch = say(toys, "ana")
        came_to(Uncertain())
        receipt(dispatch, status)
        relay.drain()

        assert (now(dispatch).state, now(dispatch).resolve_at) == (state, None)

    def test_spare_another_attempt(self, toys, relay, speak):
        speak(is_idempotent=True)
        dispatch = say(toys, "ana")
        came_to(Uncertain())
        Dispatch.unscoped.filter(pk=dispatch.pk).update(state="waiting", last_code="no_answer", next_attempt_at=PAST)
        receipt(dispatch, "delivered")
        relay.drain()

        assert (now(dispatch).state, now(dispatch).next_attempt_at) == ("sent", None)


class TestMessagesThatBeganElsewhere:
    def test_are_queued_when_they_are_told_of(self, toys, relay):
        talk = talk_with(toys, "ana")
        message = messages.send(conversation=talk, author=API, draft=Draft(text="a reply"))
        relay.drain()

        assert Dispatch.unscoped.get(message=message).address == "ana"

    def test_are_queued_once(self, toys, relay):
        say(toys, "ana")
        relay.drain()

        assert Dispatch.unscoped.count() == 1

    def test_of_the_cable_are_not_queued(self, conversation, relay):
        messages.send(conversation=conversation, author=API, draft=Draft(text="hi"))
        relay.drain()

        assert not Dispatch.unscoped.exists()


class TestErasedPeople:
    def test_get_nothing_more(self, toys, relay):
        dispatch = say(toys, "ana")
        dispatch.contact.environment = toys.environment
        erasure.erase(contact=dispatch.contact, by=audit.SYSTEM, actor=SYSTEM)
        relay.drain()

        assert not Message.unscoped.exists()
        assert claim().dispatches == []
