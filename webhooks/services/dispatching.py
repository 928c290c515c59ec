"""The engine's loop: claims what is due, sends it, hands what came of it to the ledger."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog
from django.conf import settings

from core.postgres.loops import AWAY, Line
from events.dispatching import POLL_SECONDS, Dispatcher
from webhooks import policy
from webhooks.events import EndpointTest
from webhooks.services import addressees as address_book
from webhooks.services import claims, metrics
from webhooks.services.addressees import Addressee
from webhooks.services.canceling import Reason
from webhooks.services.claims import Claimed
from webhooks.services.ledger import WebhookLedger, tell_of_set_aside
from webhooks.services.requests import request_for
from webhooks.services.settling import UNSIGNED, Release, Result, Settled
from webhooks.services.slots import Slots
from webhooks.signing import BadSecret
from webhooks.transport.client import Sender
from webhooks.transport.exchange import CAPTURED, Answer

EXPIRE_SECONDS = 1.0
# A lease with less left is not begun with: its request might still be under way when somebody else makes it again.
SPARE_SECONDS = 20.0
# What cannot be sent because of how this installation is set up.
SET_UP_SECONDS = 60.0
NOT_SENT = Answer(status=None, error_class=CAPTURED, milliseconds=0)

log = structlog.get_logger(__name__)


class WebhookDispatcher(Dispatcher):
    """Everything one process does about deliveries."""

    name = "webhooks"

    def __init__(self, *, slots: int, on_settled: Callable[[Settled], None]) -> None:
        super().__init__()
        self._slots = Slots(slots)
        self._line = Line(durable=False)  # a claim that a crash undoes is a request that is made twice
        self._sender = Sender()
        self.ledger = WebhookLedger(on_done=self._give_back, on_settled=on_settled)
        self._next_expiry = 0.0
        # Endpoints that had more due than room; they are looked at again as soon as something of theirs is done.
        self._hungry: set[int] = set()
        self._freed: set[int] = set()
        self._own_schedule = policy.own_schedule(settings.WEBHOOK_SCHEDULE) if settings.WEBHOOK_SCHEDULE else None

    @property
    def free(self) -> int:
        """How many slots are free."""
        return self._slots.free

    async def look(self) -> None:
        """Claim what is due and begin to deliver it. Raises one of ``AWAY``."""
        await self._expire()
        if self.free > 0:
            await self._claim()

    async def let_go(self) -> None:
        """Let go of every connection but the ledger's."""
        await self._sender.close()
        await self._line.close()

    async def _expire(self) -> None:
        now = time.monotonic()
        if now < self._next_expiry:
            return
        self._next_expiry = now + EXPIRE_SECONDS
        expired = await claims.expire(await self._line.open())
        metrics.leases_expired.inc(expired.ended)
        metrics.clock_skew.set(time.time() - expired.moment)
        tell_of_set_aside(expired.set_aside)

    async def _claim(self) -> None:
        also, self._freed = self._freed, set()
        async with self._line.transaction() as connection:
            claim = await claims.claim(connection, self._slots, time.monotonic, also)
        self._plan(claim.looks)
        for delivery in claim.deliveries:
            self._slots.take(delivery)
        metrics.in_flight.set(self._slots.used)
        if claim.deliveries:
            await self._begin_all(claim.deliveries)

    def _plan(self, looks: Mapping[int, float | None]) -> None:
        """Note who has more due than room, and when to look again."""
        soonest = POLL_SECONDS
        for endpoint_id, seconds in looks.items():
            if seconds is not None and seconds <= POLL_SECONDS:
                self._hungry.add(endpoint_id)
                soonest = min(soonest, seconds)
            else:
                self._hungry.discard(endpoint_id)
        self.wake(within=soonest)

    async def _begin_all(self, deliveries: Sequence[Claimed]) -> None:
        try:
            addressees = await address_book.look_up(self._line, {delivery.endpoint_id for delivery in deliveries})
            bodies = await self._read_bodies(deliveries, addressees)
        except AWAY:
            for delivery in deliveries:
                self.ledger.add(Release(delivery, "no_database"))
            raise
        for delivery in deliveries:
            if self.is_closing:
                self.ledger.add(Release(delivery, "stopped"))
                continue
            addressee = addressees.get(delivery.endpoint_id)
            body = bodies.get((delivery.event_id, addressee.dialect, delivery.type)) if addressee else None
            self.begin(self._deliver(delivery, addressee, body))

    async def _read_bodies(
        self, deliveries: Sequence[Claimed], addressees: Mapping[int, Addressee]
    ) -> Mapping[tuple[int, str, str], bytes]:
        wanted = [
            (delivery.event_id, addressees[delivery.endpoint_id].dialect, delivery.type, delivery.event_at)
            for delivery in deliveries
            if delivery.endpoint_id in addressees
        ]
        return await claims.read_bodies(await self._line.open(), wanted) if wanted else {}

    async def _deliver(self, delivery: Claimed, addressee: Addressee | None, body: bytes | None) -> None:
        try:
            entry = await self._attempt(delivery, addressee, body)
        except asyncio.CancelledError:
            entry = Release(delivery, "stopped")
        except Exception:
            log.exception("webhook_attempt_broke", delivery_id=delivery.id)
            entry = Release(delivery, "broke", wait=policy.RELEASE_SECONDS, is_blamed=True)
        self.ledger.add(entry)

    async def _attempt(self, delivery: Claimed, addressee: Addressee | None, body: bytes | None) -> Result | Release:
        if addressee is None:
            return Release(delivery, UNSIGNED, wait=SET_UP_SECONDS)
        if not body:  # too old to be kept, or the person it was about was erased
            return Release(delivery, "no_body", canceled=Reason.BODY_GONE if body is None else Reason.PERSON_ERASED)
        if delivery.ends_at - time.monotonic() < SPARE_SECONDS:
            return Release(delivery, "late", wait=1.0)
        try:
            request = request_for(delivery, addressee, body)
        except BadSecret:
            log.exception("webhook_secret_unusable", endpoint_id=addressee.endpoint_id)
            return Release(delivery, UNSIGNED, wait=SET_UP_SECONDS)
        sent_at = datetime.now(UTC)
        answer = NOT_SENT if addressee.captures else await self._sender.send(request.outgoing)
        if answer.is_ours:
            return Release(delivery, "our_fault", wait=policy.RELEASE_SECONDS)
        self._observe(delivery, answer)
        is_once = bool(delivery.rehearsal) or delivery.type == EndpointTest.type
        return Result(
            delivery=delivery,
            url=addressee.url,
            headers=request.shown,
            sent_at=sent_at,
            answer=answer,
            verdict=policy.SUCCESS if addressee.captures else self._judge(delivery, answer, is_once=is_once),
            counts=not is_once and not addressee.captures,
        )

    def _judge(self, delivery: Claimed, answer: Answer, *, is_once: bool) -> policy.Verdict:
        schedule = policy.ONCE if is_once else self._own_schedule or policy.LIVE
        if not is_once and not delivery.livemode:
            schedule = policy.SANDBOX
        return policy.judge(answer, schedule, attempts=delivery.attempts + 1, age=delivery.age)

    def _observe(self, delivery: Claimed, answer: Answer) -> None:
        metrics.attempt_seconds.observe(answer.milliseconds / 1000)
        if not delivery.is_retry:
            metrics.first_attempt_lag.observe(delivery.age)
        if answer.is_blocked:
            metrics.blocked_addresses.inc()

    def _give_back(self, done: Sequence[Claimed]) -> None:
        was_full = self._slots.free <= 0
        for delivery in done:
            self._slots.give_back(delivery)
        metrics.in_flight.set(self._slots.used)
        freed = self._hungry.intersection(delivery.endpoint_id for delivery in done)
        self._freed |= freed
        if freed or was_full:
            self.wake()
