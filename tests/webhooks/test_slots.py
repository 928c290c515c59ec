"""Slots are dealt so that nobody takes what others need."""

from typing import NamedTuple

from webhooks.services.slots import Looked, Slots


class Taker(NamedTuple):
    """A delivery, as far as slots care."""

    environment_id: int = 1
    livemode: bool = True
    is_retry: bool = False


def looked(*environments: int, cap: int = 10, livemode: bool = True) -> list[Looked]:
    return [Looked(number, environment, livemode, cap) for number, environment in enumerate(environments)]


def test_are_dealt_evenly_and_never_more_than_an_endpoint_takes():
    assert Slots(1000).deal(looked(1, 2, 3, cap=6)).most == [6, 6, 6]
    assert Slots(10).deal(looked(1, 2, 3, 4, 5, cap=10)).most == [3, 3, 2, 0, 0]


def test_are_never_more_than_there_are():
    slots = Slots(10)
    for _ in range(8):
        slots.take(Taker(environment_id=7))

    assert sum(slots.deal(looked(1, 2, 3)).most) == 2


def test_leave_the_larger_part_to_other_tenants():
    slots = Slots(100)

    assert sum(slots.deal(looked(*[1] * 20)).most) == 30
    assert sum(slots.deal(looked(*[1] * 20, *[2] * 20)).most) == 60


def test_count_what_a_tenant_holds_already():
    slots = Slots(100)
    for _ in range(25):
        slots.take(Taker(environment_id=1))

    assert slots.deal(looked(1, 1, 2, cap=5)).most == [4, 1, 5]


def test_give_the_sandbox_a_tenth():
    slots = Slots(100)

    assert sum(slots.deal(looked(*range(20), livemode=False)).most) == 10
    slots.take(Taker(environment_id=9, livemode=False))
    assert sum(slots.deal(looked(*range(20), livemode=False)).most) == 9


def test_leave_the_larger_part_of_it_to_other_sandboxes():
    slots = Slots(100)

    assert sum(slots.deal(looked(*[1] * 20, livemode=False)).most) == 3
    for _ in range(3):
        slots.take(Taker(environment_id=1, livemode=False))
    assert slots.deal(looked(1, 2, livemode=False)).most == [0, 3]


def test_keep_a_fifth_for_first_attempts():
    slots = Slots(100)
    for number in range(70):
        slots.take(Taker(environment_id=number, is_retry=True))

    # All of them may be retries, so no more are dealt than retries may have.
    deal = slots.deal(looked(*range(100, 120)))
    assert (sum(deal.most), deal.only_first) == (10, False)

    for number in range(10):
        slots.take(Taker(environment_id=200 + number, is_retry=True))
    deal = slots.deal(looked(*range(100, 120)))
    assert (sum(deal.most), deal.only_first) == (20, True)


def test_are_free_again_once_given_back():
    slots = Slots(10)
    for _ in range(3):
        slots.take(Taker())
    assert sum(slots.deal(looked(1)).most) == 0

    for _ in range(3):
        slots.give_back(Taker())

    assert slots.free == 10
    assert sum(slots.deal(looked(1)).most) == 3


def test_of_a_tiny_process_still_serve_everybody():
    slots = Slots(1)

    assert slots.deal(looked(1)).most == [1]
    assert slots.deal(looked(1, livemode=False)).most == [1]
