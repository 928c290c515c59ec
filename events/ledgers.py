"""What is to be written down: gathered for a moment, written in bulk, kept while the database is away."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

import structlog
from prometheus_client import Counter, Gauge

from core.logs import loggable_error
from core.postgres.loops import AWAY

GATHER_SECONDS = 0.01
RETRY_SECONDS = 0.25

log = structlog.get_logger(__name__)


class Claim(Protocol):
    """What an entry is about: something claimed, by whose lease it is to be written down."""

    @property
    def id(self) -> int: ...
    @property
    def ends_at(self) -> float: ...


Entry = TypeVar("Entry")


class Ledger(ABC, Generic[Entry]):
    """
    Takes what came of things and gives it to the database, in order.

    Each entry is tried again until its lease has ended; whoever finds that lease deals with it then. Whoever makes a
    ledger claims nothing without the database, or only as much as it has slots, so that what waits here is bounded.
    ``name`` is what the log calls it.
    """

    name: ClassVar[str]
    at_once: ClassVar[int]

    def __init__(self, *, unsettled: Gauge, given_up: Counter) -> None:
        self._unsettled = unsettled
        self._given_up = given_up
        self._waiting: list[Entry] = []
        self._arrived = asyncio.Event()
        self._is_patient = False  # it waits for the database

    @abstractmethod
    async def record(self, entries: Sequence[Entry]) -> None:
        """Write entries down, in one transaction. Raises one of ``AWAY``, or what is wrong with one of them."""

    @abstractmethod
    def claim_of(self, entry: Entry) -> Claim:
        """Return what an entry is about."""

    @abstractmethod
    def let_go(self, entries: Sequence[Entry]) -> None:
        """Told of entries that were written down or given up."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the connection."""

    def add(self, entry: Entry) -> None:
        """Take something to be written down."""
        self._waiting.append(entry)
        self._arrived.set()

    @property
    def is_empty(self) -> bool:
        """Whether everything was written down, or given up."""
        return not self._waiting

    async def keep(self) -> None:
        """Write down whatever comes, until cancelled."""
        while True:
            await self._arrived.wait()
            if len(self._waiting) < self.at_once:
                await asyncio.sleep(GATHER_SECONDS)
            await self.write()
            if not self._waiting:
                self._arrived.clear()

    async def write(self) -> None:
        """Write down what waits, or as much as is good to write at once."""
        entries: Sequence[Entry] = self._waiting[: self.at_once]
        try:
            await self._record(entries)
        except AWAY as error:
            await self._be_patient(error)
            return
        except Exception as error:  # noqa: BLE001  one of them is at fault, and must not hold up the others
            log.warning("results_apart", ledger=self.name, results=len(entries), error=loggable_error(error))
            entries = await self._one_by_one(entries)
        self._finish(entries)

    async def _record(self, entries: Sequence[Entry]) -> None:
        await self.record(entries)
        self._is_patient = False

    async def _one_by_one(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Keep the one that cannot be stored from holding up the others; returns those that are done with."""
        for place, entry in enumerate(entries):
            try:
                await self._record([entry])
            except AWAY:
                return entries[:place]
            except Exception as error:  # noqa: BLE001  its lease will end, and somebody finds that
                lost = self.claim_of(entry).id
                log.error("result_lost", ledger=self.name, id=lost, error=loggable_error(error))  # noqa: TRY400
        return entries

    async def _be_patient(self, error: Exception) -> None:
        now = time.monotonic()
        late = [entry for entry in self._waiting if self.claim_of(entry).ends_at <= now]
        if late or not self._is_patient:
            failure = loggable_error(error)
            waiting = len(self._waiting)
            log.warning("results_wait", ledger=self.name, waiting=waiting, given_up=len(late), error=failure)
        self._is_patient = True
        self._given_up.inc(len(late))
        self._finish(late)
        await asyncio.sleep(RETRY_SECONDS)

    def _finish(self, entries: Sequence[Entry]) -> None:
        done = {id(entry) for entry in entries}
        self._waiting = [entry for entry in self._waiting if id(entry) not in done]
        self._unsettled.set(len(self._waiting))
        self.let_go(entries)
