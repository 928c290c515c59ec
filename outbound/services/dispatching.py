"""
The engine's loop: claims what is due, sends it, hands what came of it to the ledger.

Every message is a task of its own that begins as soon as a slot is free and ends when its provider has answered: nobody
waits for anybody else's provider. What is Django's is done at desks beside the loop.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.utils import timezone

from core.logs import loggable_error
from outbound.models import Dispatch
from outbound.services import composing, doubts, metrics
from outbound.services.attending import Attendant
from outbound.services.buckets import Buckets
from outbound.services.calling import Caller
from outbound.services.claims import Claim, Claimed, Claimer
from outbound.services.composing import Composed
from outbound.services.desk import AWAY, Desk
from outbound.services.doubts import Lookup
from outbound.services.inboxes import Inboxes
from outbound.services.ledger import Ledger
from outbound.services.results import Release, Result
from outbound.services.slots import Slots

POLL_SECONDS = 0.25
# Under load, claims are worth more when a few slots have come free in between.
PACE_SECONDS, HUNGRY_SECONDS = 0.01, 0.02
ATTEND_SECONDS = 0.5
# A lease with less left is not begun with: its call might still be under way when somebody else finds it lapsed.
SPARE_SECONDS = 40.0
LOOKUPS_AT_ONCE = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a claim brought: messages ready to leave, and those that nothing is left of."""

    claim: Claim
    composed: Sequence[Composed] = ()
    failure: Exception | None = None


class Dispatcher:
    """Everything one process does about messages on their way, inside one event loop."""

    def __init__(self, *, slots: int) -> None:
        self._slots = Slots(slots)
        self._buckets, self._inboxes = Buckets(), Inboxes()
        self._claimer = Claimer(self._inboxes, self._buckets)
        self._attendant = Attendant(self._buckets)
        self._claiming, self._attending = Desk("outbound-claims"), Desk("outbound-attending")
        self._ledger = Ledger(self._buckets, on_done=self.wake)
        self._caller = Caller()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking_up = asyncio.Semaphore(LOOKUPS_AT_ONCE)
        self._is_closing = False
        self._is_cut_off = False
        self._is_hungry = False  # a line had more due than room
        self._next_look = 0.0

    def wake(self) -> None:
        """Look at once at what is due."""
        self._next_look = 0.0
        self._wake.set()

    async def claim_forever(self) -> None:
        """Claim and begin to send until ``stop_claiming``."""
        while not self._is_closing:
            await self._until_worth_a_look()
            if self._is_closing:
                return
            started = time.monotonic()
            try:
                if self._slots.free > 0:
                    await self._claim()
                self._is_cut_off = False
            except AWAY as error:
                self._note_cut_off(error)
            if (early := started + PACE_SECONDS - time.monotonic()) > 0:
                await asyncio.sleep(early)

    async def attend_forever(self) -> None:
        """Do what is due by the clock, until cancelled."""
        while True:
            try:
                for lookup in await self._attending.do(self._attendant.attend):
                    self._begin(self._look_up(lookup))
            except AWAY as error:
                self._note_cut_off(error)
            await asyncio.sleep(ATTEND_SECONDS)

    async def keep_ledger(self) -> None:
        """Write down what comes back, until cancelled."""
        await self._ledger.keep()

    def stop_claiming(self) -> None:
        """Have ``claim_forever`` end, and what it may still claim meanwhile given back."""
        self._is_closing = True
        self._wake.set()

    async def finish(self, seconds: float) -> None:
        """Wait so long for what is under way; what is not answered by then is in doubt."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self, seconds: float) -> None:
        """Write down what is left, for so long at most, and let go of every connection."""
        until = time.monotonic() + seconds
        while not self._ledger.is_empty and time.monotonic() < until:
            await self._ledger.write()
        await self._caller.close()
        self._ledger.close()
        self._claiming.close()
        self._attending.close()

    async def _until_worth_a_look(self) -> None:
        while not self._is_closing:
            delay = self._next_look - time.monotonic() if self._slots.free > 0 else POLL_SECONDS
            if delay <= 0:
                break
            self._wake.clear()
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            except TimeoutError:
                break

    async def _claim(self) -> None:
        self._next_look = time.monotonic() + POLL_SECONDS
        taken = await self._claiming.do(self._take, self._slots.copy())
        self._is_hungry = taken.claim.is_hungry
        if taken.claim.next_due is not None:
            self._next_look = min(self._next_look, time.monotonic() + taken.claim.next_due)
        for claimed in taken.claim.dispatches:
            self._slots.take(claimed)
        metrics.in_flight.set(self._slots.used)
        self._send_all(taken)
        if taken.failure is not None:
            raise taken.failure

    def _take(self, slots: Slots) -> _Taken:
        """Claim and compose; at the desk. What was claimed is never lost sight of."""
        claim = self._claimer.claim(slots)
        if not claim.dispatches:
            return _Taken(claim)
        try:
            return _Taken(claim, composing.compose(claim.dispatches, self._inboxes))
        except Exception as failure:  # noqa: BLE001  raised again once the claims are given back
            return _Taken(claim, failure=failure)

    def _send_all(self, taken: _Taken) -> None:
        composed = {each.claimed.id: each for each in taken.composed}
        for claimed in taken.claim.dispatches:
            each = composed.get(claimed.id)
            if taken.failure is not None:
                self._done(claimed, Release(claimed, "not_composed", wait=POLL_SECONDS))
            elif each is None:  # erased meanwhile
                self._done(claimed, None)
            elif self._is_closing:
                self._done(claimed, Release(claimed, "stopped"))
            elif each.refusal is not None:
                now = timezone.now()
                self._done(claimed, Result(claimed, each.refusal, None, now, each.known.channel.kind))
            else:
                self._begin(self._send(each))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, composed: Composed) -> None:
        claimed = composed.claimed
        if claimed.ends_at - time.monotonic() < SPARE_SECONDS:
            self._done(claimed, Release(claimed, "late"))
            return
        if claimed.tries == 1:
            metrics.first_attempt_lag.labels(Dispatch.Lane(claimed.lane).label).observe(max(0.0, claimed.age))
        self._done(claimed, await self._caller.send(composed))

    async def _look_up(self, lookup: Lookup) -> None:
        async with self._looking_up:
            self._ledger.add(doubts.judged(lookup, await self._caller.look_up(lookup)))

    def _done(self, claimed: Claimed, entry: Result | Release | None) -> None:
        """Give a slot back, and what came of it to the ledger."""
        self._slots.give_back(claimed)
        metrics.in_flight.set(self._slots.used)
        if entry is not None:
            self._ledger.add(entry)
        if self._is_hungry:
            self._next_look = min(self._next_look, time.monotonic() + HUNGRY_SECONDS)
            self._wake.set()

    def _note_cut_off(self, error: Exception) -> None:
        if not self._is_cut_off:
            log.warning("outbound_without_database", error=loggable_error(error))
        self._is_cut_off = True
        self._next_look = time.monotonic() + POLL_SECONDS
