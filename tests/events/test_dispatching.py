"""The loop of engines that send: when it looks, and how it stops."""

import asyncio
import threading
import time

import psycopg
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from events import dispatching
from events.dispatching import Dispatcher
from events.ledgers import Ledger


class Nothing(Ledger[int]):
    name = "nothing"
    at_once = 1

    def __init__(self):
        metrics = CollectorRegistry()
        super().__init__(
            unsettled=Gauge("unsettled", "Unsettled", registry=metrics),
            given_up=Counter("given_up", "Given up", registry=metrics),
        )

    async def record(self, entries):
        pass

    def claim_of(self, entry):
        raise AssertionError("nothing is ever given up here")

    def let_go(self, entries):
        pass

    async def close(self):
        pass


class Looker(Dispatcher):
    """Notes when it looked; each look does what ``on_look`` says."""

    name = "looker"

    def __init__(self, on_look=lambda _: None, free=1):
        super().__init__()
        self.ledger = Nothing()
        self.looks: list[float] = []
        self.has_let_go = False
        self._on_look, self._free = on_look, free

    @property
    def free(self):
        return self._free

    async def look(self):
        self.looks.append(time.monotonic())
        self._on_look(self)

    async def let_go(self):
        self.has_let_go = True


@pytest.fixture(autouse=True)
def _slow_poll(monkeypatch):
    monkeypatch.setattr(dispatching, "POLL_SECONDS", 3600.0)


def looks(looker, least, then=lambda: None):
    """Have a dispatcher look so often, and return how often it did a moment later; ``then`` follows the first."""

    async def reach(count):
        while len(looker.looks) < count:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.005)

    async def run():
        claiming = asyncio.create_task(looker.claim_forever())
        async with asyncio.timeout(30):
            await reach(1)
            then()
            await reach(least)
        await asyncio.sleep(0.05)
        looker.stop_claiming()
        await claiming

    asyncio.run(run())
    return len(looker.looks)


class TestLooking:
    def test_happens_at_once_and_then_by_the_clock(self, monkeypatch):
        assert looks(Looker(), 1) == 1

        monkeypatch.setattr(dispatching, "POLL_SECONDS", 0.02)
        assert looks(Looker(), 3) >= 3

    def test_happens_at_a_hint(self):
        looker = Looker()

        assert looks(looker, 2, then=looker.wake) == 2

    def test_forgets_no_hint_that_comes_while_it_looks(self):
        looker = Looker(lambda looker: looker.wake() if len(looker.looks) == 1 else None)

        assert looks(looker, 2) == 2

    def test_happens_when_something_is_said_to_be_due(self):
        looker = Looker(lambda looker: looker.wake(within=0.03) if len(looker.looks) == 1 else None)

        assert looks(looker, 2) == 2
        assert looker.looks[1] - looker.looks[0] >= 0.03

    def test_waits_a_poll_when_the_database_is_away(self):
        def fail(_):
            raise psycopg.OperationalError("gone")

        assert looks(Looker(fail), 1) == 1


class TestStopping:
    def test_waits_for_what_is_under_way_and_cancels_the_rest(self):
        ended = []

        async def work(seconds):
            try:
                await asyncio.sleep(seconds)
                ended.append("done")
            except asyncio.CancelledError:
                ended.append("cancelled")

        def begin_both(looker):
            if len(looker.looks) == 1:
                looker.begin(work(0.05))
                looker.begin(work(60))

        stop, made = threading.Event(), list[Looker]()

        def make():
            made.append(Looker(begin_both))
            return made[0]

        threading.Timer(0.02, stop.set).start()
        dispatching.run(make, stop, channel="dexra:hint:nobody", drain_seconds=0.1)

        assert ended == ["done", "cancelled"]
        assert made[0].has_let_go

    def test_raises_what_ended_it_before_its_time(self):
        def break_down(_):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            dispatching.run(
                lambda: Looker(break_down), threading.Event(), channel="dexra:hint:nobody", drain_seconds=0.1
            )
