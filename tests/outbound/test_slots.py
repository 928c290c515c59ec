"""Slots: nobody takes what others need."""

from typing import NamedTuple

from outbound.services.slots import Looked, Share, Slots


class Taker(NamedTuple):
    environment_id: int = 1
    inbox_id: int = 1
    livemode: bool = True


def line(inbox_id=1, environment_id=1, *, livemode=True, is_probing=False):
    return Looked(inbox_id, environment_id, livemode, is_probing)


def total(shares):
    return sum(share.most for share in shares), sum(share.urgent for share in shares)


class TestSlots:
    def test_are_never_all_dealt_to_what_does_not_hurry(self):
        shares = Slots(100).deal([line(number, number) for number in range(50)])

        assert total(shares) == (80, 20)

    def test_are_dealt_evenly(self):
        shares = Slots(100).deal([line(number, number) for number in range(10)])

        assert {share.most for share in shares} == {8}

    def test_go_to_one_tenant_only_in_part(self):
        shares = Slots(100).deal([line(number) for number in range(10)])

        assert total(shares)[0] == 40

    def test_go_to_one_line_only_in_part(self):
        assert Slots(100).deal([line()]) == [Share(30, 20)]

    def test_count_what_is_taken_already(self):
        slots = Slots(100)
        for _ in range(30):
            slots.take(Taker())

        shares = slots.deal([line(), line(2), line(3, 3)])

        assert [share.most for share in shares] == [0, 10, 30]
        assert total(shares) == (40, 30)

    def test_come_back(self):
        slots = Slots(100)
        slots.take(Taker())
        slots.give_back(Taker())

        assert (slots.used, slots.deal([line()])) == (0, [Share(30, 20)])

    def test_are_few_for_sandboxes(self):
        assert Slots(100).deal([line(livemode=False)])[0].most == 10

    def test_are_one_for_a_line_that_has_to_prove_itself(self):
        assert Slots(100).deal([line(is_probing=True)]) == [Share(1, 0)]

    def test_of_a_copy_are_its_own(self):
        slots = Slots(100)
        slots.copy().take(Taker())

        assert slots.used == 0
