"""
What the engines that send have in common: one event loop that claims what is due, begins it and stops cleanly.

Everything claimed is a task of its own that begins as soon as a slot is free and ends when it is answered: nobody waits
for anybody else's server.
"""

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

import structlog

from core.logs import loggable_error
from core.postgres.loops import AWAY
from events import ears
from events.ledgers import Ledger

new_event_loop: Callable[[], asyncio.AbstractEventLoop]
try:
    from uvloop import new_event_loop
except ImportError:  # there is none for Windows
    from asyncio import new_event_loop

POLL_SECONDS = 0.25
# Under load, claims are worth more when a few slots have come free in between.
PACE_SECONDS = 0.01
STOP_LOOK_SECONDS = 0.1
# When the worker stops: for a claim that is under way, and for what is left to write down.
CLAIM_SECONDS, WRITE_SECONDS = 2.0, 3.0

log = structlog.get_logger(__name__)


class Dispatcher(ABC):
    """Everything one process does about what it sends, inside one event loop; ``name`` is what the log calls it."""

    name: ClassVar[str]
    ledger: Ledger[Any]

    def __init__(self) -> None:
        self.is_closing = False
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_cut_off = False
        self._next_look = 0.0

    @property
    @abstractmethod
    def free(self) -> int:
        """How many slots are free."""

    @abstractmethod
    async def look(self) -> None:
        """Claim what is due and begin it; ``wake`` says when to look before the next poll. Raises one of ``AWAY``."""

    @abstractmethod
    async def let_go(self) -> None:
        """Let go of every connection but the ledger's."""

    def chores(self) -> Sequence[Coroutine[Any, Any, None]]:
        """Return what is done until the end, beside claiming."""
        return [self.ledger.keep()]

    def wake(self, within: float = 0.0) -> None:
        """Look at what is due within so many seconds: by itself, at once."""
        self._next_look = min(self._next_look, time.monotonic() + within)
        self._wake.set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done that ``finish`` waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def note_cut_off(self, error: Exception) -> None:
        """Have the log tell, once, that the database is away."""
        if not self._is_cut_off:
            log.warning("engine_without_database", engine=self.name, error=loggable_error(error))
        self._is_cut_off = True
        self._next_look = time.monotonic() + POLL_SECONDS

    async def claim_forever(self) -> None:
        """Claim and begin to send until ``stop_claiming``."""
        while True:
            await self._until_worth_a_look()
            if self.is_closing:
                return
            started = time.monotonic()
            if self.free > 0:
                self._next_look = started + POLL_SECONDS
            try:
                await self.look()
                self._is_cut_off = False
            except AWAY as error:
                self.note_cut_off(error)
            if (early := started + PACE_SECONDS - time.monotonic()) > 0:
                await asyncio.sleep(early)

    def stop_claiming(self) -> None:
        """Have ``claim_forever`` end; what it may still claim meanwhile is to be given back."""
        self.is_closing = True
        self._wake.set()

    async def finish(self, seconds: float) -> None:
        """Wait so long for what is under way, and cancel the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self, seconds: float) -> None:
        """Write down what is left, for so long at most, and let go of every connection."""
        until = time.monotonic() + seconds
        while not self.ledger.is_empty and time.monotonic() < until:
            await self.ledger.write()
        await self.ledger.close()
        await self.let_go()

    async def _until_worth_a_look(self) -> None:
        while not self.is_closing:
            delay = self._next_look - time.monotonic() if self.free > 0 else POLL_SECONDS
            if delay <= 0:
                break
            self._wake.clear()
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            except TimeoutError:
                break


def run(make: Callable[[], Dispatcher], stop: threading.Event, *, channel: str, drain_seconds: float) -> None:
    """
    Have a dispatcher work until told to stop, woken by the hints of a channel.

    What is under way then has ``drain_seconds``. Raises what ended it before its time.
    """
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_work(make, stop, channel, drain_seconds))


async def _work(make: Callable[[], Dispatcher], stop: threading.Event, channel: str, drain_seconds: float) -> None:
    dispatcher = make()
    claiming = asyncio.create_task(dispatcher.claim_forever())
    listening = asyncio.create_task(ears.listen(channel, dispatcher.wake))
    tasks = [claiming, listening, *(asyncio.create_task(chore) for chore in dispatcher.chores())]
    try:
        while not (stop.is_set() or any(task.done() for task in tasks)):  # noqa: ASYNC110  a thread tells it to stop
            await asyncio.sleep(STOP_LOOK_SECONDS)
    finally:
        listening.cancel()
        dispatcher.stop_claiming()
        await asyncio.wait([claiming], timeout=CLAIM_SECONDS)
        await dispatcher.finish(drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await dispatcher.close(WRITE_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.result()  # raises what ended it
