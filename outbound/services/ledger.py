"""What is to be written down: gathered for a moment, written in bulk, kept while the database is away."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from core.logs import loggable_error
from inboxes.channels.outcomes import Uncertain
from outbound.services import metrics, settling
from outbound.services.buckets import Buckets
from outbound.services.desk import AWAY, Desk
from outbound.services.results import Release, Result
from outbound.services.settling import Settled

GATHER_SECONDS = 0.01
AT_ONCE = 100
RETRY_SECONDS = 0.25

log = structlog.get_logger(__name__)


class Ledger:
    """
    Takes results and gives them to the database, in order.

    Each is tried again until its lease has ended; then the message is in doubt, for whoever finds the lease. Without
    the database nothing more is claimed, so that no more wait than were under way. ``on_done`` is told of each write.
    """

    def __init__(self, buckets: Buckets, *, on_done: Callable[[], None]) -> None:
        self._desk = Desk("outbound-ledger")
        self._buckets = buckets
        self._on_done = on_done
        self._waiting: list[Result | Release] = []
        self._arrived = asyncio.Event()
        self._is_waiting = False  # for the database

    def add(self, entry: Result | Release) -> None:
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
            if len(self._waiting) < AT_ONCE:
                await asyncio.sleep(GATHER_SECONDS)
            await self.write()
            if not self._waiting:
                self._arrived.clear()

    async def write(self) -> None:
        """Write down what waits, or as much as is good to write at once."""
        entries: Sequence[Result | Release] = self._waiting[:AT_ONCE]
        try:
            await self._write(entries)
        except AWAY as error:
            await self._be_patient(error)
            return
        except Exception as error:  # noqa: BLE001  one of them is at fault, and must not hold up the others
            log.warning("outbound_results_apart", results=len(entries), error=loggable_error(error))
            entries = await self._one_by_one(entries)
        self._finish(entries)

    def close(self) -> None:
        """Let go of the connection."""
        self._desk.close()

    async def _write(self, entries: Sequence[Result | Release]) -> None:
        results = [entry for entry in entries if isinstance(entry, Result)]
        releases = [entry for entry in entries if isinstance(entry, Release)]
        settled = await self._desk.do(settle_and_hold, self._buckets, results, releases)
        self._is_waiting = False
        count(results, settled)
        for entry in releases:
            metrics.released.labels(entry.reason).inc()

    async def _one_by_one(self, entries: Sequence[Result | Release]) -> Sequence[Result | Release]:
        """Keep the one that cannot be stored from holding up the others; returns those that are done with."""
        for place, entry in enumerate(entries):
            try:
                await self._write([entry])
            except AWAY:
                return entries[:place]
            except Exception as error:  # noqa: BLE001  its lease will end, and it is in doubt then
                log.error("outbound_result_lost", dispatch_id=entry.claimed.id, error=loggable_error(error))  # noqa: TRY400
        return entries

    async def _be_patient(self, error: Exception) -> None:
        now = time.monotonic()
        late = [entry for entry in self._waiting if entry.claimed.ends_at <= now]
        if late or not self._is_waiting:
            failure = loggable_error(error)
            log.warning("outbound_results_wait", waiting=len(self._waiting), given_up=len(late), error=failure)
        self._is_waiting = True
        self._finish(late)
        await asyncio.sleep(RETRY_SECONDS)

    def _finish(self, entries: Sequence[Result | Release]) -> None:
        done = {id(entry) for entry in entries}
        self._waiting = [entry for entry in self._waiting if id(entry) not in done]
        metrics.unsettled.set(len(self._waiting))
        self._on_done()


def settle_and_hold(buckets: Buckets, results: Sequence[Result], releases: Sequence[Release]) -> Settled:
    """Settle, then leave those recipients alone whose provider asked for it. Raises django.db.Error."""
    settled = settling.settle(results, releases)
    for claimed, seconds in settled.holds:
        buckets.hold(claimed.environment_id, claimed.inbox_id, claimed.address, seconds)
    return settled


def count(results: Sequence[Result], settled: Settled) -> None:
    """Have the metrics tell of results."""
    for result in results:
        if result.claimed.id not in settled.ids:
            metrics.settle_conflicts.inc()
            continue
        outcome = "withheld" if result.outcome is None else type(result.outcome).__name__.lower()
        metrics.attempts.labels(result.channel, outcome).inc()
        if isinstance(result.outcome, Uncertain):
            metrics.in_doubt.labels(result.channel).inc()
