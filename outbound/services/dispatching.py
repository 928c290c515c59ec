"""
The engine's loop: claims what is due, sends it, hands what came of it to the ledger.

What is Django's is done at desks beside the loop. What is not answered when the worker stops is in doubt.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from django.utils import timezone

from core.postgres.loops import AWAY
from events.dispatching import POLL_SECONDS, Dispatcher
from outbound.models import Dispatch
from outbound.services import composing, doubts, metrics
from outbound.services.attending import Attendant
from outbound.services.buckets import Buckets
from outbound.services.calling import Caller
from outbound.services.claims import Claim, Claimed, Claimer
from outbound.services.composing import Composed
from outbound.services.desk import Desk
from outbound.services.doubts import Lookup
from outbound.services.inboxes import Inboxes
from outbound.services.ledger import OutboundLedger
from outbound.services.results import Release, Result
from outbound.services.slots import Slots

# Under load, claims are worth more when a few slots have come free in between.
HUNGRY_SECONDS = 0.02
ATTEND_SECONDS = 0.5
# A lease with less left is not begun with: its call might still be under way when somebody else finds it lapsed.
SPARE_SECONDS = 40.0
LOOKUPS_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a claim brought: messages ready to leave, and those that nothing is left of."""

    claim: Claim
    composed: Sequence[Composed] = ()
    failure: Exception | None = None


class OutboundDispatcher(Dispatcher):
    """Everything one process does about messages on their way."""

    name = "outbound"

    def __init__(self, *, slots: int) -> None:
        super().__init__()
        self._slots = Slots(slots)
        self._buckets, self._inboxes = Buckets(), Inboxes()
        self._claimer = Claimer(self._inboxes, self._buckets)
        self._attendant = Attendant(self._buckets)
        self._claiming, self._attending = Desk("outbound-claims"), Desk("outbound-attending")
        self.ledger = OutboundLedger(self._buckets, on_done=self._recorded)
        self._caller = Caller()
        self._looking_up = asyncio.Semaphore(LOOKUPS_AT_ONCE)
        self._is_hungry = False  # a line had more due than room

    @property
    def free(self) -> int:
        """How many slots are free."""
        return self._slots.free

    def chores(self) -> Sequence[Coroutine[Any, Any, None]]:
        """Return what is done until the end, beside claiming."""
        return [*super().chores(), self._attend_forever()]

    async def look(self) -> None:
        """Claim what is due and begin to send it. Raises one of ``AWAY``."""
        if self.free > 0:
            await self._claim()

    async def let_go(self) -> None:
        """Let go of every connection but the ledger's."""
        await self._caller.close()
        self._claiming.close()
        self._attending.close()

    async def _attend_forever(self) -> None:
        """Do what is due by the clock."""
        while True:
            try:
                for lookup in await self._attending.do(self._attendant.attend):
                    self.begin(self._look_up(lookup))
            except AWAY as error:
                self.note_cut_off(error)
            await asyncio.sleep(ATTEND_SECONDS)

    async def _claim(self) -> None:
        taken = await self._claiming.do(self._take, self._slots.copy())
        self._is_hungry = taken.claim.is_hungry
        if taken.claim.next_due is not None:
            self.wake(within=taken.claim.next_due)
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
            elif self.is_closing:
                self._done(claimed, Release(claimed, "stopped"))
            elif each.refusal is not None:
                now = timezone.now()
                self._done(claimed, Result(claimed, each.refusal, None, now, each.known.channel.kind))
            else:
                self.begin(self._send(each))

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
            self.ledger.add(doubts.judged(lookup, await self._caller.look_up(lookup)))

    def _done(self, claimed: Claimed, entry: Result | Release | None) -> None:
        """Give what came of a message to the ledger, and its slot back."""
        if not _is_fault(entry):
            self._give_back(claimed)
        if entry is not None:
            self.ledger.add(entry)
        if self._is_hungry:
            self.wake(within=HUNGRY_SECONDS)

    def _recorded(self, entries: Sequence[Result | Release]) -> None:
        """Give back the slots of faults: nobody else is sent into them before their line knows."""
        for entry in entries:
            if _is_fault(entry):
                self._give_back(entry.claimed)
        self.wake()

    def _give_back(self, claimed: Claimed) -> None:
        self._slots.give_back(claimed)
        metrics.in_flight.set(self._slots.used)


def _is_fault(entry: Result | Release | None) -> TypeGuard[Result]:
    """Whether an attempt came to nothing because of its provider."""
    return isinstance(entry, Result) and entry.verdict.is_fault and not entry.is_afterwards
