"""A message in doubt whose provider can be asked: found, missing, or away itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inboxes.channels.outcomes import NOT_THERE, Deferred, Sent, Uncertain
from outbound import policy
from outbound.models import Attempt, Dispatch
from outbound.services import doubts
from outbound.services.attending import Attendant
from outbound.services.buckets import Buckets
from outbound.services.ledger import settle_and_hold
from tests.engines import until
from tests.outbound.messaging import open_on
from tests.outbound.stepping import claim, settle, taken
from tests.outbound.working import at_work, now, say, settled
from tests.providers import twilio
from tests.providers.server import answer

MISSING = Deferred(NOT_THERE)
AWAY = Deferred("provider_unavailable", "HTTP 503")


@pytest.fixture
def doubtful(toys, speak):
    """A message whose answer was lost an hour ago."""
    speak(can_look_up=True)
    return in_doubt(toys)


def in_doubt(inbox, text="hi"):
    """Send somebody a message whose answer is lost."""
    dispatch = say(inbox, "ana", text)
    lose()
    return dispatch


def lose():
    """Have an attempt an hour ago, and its answer lost."""
    (claimed,) = claim().dispatches
    settle(Uncertain(), claimed)
    Attempt.unscoped.filter(dispatch_id=claimed.id).update(started_at=timezone.now() - timedelta(hours=1))


def look_up(dispatch, outcome):
    """Have it be time to look a message up, and its provider say so; returns how long until it is asked again."""
    Dispatch.unscoped.filter(pk=dispatch.pk).update(resolve_at=timezone.now())
    (lookup,) = Attendant(Buckets()).attend()
    settle_and_hold(Buckets(), [doubts.judged(lookup, outcome)], [])
    due = now(dispatch).resolve_at
    return None if due is None else round((due - timezone.now()).total_seconds())


class TestAMessageThatItsProviderHas:
    def test_is_sent_under_its_name(self, doubtful):
        look_up(doubtful, Sent("p-1"))

        assert (now(doubtful).state, now(doubtful).message.provider_id) == ("sent", "p-1")

    def test_is_not_one_of_two_that_say_the_same(self, toys, doubtful):
        in_doubt(toys)
        look_up(doubtful, Sent("p-1"))

        assert now(doubtful).state == "unknown"

    def test_is_told_from_others_whose_names_are_known(self, toys, doubtful):
        say(toys, "ana", "again")
        (claimed,) = claim().dispatches
        settle(Sent("p-2"), claimed)
        Dispatch.unscoped.filter(pk=doubtful.pk).update(resolve_at=timezone.now())
        (lookup,) = Attendant(Buckets()).attend()

        assert lookup.message.others == {"p-2"}
        assert lookup.is_alone


class TestAMessageThatItsProviderDoesNotHave:
    def test_is_looked_up_a_minute_later_and_then_sent_again(self, doubtful):
        assert look_up(doubtful, MISSING) == 60
        assert taken() == []
        look_up(doubtful, MISSING)

        assert taken() == [doubtful.pk]

    def test_is_sent_again_once(self, doubtful):
        look_up(doubtful, MISSING)
        look_up(doubtful, MISSING)
        lose()
        for _ in range(3):
            if look_up(doubtful, MISSING) is None:
                break

        assert (now(doubtful).state, now(doubtful).resolve_at) == ("unknown", None)

    def test_is_not_missing_yet_within_a_minute_of_the_attempt(self, doubtful):
        Attempt.unscoped.update(started_at=timezone.now() - timedelta(seconds=10))

        assert look_up(doubtful, MISSING) == 50
        assert now(doubtful).last_code == "no_answer"

    def test_is_not_sent_again_that_was_found_in_between(self, doubtful):
        look_up(doubtful, MISSING)
        look_up(doubtful, Uncertain())
        look_up(doubtful, MISSING)

        assert now(doubtful).state == "unknown"


class TestAProviderThatCannotBeAsked:
    def test_is_asked_until_the_message_expires(self, doubtful):
        assert [look_up(doubtful, AWAY) for _ in range(5)] == [300] * 5
        look_up(doubtful, Sent("p-1"))

        assert now(doubtful).state == "sent"

    def test_may_be_asked_as_often_afterwards_as_if_it_had_been_there(self, doubtful):
        for _ in range(12):  # an hour
            look_up(doubtful, AWAY)
        assert [look_up(doubtful, Uncertain()) for _ in range(3)] == [50, 240, None]

        assert now(doubtful).message.status == "unknown"

    def test_is_sent_it_again_afterwards_if_it_never_had_it(self, doubtful):
        for _ in range(12):
            look_up(doubtful, AWAY)
        look_up(doubtful, Uncertain())
        look_up(doubtful, MISSING)
        look_up(doubtful, MISSING)

        assert taken() == [doubtful.pk]

    def test_is_asked_three_times_more_after_that(self, doubtful):
        for _ in range(3):
            look_up(doubtful, AWAY)
        Dispatch.unscoped.filter(pk=doubtful.pk).update(expires_at=timezone.now())
        assert [look_up(doubtful, AWAY) for _ in range(3)] == [50, 240, None]

        assert now(doubtful).message.status == "unknown"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTwilioThatAnswers503:
    @pytest.fixture
    def number(self, live, settings, monkeypatch, _own_machine):
        """An inbox at a fake Twilio, with looks a moment apart; and that Twilio."""
        monkeypatch.setattr(policy, "LOOKUP_SECONDS", (0.1, 0.4, 2.0))
        monkeypatch.setattr(policy, "MISSING_SECONDS", 0.3)
        monkeypatch.setattr(policy, "AWAY_LOOKUP_SECONDS", 0.3)
        account = {"provider": "twilio", "account_sid": twilio.ACCOUNT, "auth_token": twilio.TOKEN}
        inbox = open_on(live, "sms", settings={**account, "from": twilio.NUMBER})
        with twilio.Twilio() as running:
            settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "twilio": running.base}
            yield inbox, running

    @pytest.mark.parametrize("taken", [True, False])
    def test_leaves_one_copy_whether_it_took_the_message_or_not(self, number, taken):
        inbox, running = number
        running.meets(answer(503), taken=taken)
        running.meets(answer(503), answer(503))  # it cannot be asked for a while, either
        with at_work():
            (dispatch,) = settled([say(inbox, "+351912345678")])

        assert [each["sid"] for each in running.messages] == [dispatch.message.provider_id]

    def test_has_two_that_say_the_same_in_doubt_sent_once_each_or_not_at_all(self, number):
        inbox, running = number
        running.meets(answer(503), taken=True)
        running.meets(answer(503))
        said = [say(inbox, "+351912345678") for _ in range(2)]
        with at_work():
            until(lambda: all(now(each).finished_at for each in said))

        assert len(running.messages) == 1
        assert {now(each).state for each in said} == {"unknown"}


def test_what_may_have_arrived_is_not_said_to_have_failed_when_it_expires(toys, speak):
    speak(is_idempotent=True)
    dispatch = say(toys, "ana")
    (claimed,) = claim().dispatches
    settle(Uncertain(), claimed)
    Dispatch.unscoped.filter(pk=dispatch.pk).update(state="waiting", resolve_at=None, expires_at=timezone.now())
    Attendant(Buckets()).attend()

    assert (now(dispatch).state, now(dispatch).message.status) == ("unknown", "unknown")
