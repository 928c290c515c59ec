"""
A provider that is away for far longer than attempts are apart: what waits, what is in doubt, who is told, who notices.

An hour is lived through in seconds: every wait of the schedule, of the line and of its notice is cut to a small part. A
real one is told of in `docs/performance.md`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from events.models import LoggedEvent
from inboxes import channels
from inboxes.channels.outgoing import HttpOrder, Outgoing
from inboxes.models import Inbox, InboxHealth
from outbound import policy
from outbound.models import Attempt, Dispatch
from tests.engines import until
from tests.outbound.toys import Toy, ToyProvider
from tests.outbound.working import at_work, failure_of, line_of, now, open_toy, say, settled
from tests.providers.server import answer_json, hang

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SCHEDULE = [0.02, 0.04, 0.08, 0.16]  # 0.3 s in all: what a message has that is tried five times
FIRST_REST, LONGEST_REST = 0.1, 0.8
OUTAGE_SECONDS = 4.0
MESSAGES = 150
IN_FLIGHT = 60  # at most of one line: three tenths of 200 slots


class Neighbour(Toy):
    """Another channel, whose provider is well."""

    kind: ClassVar[str] = "neighbour"

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        return replace(super().order(message, settings), provider="neighbour")


@pytest.fixture(autouse=True)
def _quick_clock(settings, monkeypatch):
    settings.OUTBOUND_SCHEDULE = SCHEDULE
    monkeypatch.setattr(policy, "FIRST_REST_SECONDS", FIRST_REST)
    monkeypatch.setattr(policy, "LONGEST_REST_SECONDS", LONGEST_REST)
    monkeypatch.setattr(policy, "OUTAGE_SECONDS", 0.5, raising=False)


@pytest.fixture
def neighbours(live, settings, monkeypatch):
    """An inbox of the same tenant on a channel whose provider is well, and that provider."""
    monkeypatch.setitem(channels.REGISTRY, "neighbour", Neighbour())
    with ToyProvider() as well:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "neighbour": well.base}
        yield Inbox.unscoped.create(environment=live, channel="neighbour", name="Well", settings={"token": "t"}), well


@pytest.fixture
def away(provider, settings):
    """Takes a provider away in one of the ways there are, and gives it back."""
    base = provider.base

    def go(how):
        acts = {"busy": answer_json({"transient": True}, 503), "broken": answer_json({}, 503), "hanging": hang(30)}
        settings.PROVIDER_BASES["toy"] = "http://127.0.0.1:9" if how == "refusing" else base
        provider.keeps_meeting(acts.get(how))

    yield go
    go("")


def states(dispatches):
    """Return how many dispatches there are in each state."""
    ids = [each.pk for each in dispatches]
    return Counter(Dispatch.unscoped.filter(pk__in=ids).values_list("state", flat=True))


def told(kind):
    """Return how often the tenant was told so."""
    return LoggedEvent.unscoped.filter(type=kind).count()


def attempts_at(dispatches):
    """Return how many attempts were made at all of them."""
    return Attempt.unscoped.filter(dispatch__in=[each.pk for each in dispatches]).count()


def live_through(how, away, inbox, neighbours):
    """
    Have a provider be away for its time, in which others are written to and hear it; returns the messages to its people
    and, of when it came back, how many attempts there had been and after how many seconds.
    """
    well, _ = neighbours
    away(how)
    said = [say(inbox, f"p-{number}", f"{how}-{number}") for number in range(MESSAGES)]
    began = timezone.now()
    with at_work():
        while (timezone.now() - began).total_seconds() < OUTAGE_SECONDS:
            settled([say(well, f"n-{timezone.now().timestamp()}", "well")])
        until(lambda: told("inbox_disconnected"))
        assert InboxHealth.unscoped.get(inbox=inbox).code == "provider_unavailable"
        before = attempts_at(said)
        away("")
        lasted = (timezone.now() - began).total_seconds()
        until(lambda: not {"waiting", "sending"} & set(states(said)))
        until(lambda: told("inbox_reconnected"))
    return said, before, lasted


class TestAProviderThatIsAway:
    @pytest.mark.parametrize("how", ["refusing", "busy"])
    def test_loses_doubles_and_fails_nothing_and_has_it_all_at_once_when_it_is_back(
        self, how, away, toys, provider, neighbours
    ):
        said, before, _ = live_through(how, away, toys, neighbours)

        assert states(said) == {"sent": MESSAGES}
        assert sorted(provider.texts) == sorted(f"{how}-{number}" for number in range(MESSAGES))
        assert (told("inbox_disconnected"), told("inbox_reconnected")) == (1, 1)
        assert before < 2 * MESSAGES  # the line rested: nobody hammered a door that is shut

    @pytest.mark.parametrize("how", ["broken", "hanging"])
    def test_leaves_in_doubt_only_what_it_was_asked_before_the_line_rested_and_each_try_whether_it_is_back(
        self, how, away, live, speak, provider, neighbours
    ):
        inbox = open_toy(live, seconds=1 if how == "hanging" else 5)  # once it is back, everybody gets their answer
        said, _, lasted = live_through(how, away, inbox, neighbours)

        found = states(said)
        tries = lasted / LONGEST_REST + 5  # the first ones come sooner
        in_doubt = Dispatch.unscoped.filter(pk__in=[each.pk for each in said], state="unknown")
        assert found["unknown"] == attempts_at(in_doubt)  # each was asked once, and never again
        assert found["unknown"] <= IN_FLIGHT + policy.FAULTS_TO_REST + tries
        assert found["sent"] == MESSAGES - found["unknown"]
        assert len(provider.texts) == len(set(provider.texts)) == found["sent"]
        assert (told("inbox_disconnected"), told("inbox_reconnected")) == (1, 1)

    def test_has_everything_in_doubt_asked_again_that_it_folds(self, away, toys, speak, provider, neighbours):
        speak(is_idempotent=True)
        said, *_ = live_through("broken", away, toys, neighbours)

        assert states(said) == {"sent": MESSAGES}
        assert len(provider.texts) == len(set(provider.texts)) == MESSAGES

    def test_has_a_message_that_is_alone_wait_too(self, away, toys, provider):
        away("refusing")
        dispatch = say(toys, "ana")
        with at_work():
            until(lambda: now(dispatch).tries > 2 * len(SCHEDULE))
            assert now(dispatch).attempts == 0
            away("")
            settled([dispatch])

        assert provider.texts == ["hi"]

    def test_does_not_hold_up_who_can_be_reached_another_way(self, away, toys, provider):
        away("refusing")
        step = {"channel": "toy", "on": ["failed"], "inbox_id": toys.pk}
        dispatch = say(toys, "ana", fallback=[step])
        with at_work():
            until(lambda: now(dispatch).state == "failed")

        assert failure_of(dispatch)["code"] == "retries_exhausted"


class TestABlip:
    def test_is_told_to_nobody(self, away, toys, provider):
        away("busy")
        said = [say(toys, f"p-{number}") for number in range(20)]
        with at_work():
            until(lambda: line_of(toys).paused_until)
            away("")
            settled(said)

        assert told("inbox_disconnected") == told("inbox_reconnected") == 0
