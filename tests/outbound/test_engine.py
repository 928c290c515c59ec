"""The engine at work: what a provider gets, and what becomes of the message."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import ContactSession, Suppression
from contacts.services import addresses
from conversations.models import Message
from conversations.services import people
from events.models import LoggedEvent
from outbound import policy
from outbound.models import Attempt, Dispatch
from tests.engines import until
from tests.outbound.working import at_work, attempts, due_now, failure_of, now, open_toy, say, settled
from tests.providers.server import answer, answer_json, cut_off, garbage, half_a_line, hang, hang_up, reset

pytestmark = pytest.mark.django_db(transaction=True)


class TestSending:
    def test_arrives_once_and_everybody_is_told(self, toys, provider):
        with at_work():
            (dispatch,) = settled([say(toys, "ana", "Hello")])

        (sent,) = provider.taken
        assert (sent["to"], sent["text"], sent["id"]) == ("ana", "Hello", dispatch.message.public_id)
        message = dispatch.message
        assert (message.status, message.provider_id, dispatch.provider_id) == ("sent", "p-1", "p-1")
        assert [each["status"] for each in message.timeline] == ["queued", "sending", "sent"]
        (attempt,) = attempts(dispatch)
        assert (attempt.state, attempt.status_code, attempt.n) == ("sent", 200, 1)
        assert attempt.ended_at is not None
        told = LoggedEvent.unscoped.filter(type="message_status").get()
        assert told.data["message"]["status"] == "sent"
        assert told.sequence == 3  # the conversation, what was said, what became of it
        message.conversation.refresh_from_db()
        assert message.conversation.sequence == 3

    @pytest.mark.slow
    def test_leaves_the_messages_of_a_pair_in_their_order(self, toys, provider):
        provider.delay = 0.02
        said = [say(toys, "ana", str(number)) for number in range(8)]
        with at_work():
            settled(said)

        assert provider.texts == [str(number) for number in range(8)]

    @pytest.mark.slow
    def test_sends_to_many_at_a_time(self, toys, provider, settings):
        settings.OUTBOUND_DRAIN_SECONDS = 0.1
        provider.keeps_meeting(hang())
        for number in range(20):
            say(toys, f"somebody-{number}")
        with at_work():
            provider.wait_for(20)

    def test_knows_a_message_that_was_accepted_without_an_id_as_sent(self, toys, provider):
        provider.meets(answer(200, b"whatever"), taken=True)
        with at_work():
            (dispatch,) = settled([say(toys, "ana")])

        assert (dispatch.message.status, dispatch.message.provider_id) == ("sent", None)
        assert len(provider.taken) == 1

    def test_remembers_further_addresses_that_an_answer_gives_away(self, toys, provider):
        provider.meets(answer_json({"id": "p-1", "aliases": ["ana-2"]}))
        with at_work():
            (dispatch,) = settled([say(toys, "ana")])

        alias = ContactSession.unscoped.get(inbox=toys, source_id="ana-2")
        assert alias.contact_id == dispatch.contact_id

    def test_goes_on_where_the_recipient_has_moved(self, toys, provider):
        provider.meets(answer_json({"moved": "ana-new"}, 400))
        with at_work():
            (dispatch,) = settled([say(toys, "ana")])

        assert [each["to"] for each in provider.taken] == ["ana-new"]
        assert (dispatch.address, dispatch.attempts) == ("ana-new", 1)


@pytest.mark.slow
class TestRefusals:
    def test_are_final_and_say_why(self, toys, provider):
        provider.meets(answer_json({"code": 21211}, 400))
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "failed")

        failure = failure_of(dispatch)
        assert (failure["code"], failure["provider_code"], failure["permanent"]) == ("invalid_recipient", "21211", True)
        assert "no such number" in failure["message"]
        assert [each.state for each in attempts(dispatch)] == ["rejected"]
        assert provider.taken == []

    def test_may_end_everything_to_that_address(self, toys, provider):
        provider.meets(answer(410))
        with at_work():
            settled([say(toys, "ana")], "failed")
            (second,) = settled([say(toys, "ana")], "failed")

        assert Suppression.unscoped.get(address="ana").reason == "provider"
        assert failure_of(second)["code"] == "opted_out"
        assert len(provider.requests) == 1

    def test_let_the_next_message_go(self, toys, provider):
        provider.meets(answer(400))
        with at_work():
            settled([say(toys, "ana", "1")], "failed")
            settled([say(toys, "ana", "2")])

        assert provider.texts == ["2"]

    def test_come_of_what_the_channel_cannot_say(self, toys, provider):
        with at_work():
            (dispatch,) = settled([say(toys, "ana", "cannot be said")], "failed")
            settled([say(toys, "ben", "can be said")])

        assert failure_of(dispatch)["code"] == "invalid_for_provider"

    @pytest.mark.parametrize("status", [301, 307])
    def test_come_of_a_redirect(self, toys, provider, status):
        provider.meets(answer(status, headers={"Location": "https://example.com/"}))
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "failed")

        assert failure_of(dispatch)["code"] == "invalid_for_provider"


@pytest.mark.slow
class TestWhatIsCertainlyNotSent:
    def test_is_tried_again_after_a_refused_connection(self, toys, provider, settings, quick):
        base, settings.PROVIDER_BASES["toy"] = settings.PROVIDER_BASES["toy"], "http://127.0.0.1:9"
        with at_work():
            dispatch = say(toys, "ana")
            until(lambda: attempts(dispatch) and attempts(dispatch)[0].code)
            settings.PROVIDER_BASES["toy"] = base
            (dispatch,) = settled([dispatch])

        assert [each.state for each in attempts(dispatch)][-1] == "sent"
        assert attempts(dispatch)[0].code == "provider_unavailable"
        assert len(provider.taken) == 1

    def test_is_given_up_after_the_last_attempt(self, toys, provider, quick):
        provider.keeps_meeting(answer_json({"pauses": "recipient"}, 429))
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "failed")

        failure = failure_of(dispatch)
        assert (failure["code"], failure["permanent"]) == ("retries_exhausted", False)
        assert len(provider.requests) == 3

    def test_waits_as_long_as_the_provider_says_and_so_does_the_rest_of_its_line(self, toys, provider):
        provider.meets(answer(429, headers={"Retry-After": "1"}))
        with at_work():
            settled([say(toys, "ana", "1")])
            settled([say(toys, "ben", "2")])

        first, second, _ = (request.at for request in provider.requests)
        assert second - first >= 0.95
        assert len(provider.taken) == 2

    def test_makes_only_its_recipient_wait_where_that_is_what_is_paused(self, toys, provider):
        provider.meets(answer_json({"pauses": "recipient"}, 429, headers={"Retry-After": "60"}))
        with at_work():
            first = say(toys, "ana", "1")
            until(lambda: provider.requests)
            settled([say(toys, "ben", "2")])

        assert now(first).state == "waiting"
        assert provider.texts == ["2"]

    def test_expires(self, toys, provider):
        provider.meets(answer_json({"transient": True}, 503))
        with at_work():
            dispatch = say(toys, "ana", expires_at=timezone.now() + timedelta(seconds=0.4))
            (dispatch,) = settled([dispatch], "failed")

        assert failure_of(dispatch)["code"] == "expired"
        assert provider.taken == []


@pytest.mark.slow
class TestWhatMayHaveArrived:
    @pytest.mark.parametrize(
        ("accident", "seconds"),
        [(hang(), 1), *((act, 30) for act in (hang_up(), reset(), half_a_line(), garbage(), cut_off(), answer(500)))],
    )
    @pytest.mark.parametrize("taken", [False, True])
    def test_is_not_sent_again(self, live, speak, provider, accident, seconds, taken):
        toys = open_toy(live, seconds=seconds)
        provider.meets(accident, taken=taken)
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "unknown")
            due_now(dispatch)  # the time of grace is over
            until(lambda: now(dispatch).resolve_at is None)

        assert now(dispatch).message.status == "unknown"
        assert failure_of(now(dispatch))["code"] == "no_answer"
        assert [each.state for each in attempts(dispatch)] == ["uncertain"]
        assert len(provider.taken) == taken
        assert len(provider.requests) == 1

    def test_does_not_hold_up_what_is_said_next(self, toys, provider):
        provider.meets(reset(), taken=True)
        with at_work():
            settled([say(toys, "ana", "1")], "unknown")
            settled([say(toys, "ana", "2")])

        assert provider.texts == ["1", "2"]

    def test_is_sent_again_where_its_sender_wants_that(self, toys, provider):
        provider.meets(reset())
        with at_work():
            (dispatch,) = settled([say(toys, "ana", guarantee="at_least_once")], "unknown")
            due_now(dispatch)
            (dispatch,) = settled([dispatch])

        assert dispatch.message.status == "sent"
        assert [each.state for each in attempts(dispatch)] == ["uncertain", "sent"]

    def test_is_sent_again_where_the_provider_folds_the_two(self, toys, provider, speak, quick):
        speak(is_idempotent=True)
        provider.meets(reset(), hang_up(), taken=True)
        with at_work():
            (dispatch,) = settled([say(toys, "ana")])

        assert len(provider.taken) == 1
        assert [each.state for each in attempts(dispatch)] == ["uncertain", "uncertain", "sent"]
        assert [each["status"] for each in dispatch.message.timeline] == ["queued", "sending", "sent"]

    def test_is_not_said_to_have_failed_when_every_further_attempt_does(self, toys, provider, speak, quick):
        speak(is_idempotent=True)
        provider.meets(reset(), answer(400))
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "unknown")

        assert dispatch.message.status == "unknown"

    def test_is_looked_up_where_the_provider_can_be_asked(self, toys, provider, speak):
        speak(can_look_up=True)
        provider.meets(reset(), taken=True)
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "unknown")
            due_now(dispatch)
            (dispatch,) = settled([dispatch])

        assert (dispatch.message.status, dispatch.message.provider_id) == ("sent", "p-1")
        assert len(provider.taken) == 1

    def test_is_sent_again_when_the_provider_does_not_have_it(self, toys, provider, speak, monkeypatch):
        monkeypatch.setattr(policy, "MISSING_SECONDS", 0.1)
        speak(can_look_up=True)
        provider.meets(reset())
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "unknown")
            due_now(dispatch)
            settled([dispatch])

        assert len(provider.taken) == 1
        assert [request.method for request in provider.requests] == ["POST", "GET", "GET", "POST"]

    def test_is_asked_about_three_times_and_then_left_as_it_is(self, toys, provider, speak):
        speak(can_look_up=True)
        provider.meets(reset(), taken=True)
        with at_work():
            (dispatch,) = settled([say(toys, "ana")], "unknown")
            provider.keeps_meeting(answer_json({}))
            for number in (1, 2, 3):
                due_now(dispatch)
                provider.wait_for(number + 1)
                until(lambda: now(dispatch).lease_token is None)

        assert now(dispatch).resolve_at is None
        assert now(dispatch).message.status == "unknown"


@pytest.mark.slow
class TestChecksBeforeItLeaves:
    def test_keep_what_is_for_somebody_blocked_meanwhile(self, toys, provider):
        dispatch = say(toys, "ana")
        dispatch.contact.blocked = True
        dispatch.contact.save()
        with at_work():
            (dispatch,) = settled([dispatch], "failed")

        assert failure_of(dispatch)["code"] == "blocked"
        assert provider.requests == []

    def test_keep_marketing_from_those_who_want_none_and_nothing_else(self, toys, provider):
        Suppression.unscoped.create(
            environment=toys.environment, channel="toy", address="ana", scope="marketing", reason="unsubscribed"
        )
        with at_work():
            (advert,) = settled([say(toys, "ana", "buy", category="marketing")], "failed")
            settled([say(toys, "ana", "your code")])

        assert failure_of(advert)["code"] == "opted_out"
        assert provider.texts == ["your code"]

    def test_keep_what_would_be_said_after_a_window_has_closed(self, toys, provider, speak):
        speak(has_window=True)
        said = [say(toys, name) for name in ("ana", "ben", "eve")]
        for name, hours in (("ana", 23), ("ben", 25)):
            long_ago = timezone.now() - timedelta(hours=hours)
            ContactSession.unscoped.filter(inbox=toys, source_id=name).update(last_inbound_at=long_ago)
        with at_work():
            settled(said[:1])
            closed = settled(said[1:], "failed")

        assert {failure_of(each)["code"] for each in closed} == {"window_closed"}
        assert [each["to"] for each in provider.taken] == ["ana"]

    def test_go_by_the_windows_of_whoever_the_person_is_now(self, toys, provider, speak):
        speak(has_window=True)
        said = say(toys, "ana")
        wrote = addresses.open_at(inbox=toys, address="ana-at-home")
        ContactSession.unscoped.filter(pk=wrote.pk).update(last_inbound_at=timezone.now())
        source = said.contact
        source.environment = wrote.contact.environment = toys.environment
        people.merge(source=source, into=wrote.contact)
        with at_work():
            settled([said])

        assert len(provider.taken) == 1

    def test_open_further_addresses_for_whoever_the_person_is_now(self, toys, provider):
        said = say(toys, "ana")
        other = addresses.open_at(inbox=toys, address="ana-at-home").contact
        source = said.contact
        source.environment = other.environment = toys.environment
        people.merge(source=source, into=other)
        provider.meets(answer_json({"id": "p-1", "aliases": ["ana-2"]}))
        with at_work():
            settled([said])

        assert ContactSession.unscoped.get(inbox=toys, source_id="ana-2").contact_id == other.pk

    def test_end_what_waits_in_a_closed_inbox(self, toys, provider):
        dispatch = say(toys, "ana")
        toys.deleted_at = timezone.now()
        toys.save()
        with at_work():
            (dispatch,) = settled([dispatch], "failed")

        assert failure_of(dispatch)["code"] == "inbox_closed"

    def test_spare_what_a_receipt_has_told_of_before(self, toys, provider):
        dispatch = say(toys, "ana")
        Message.unscoped.filter(pk=dispatch.message_id).update(status="delivered")
        with at_work():
            settled([dispatch])

        assert provider.requests == []


class TestASandbox:
    def test_calls_nobody_and_shows_what_would_have_been_sent(self, sandbox, speak, provider):
        toys = open_toy(sandbox)
        with at_work():
            (dispatch,) = settled([say(toys, "ana", "Hello")])

        assert provider.connections == 0
        request = attempts(dispatch)[0].request or {}
        assert request["url"].endswith("/send")
        assert "Hello" in request["body"]


@pytest.mark.slow
class TestAttempts:
    def test_are_written_down_before_anything_leaves(self, toys, provider, settings):
        settings.OUTBOUND_DRAIN_SECONDS = 0.1
        provider.meets(hang())
        with at_work():
            say(toys, "ana")
            until(lambda: provider.requests)

            assert Attempt.unscoped.get().state == "open"
            assert Dispatch.unscoped.get().state == "sending"
