"""One attempt: the call to the provider, outside any transaction, and what it means."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from django.utils import timezone

from inboxes.channels.outcomes import Deferred, Outcome, Uncertain
from inboxes.channels.outgoing import MailOrder, Order
from inboxes.transport import mail, wire
from inboxes.transport.accidents import OUR_FAULT, Accident, note_fault
from inboxes.transport.accidents import Result as Answered
from inboxes.transport.http import Exchange
from outbound import policy
from outbound.services import metrics, rehearsal
from outbound.services.composing import Composed
from outbound.services.doubts import Lookup
from outbound.services.results import Result

MAIL_THREADS = 20
SPARE_SECONDS = 5.0  # of a lease, for writing down what came of it


class Caller:
    """Makes the calls of one event loop."""

    def __init__(self) -> None:
        self._exchange = Exchange()
        self._mails = ThreadPoolExecutor(MAIL_THREADS, thread_name_prefix="outbound-mail")

    async def send(self, composed: Composed) -> Result:
        """Make one attempt. Raises nothing: one that is cut short may have arrived."""
        began_at, status, request = timezone.now(), None, None
        try:
            if composed.claimed.livemode:
                answered = await self._ask(composed)
                status = None if isinstance(answered, Accident) else answered.status
                outcome = self._outcome(composed, answered)
            else:
                request = wire.shown(_order(composed))
                outcome = await rehearsal.perform(composed)
        except asyncio.CancelledError:
            outcome = Uncertain(detail="The worker was stopped before the answer came.")
        except Exception as error:  # noqa: BLE001  nobody knows how far it got
            note_fault("attempt", error, dispatch_id=composed.claimed.id)
            outcome = Uncertain(detail="The attempt broke off.")
        return _result(composed, outcome, began_at, status=status, request=request)

    async def look_up(self, lookup: Lookup) -> Outcome:
        """Ask the provider about a message in doubt. Raises nothing; nothing learnt is Uncertain."""
        try:
            answered = await self._exchange.exchange(lookup.order, livemode=lookup.claimed.livemode)
            if isinstance(answered, Accident):
                return Deferred("provider_unavailable", answered.detail)
            return lookup.known.channel.judge_lookup(answered, lookup.message)
        except asyncio.CancelledError:
            return Uncertain()
        except Exception as error:  # noqa: BLE001  it is asked again
            note_fault("lookup", error, dispatch_id=lookup.claimed.id)
            return Uncertain()

    async def close(self) -> None:
        """Close every connection."""
        await self._exchange.close()
        self._mails.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, composed: Composed) -> Answered:
        order, started = _order(composed), time.perf_counter()
        try:
            if isinstance(order, MailOrder):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._mails, hand_in, order, composed.claimed.ends_at)
            return await self._exchange.exchange(order, livemode=True)
        finally:
            metrics.call_seconds.labels(composed.known.channel.kind).observe(time.perf_counter() - started)

    def _outcome(self, composed: Composed, answered: Answered) -> Outcome:
        assert composed.message is not None
        return policy.outcome_of(composed.known.channel, composed.message, answered)


def hand_in(order: MailOrder, ends_at: float) -> Answered:
    """
    Send a mail, unless its lease may be over before its server has answered: it may have waited for others' servers
    to get a thread, and nobody may send it under a lease that is somebody else's by then.
    """
    if ends_at - time.monotonic() < order.seconds + SPARE_SECONDS:
        return Accident(OUR_FAULT, "Every thread for mail was busy.")
    return mail.send(order, livemode=True)


def _result(
    composed: Composed, outcome: Outcome, began_at: datetime, *, status: int | None, request: dict[str, Any] | None
) -> Result:
    return Result(
        claimed=composed.claimed,
        verdict=policy.verdict_of(outcome, composed.terms),
        outcome=outcome,
        began_at=began_at,
        channel=composed.known.channel.kind,
        status_code=status,
        request=request,
    )


def _order(composed: Composed) -> Order:
    assert composed.order is not None
    return composed.order
