"""What came of deliveries, on its way into the database."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from core.postgres.loops import Line
from events.ledgers import Ledger
from webhooks.models import Delivery
from webhooks.services import metrics, settling
from webhooks.services.claims import Claimed
from webhooks.services.reports import HealthNow
from webhooks.services.settling import Release, Result, Settled

# For so long, good news about an endpoint that is well changes no row.
CALM_SECONDS = 5.0

log = structlog.get_logger(__name__)


class WebhookLedger(Ledger[Result | Release]):
    """
    Takes results of deliveries.

    How many wait is bounded by the slots, which are only free again once ``on_done`` was told. A delivery whose result
    is given up is attempted anew.
    """

    name = "webhooks"
    at_once = 200

    def __init__(self, *, on_done: Callable[[Sequence[Claimed]], None], on_settled: Callable[[Settled], None]) -> None:
        super().__init__(unsettled=metrics.unsettled, given_up=metrics.results_given_up)
        self._line = Line()
        self._on_done = on_done
        self._on_settled = on_settled
        self._calm: dict[int, float] = {}

    def claim_of(self, entry: Result | Release) -> Claimed:
        """Return the delivery that an entry is about."""
        return entry.delivery

    def let_go(self, entries: Sequence[Result | Release]) -> None:
        """Give back the slots of entries that are done with."""
        self._on_done([entry.delivery for entry in entries])

    async def close(self) -> None:
        """Let go of the connection."""
        await self._line.close()

    async def record(self, entries: Sequence[Result | Release]) -> None:
        """Write down results and give back releases, in one transaction. Raises psycopg.Error."""
        results = [entry for entry in entries if isinstance(entry, Result)]
        releases = [entry for entry in entries if isinstance(entry, Release)]
        settled, set_aside = Settled(), list[int]()
        async with self._line.transaction() as connection:
            if results:
                settled = await settling.settle(connection, results, self._known_calm())
            if releases:
                set_aside = await settling.release(connection, releases)
        self._count(results, settled)
        for entry in releases:
            metrics.released.labels(entry.reason).inc()
        tell_of_set_aside(set_aside)
        self._note_calm(settled.healths)
        self._on_settled(settled)

    def _count(self, results: Sequence[Result], settled: Settled) -> None:
        metrics.settle_conflicts.inc(len(results) - len(settled.states))
        written = (result for result in results if result.delivery.id in settled.states)
        counted = Counter((OUTCOMES[result.verdict.state], lane_of(result.delivery)) for result in written)
        for labels, count in counted.items():
            metrics.attempts.labels(*labels).inc(count)

    def _known_calm(self) -> set[int]:
        now = time.monotonic()
        self._calm = {endpoint_id: until for endpoint_id, until in self._calm.items() if until > now}
        return set(self._calm)

    def _note_calm(self, healths: Sequence[HealthNow]) -> None:
        until = time.monotonic() + CALM_SECONDS
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
