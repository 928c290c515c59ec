"""The worst moments: a worker that dies at its task, a database or a Redis that goes away. Nothing is sent twice."""

import signal
from collections import Counter

import pytest
from django.utils import timezone

from outbound.models import Dispatch
from outbound.services import claims
from tests.engines import cut_connections, in_process, until
from tests.outbound.working import at_work, attempts, open_toy, say, settled
from tests.providers.server import hang

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def engine_process(provider):
    return in_process("tests.outbound.lonely", provider.base)


def end_leases():
    """Let the time be over that a worker had; returns what it had begun."""
    sending = Dispatch.unscoped.filter(state="sending")
    under_way = set(sending.values_list("pk", flat=True))
    sending.update(lease_until=timezone.now())
    return under_way


def sent_more_than_once(provider):
    return [text for text, times in Counter(provider.texts).items() if times > 1]


class TestAKilledWorker:
    def test_leaves_in_doubt_what_it_had_begun_and_sends_nothing_twice(self, live, speak, provider):
        provider.delay = 0.05
        said = [say(inbox, f"p-{number}", f"{inbox.pk}-{number}") for inbox in (open_toy(live), open_toy(live))
                for number in range(80)]  # fmt: skip
        with engine_process(provider) as process:
            provider.wait_for(50)
            process.send_signal(signal.SIGKILL)
            process.wait()
        under_way = end_leases()
        with at_work():
            until(lambda: not Dispatch.unscoped.filter(state__in=["sending", "waiting"]).exists())

        in_doubt = set(Dispatch.unscoped.filter(state="unknown").values_list("pk", flat=True))
        assert under_way
        assert in_doubt == under_way
        assert sent_more_than_once(provider) == []
        told = {each.message.text for each in Dispatch.unscoped.select_related("message").filter(state="sent")}
        assert told <= set(provider.texts)
        assert len(told) + len(in_doubt) == len(said)

    def test_between_the_provider_s_answer_and_our_record_is_the_same(self, toys, provider):
        provider.meets(hang(30), taken=True)
        dispatch = say(toys, "ana")
        with engine_process(provider) as process:
            provider.wait_for(1)
            process.send_signal(signal.SIGKILL)
            process.wait()
        end_leases()
        with at_work():
            (dispatch,) = settled([dispatch], "unknown")

        assert (dispatch.message.status, len(provider.taken)) == ("unknown", 1)
        assert [each.state for each in attempts(dispatch)] == ["uncertain"]

    def test_has_its_messages_sent_again_where_the_provider_folds_them(self, toys, provider, speak, quick):
        speak(is_idempotent=True)
        provider.meets(hang(30), taken=True)
        dispatch = say(toys, "ana")
        with engine_process(provider) as process:
            provider.wait_for(1)
            process.send_signal(signal.SIGKILL)
            process.wait()
        end_leases()
        with at_work():
            settled([dispatch])

        assert sent_more_than_once(provider) == []


class TestADatabaseThatGoesAway:
    def test_has_results_written_down_when_it_is_back(self, toys, provider):
        provider.delay = 0.5
        said = [say(toys, f"p-{number}", str(number)) for number in range(10)]
        with at_work():
            provider.wait_for(10)
            cut_connections()
            settled(said, seconds=claims.LEASE_SECONDS + 30)  # a claim that was cut off waits for its lease

        assert len(provider.taken) == 10

    def test_over_and_over_costs_no_message_and_doubles_none(self, toys, provider):
        provider.delay = 0.02
        said = [say(toys, f"p-{number}", str(number)) for number in range(60)]
        with at_work():
            for _ in range(6):
                until(lambda: provider.requests)
                cut_connections()
            ends = claims.LEASE_SECONDS + 30
            until(lambda: not Dispatch.unscoped.filter(state__in=["sending", "waiting"]).exists(), seconds=ends)

        assert sent_more_than_once(provider) == []
        assert {Dispatch.unscoped.get(pk=each.pk).state for each in said} <= {"sent", "unknown"}


@pytest.mark.usefixtures("_redis_away")
class TestARedisThatIsAway:
    def test_makes_messages_slower_and_no_fewer(self, toys, provider):
        with at_work():
            settled([say(toys, "ana"), say(toys, "ben")])

    def test_has_what_is_sent_in_bulk_wait(self, toys, provider):
        bulk = say(toys, "ana", category="marketing")
        with at_work():
            settled([say(toys, "ben")])

        assert Dispatch.unscoped.get(pk=bulk.pk).state == "waiting"


class TestAStoppedWorker:
    def test_waits_for_what_is_under_way(self, toys, provider, settings):
        settings.OUTBOUND_DRAIN_SECONDS = 30.0
        provider.delay = 0.5
        dispatch = say(toys, "ana")
        with at_work() as stop:
            provider.wait_for(1)
            stop.set()

        settled([dispatch])

    def test_leaves_in_doubt_what_is_not_answered_in_time(self, toys, provider, settings):
        settings.OUTBOUND_DRAIN_SECONDS = 0.2
        provider.meets(hang(30))
        dispatch = say(toys, "ana")
        with at_work() as stop:
            provider.wait_for(1)
            stop.set()

        settled([dispatch], "unknown")
