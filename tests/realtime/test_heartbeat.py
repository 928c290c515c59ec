"""Pings: every socket, every three seconds, never all at once."""

from collections import Counter
from typing import Any

from realtime.services.heartbeat import SLOTS, Heartbeat

PERIOD = SLOTS  # in turns of the wheel: three seconds


class Wheel:
    """A wheel turned by hand."""

    def __init__(self) -> None:
        self.wheel = Heartbeat()
        self.turns = 0

    def add(self) -> "Pinged":
        pinged: Any = Pinged(self)
        self.wheel.add(pinged)
        return pinged

    def turn(self, times: int) -> None:
        for _ in range(times):
            self.turns += 1
            self.wheel.turn()


class Pinged:
    """Stands where a socket would, and notes when it was pinged."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self.at: list[int] = []

    def ping(self, _frame: object) -> None:
        self.at.append(self._wheel.turns)


def test_the_first_ping_comes_within_half_and_one_and_a_half_periods():
    wheel = Wheel()
    wheel.turn(17)
    sockets = [wheel.add() for _ in range(1000)]

    wheel.turn(2 * PERIOD)

    waits = [socket.at[0] - 17 for socket in sockets]
    assert (min(waits), max(waits)) == (PERIOD // 2, PERIOD * 3 // 2)


def test_then_one_comes_every_period():
    wheel = Wheel()
    sockets = [wheel.add() for _ in range(200)]

    wheel.turn(10 * PERIOD)

    gaps = {after - before for each in sockets for before, after in zip(each.at, each.at[1:], strict=False)}
    assert gaps == {PERIOD}


def test_those_who_came_together_are_spread_evenly():
    wheel = Wheel()
    sockets = [wheel.add() for _ in range(3000)]

    wheel.turn(5 * PERIOD)

    by_turn = Counter(turn for socket in sockets for turn in socket.at if turn > 2 * PERIOD)
    assert max(by_turn.values()) < 3000 / SLOTS * 2


def test_a_socket_that_is_gone_is_pinged_no_more():
    wheel = Wheel()
    socket: Any = wheel.add()
    wheel.wheel.remove(socket)
    wheel.wheel.remove(socket)

    wheel.turn(2 * PERIOD)

    assert socket.at == []
