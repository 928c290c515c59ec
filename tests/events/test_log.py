"""The log: what is written is what is read, in the order it was written, few or many at a time."""

import pytest
from django.db import transaction

from core.errors import Invalid
from events import log
from events.event import Actor, Event
from events.models import LoggedEvent

STRANGE = 'a "quoted" \\ é 中 😀 {}, NULL'


class Sung(Event):
    """A song was sung."""

    type = "test.sung"


def sung(environment, number: int, **fields) -> Sung:
    return Sung(environment_id=environment.pk, livemode=environment.livemode, data={"number": number}, **fields)


def stored() -> list[Event]:
    return [log.from_row(row) for row in LoggedEvent.unscoped.order_by("id")]


@pytest.mark.parametrize("count", [1, log.FEW, log.FEW + 1, 100])
def test_events_are_numbered_in_the_order_they_are_published_in(live, count):
    with transaction.atomic():
        log.publish(*(sung(live, number, conversation_id=7, sequence=number) for number in range(count)))

    assert [(each.data["number"], each.sequence) for each in stored()] == [(n, n) for n in range(count)]


@pytest.mark.parametrize("repeated", [1, log.FEW + 1])
def test_every_field_comes_back_as_it_was(live, sandbox, repeated):
    told = [
        sung(live, 1, actor=Actor("agent", "agt_1"), conversation_id=7, sequence=3, context={"text": STRANGE}),
        sung(sandbox, 2),
        Sung(environment_id=live.pk, livemode=True, data={"text": STRANGE, "none": None, "deep": [{"a": [1, 2.5]}]}),
    ] * repeated
    with transaction.atomic():
        log.publish(*told)

    fields = ("environment_id", "livemode", "actor", "conversation_id", "sequence", "data", "context")
    assert [[getattr(each, name) for name in fields] for each in stored()] == [
        [getattr(each, name) for name in fields] for each in told
    ]


@pytest.mark.parametrize("count", [1, log.FEW + 1])
def test_one_that_is_too_large_lets_none_of_them_be(live, count):
    heavy = Sung(environment_id=live.pk, livemode=True, data={"text": "x" * log.LARGEST_DATA_BYTES})
    with pytest.raises(Invalid), transaction.atomic():
        log.publish(*(sung(live, number) for number in range(count)), heavy)

    assert stored() == []
