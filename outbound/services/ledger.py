"""What came of messages, on its way into the database."""

from collections.abc import Callable, Sequence

from events.ledgers import Ledger
from inboxes.channels.outcomes import Uncertain
from outbound.services import metrics, settling
from outbound.services.buckets import Buckets
from outbound.services.claims import Claimed
from outbound.services.desk import Desk
from outbound.services.results import Release, Result
from outbound.services.settling import Settled


class OutboundLedger(Ledger[Result | Release]):
    """
    Takes results of messages.

    A message whose result is given up is in doubt, for whoever finds its lease. Without the database nothing more is
    claimed, so that no more wait than were under way. ``on_done`` is told what was written down or given up.
    """

    name = "outbound"
    at_once = 100

    def __init__(self, buckets: Buckets, *, on_done: Callable[[Sequence[Result | Release]], None]) -> None:
        super().__init__(unsettled=metrics.unsettled, given_up=metrics.results_given_up)
        self._desk = Desk("outbound-ledger")
        self._buckets = buckets
        self._on_done = on_done

    def claim_of(self, entry: Result | Release) -> Claimed:
        """Return the message that an entry is about."""
        return entry.claimed

    def let_go(self, entries: Sequence[Result | Release]) -> None:
        """Tell that there is something new in the database."""
        self._on_done(entries)

    async def record(self, entries: Sequence[Result | Release]) -> None:
        """Write down results and give back releases, in one transaction. Raises django.db.Error."""
        results = [entry for entry in entries if isinstance(entry, Result)]
        releases = [entry for entry in entries if isinstance(entry, Release)]
        settled = await self._desk.do(settle_and_hold, self._buckets, results, releases)
        count(results, settled)
        for entry in releases:
            metrics.released.labels(entry.reason).inc()

    async def close(self) -> None:
        """Let go of the connection."""
        self._desk.close()


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
