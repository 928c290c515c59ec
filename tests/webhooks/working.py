"""The engine at work on deliveries that are put before it, as fan-out does it."""

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Environment
from core import redis as redis_connections
from core.postgres.loops import Line
from tests.engines import SOON, in_thread, until
from webhooks import signing
from webhooks.engine import WebhookEngine
from webhooks.models import Attempt, Body, Delivery, Endpoint, Health, Secret
from webhooks.services import claims
from webhooks.services.claims import Claim, Claimed
from webhooks.services.hints import CHANNEL
from webhooks.services.slots import Slots

_numbers = itertools.count(1_000_000)


def open_endpoint(environment: Environment, url: str = "http://127.0.0.1:9/", **fields: Any) -> Endpoint:
    """Make an endpoint with a secret, wherever it is."""
    endpoint = Endpoint.unscoped.create(environment=environment, url=url, **fields)
    Health.unscoped.create(environment=environment, endpoint=endpoint, in_flight_cap=endpoint.max_in_flight)
    Secret.unscoped.create(environment=environment, endpoint=endpoint, secret=signing.new_secret(endpoint.signature))
    return endpoint


def queue(endpoint: Endpoint, count: int = 1, **fields: Any) -> list[Delivery]:
    """Put deliveries before an endpoint, oldest first, each of an event of its own; the engine is hinted at them."""
    now = timezone.now()
    made = []
    for _ in range(count):
        values = {"type": "message_in", "event_at": now, "next_attempt_at": timezone.now(), **fields}
        delivery = Delivery(
            environment_id=endpoint.environment_id,
            endpoint=endpoint,
            event_id=next(_numbers),
            livemode=endpoint.environment.livemode,
            **values,
        )
        Body.unscoped.create(
            environment_id=endpoint.environment_id, event_id=delivery.event_id, event_at=delivery.event_at,
            dialect=endpoint.dialect, type=delivery.type, content=b'{"n":%d}' % delivery.event_id,
        )  # fmt: skip
        made.append(delivery)
    Delivery.unscoped.bulk_create(made)
    look(endpoint)
    return made


def look(*endpoints: Endpoint) -> None:
    """Have endpoints looked at."""
    Health.unscoped.filter(endpoint__in=endpoints).update(next_due_at=timezone.now())
    redis_connections.client().publish(CHANNEL, b"")


def at_work() -> AbstractContextManager[threading.Event]:
    """Have the engine work, in a thread as in a worker; yields what tells it to stop."""
    return in_thread(WebhookEngine())


def settled(deliveries: Sequence[Delivery], state: str = "delivered", seconds: float = SOON) -> list[Delivery]:
    """Return the deliveries as they stand once all of them are in a state. Raises AssertionError."""
    ids = [delivery.pk for delivery in deliveries]
    until(lambda: Delivery.unscoped.filter(pk__in=ids, state=state).count() == len(ids), seconds)
    return list(Delivery.unscoped.filter(pk__in=ids).order_by("pk"))


def attempts(delivery: Delivery) -> list[Attempt]:
    """Return the attempts of a delivery, in their order."""
    return list(Attempt.unscoped.filter(delivery_id=delivery.pk).order_by("n"))


def health_of(endpoint: Endpoint) -> Health:
    """Return how an endpoint fares now."""
    return Health.unscoped.get(pk=endpoint.pk)


def now_in_database() -> datetime:
    """Return the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found


# --- one step at a time ----------------------------------------------------------------------


def with_line(work: Callable[[Line], Awaitable[Any]]) -> Any:
    """Run a coroutine with a line of its own."""

    async def run() -> Any:
        line = Line()
        try:
            return await work(line)
        finally:
            await line.close()

    return asyncio.run(run())


def claim(slots: Slots | None = None, also: Sequence[int] = ()) -> Claim:
    """Claim once."""

    async def work(line: Line) -> Claim:
        async with line.transaction() as held:
            return await claims.claim(held, slots or Slots(500), time.monotonic, also)

    found: Claim = with_line(work)
    return found


def claimed_of(found: Claim, endpoint: Endpoint) -> list[Claimed]:
    """Return what was claimed for one endpoint."""
    return [delivery for delivery in found.deliveries if delivery.endpoint_id == endpoint.pk]
