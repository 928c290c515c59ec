"""What is to be written down: gathered for a moment, written in bulk, kept while the database is away."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import psycopg
import structlog

from core.logs import loggable_error
from core.postgres.loops import Line
from webhooks.models import Delivery
from webhooks.services import metrics, settling
from webhooks.services.claims import Claimed
from webhooks.services.reports import HealthNow
from webhooks.services.settling import Release, Result, Settled

GATHER_SECONDS = 0.01
AT_ONCE = 200
RETRY_SECONDS = 0.25
# For so long, good news about an endpoint that is well changes no row.
CALM_SECONDS = 5.0
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OSError)

log = structlog.get_logger(__name__)


class Ledger:
    """
    Takes results and gives them to the database, in order.

    Each is tried again and again until its lease has ended; then somebody else makes the attempt anew. How many wait
    is bounded by the slots, which are only free again once ``on_done`` was told.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        on_done: Callable[[Sequence[Claimed]], None],
        on_settled: Callable[[Settled], None],
    ) -> None:
        self._line = Line()
        self._clock = clock
        self._on_done = on_done
        self._on_settled = on_settled
        self._waiting: list[Result | Release] = []
        self._arrived = asyncio.Event()
        self._calm: dict[int, float] = {}
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
        except psycopg.Error:
            entries = await self._one_by_one(entries)
        self._finish(entries)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._line.close()

    async def _write(self, entries: Sequence[Result | Release]) -> None:
        results = [entry for entry in entries if isinstance(entry, Result)]
        releases = [entry for entry in entries if isinstance(entry, Release)]
        settled, set_aside = Settled(), list[int]()
        async with self._line.transaction() as connection:
            if results:
                settled = await settling.settle(connection, results, self._known_calm())
            if releases:
                set_aside = await settling.release(connection, releases)
        self._is_waiting = False
        self._count(results, settled)
        for entry in releases:
            metrics.released.labels(entry.reason).inc()
        tell_of_set_aside(set_aside)
        self._note_calm(settled.healths)
        self._on_settled(settled)

    async def _one_by_one(self, entries: Sequence[Result | Release]) -> Sequence[Result | Release]:
        """Keep the one that cannot be stored from holding up the others; returns those that are done with."""
        for place, entry in enumerate(entries):
            try:
                await self._write([entry])
            except AWAY:
                return entries[:place]
            except psycopg.Error as error:  # its lease will end, and after a few of those it is set aside
                log.error("webhook_result_lost", delivery_id=entry.delivery.id, error=loggable_error(error))  # noqa: TRY400
        return entries

    async def _be_patient(self, error: Exception) -> None:
        now = self._clock()
        late = [entry for entry in self._waiting if entry.delivery.ends_at <= now]
        if late or not self._is_waiting:
            failure = loggable_error(error)
            log.warning("webhook_results_wait", waiting=len(self._waiting), given_up=len(late), error=failure)
        self._is_waiting = True
        metrics.results_given_up.inc(len(late))
        self._finish(late)
        await asyncio.sleep(RETRY_SECONDS)

    def _finish(self, entries: Sequence[Result | Release]) -> None:
        done = {id(entry) for entry in entries}
        self._waiting = [entry for entry in self._waiting if id(entry) not in done]
        metrics.unsettled.set(len(self._waiting))
        self._on_done([entry.delivery for entry in entries])

    def _count(self, results: Sequence[Result], settled: Settled) -> None:
        metrics.settle_conflicts.inc(len(results) - len(settled.states))
        written = (result for result in results if result.delivery.id in settled.states)
        counted = Counter((OUTCOMES[result.verdict.state], lane_of(result.delivery)) for result in written)
        for labels, count in counted.items():
            metrics.attempts.labels(*labels).inc(count)

    def _known_calm(self) -> set[int]:
        now = self._clock()
        self._calm = {endpoint_id: until for endpoint_id, until in self._calm.items() if until > now}
        return set(self._calm)

    def _note_calm(self, healths: Sequence[HealthNow]) -> None:
        until = self._clock() + CALM_SECONDS
        for health in healths:
            if health.is_wide and not health.consecutive_failures and not health.told_stage:
                self._calm[health.endpoint_id] = until
            else:
                self._calm.pop(health.endpoint_id, None)


OUTCOMES = {
    Delivery.State.DELIVERED: "delivered",
    Delivery.State.PENDING: "failed",
    Delivery.State.EXHAUSTED: "exhausted",
    Delivery.State.CANCELED: "gone",
}


def lane_of(delivery: Claimed) -> str:
    """Return what a delivery counts as: sandbox, retry or first."""
    if not delivery.livemode:
        return "sandbox"
    return "retry" if delivery.is_retry else "first"


def tell_of_set_aside(delivery_ids: Sequence[int]) -> None:
    """Raise the alarm about deliveries that seem to kill whoever takes them."""
    for delivery_id in delivery_ids:
        metrics.quarantined.inc()
        log.error("webhook_delivery_quarantined", delivery_id=delivery_id)
