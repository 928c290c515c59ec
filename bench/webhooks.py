"""
The webhook engine: how many deliveries a second and at what cost, how long from message to webhook, what one hanging
endpoint does to nineteen others, and what a SIGKILL in full load leaves undone.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings

from accounts.models import Environment
from bench import counting, load, product, receiver
from bench.counting import wait_for
from bench.messages import Place
from core import tenancy
from webhooks import signing
from webhooks.models import Delivery, Endpoint, Health, Secret
from webhooks.services import hints

PATIENCE_SECONDS = 180.0
BODY = (
    '{"id":"evt_%n","type":"message_in","event":"message_in","timestamp":"2026-11-20T20:00:00.123456Z",'
    '"livemode":true,"api_version":"2026-11-20","sequence":17,"channel":"api","source":"user","data":'
    '{"conversation_id":"conv_8fKq2mXw4LtZ","message_text":"n-%n","source_channel":"api","filler":"' + "x" * 750 + '"}}'
)
POUR_BODIES = """
INSERT INTO webhooks_body (environment_id, event_id, event_at, dialect, type, content)
SELECT %(environment)s, %(base)s + n, %(at)s, 'dexra', 'message_in',
       convert_to(replace(%(body)s, '%%n', (%(base)s + n)::text), 'UTF8')
FROM generate_series(1, %(count)s) AS n
"""
POUR_DELIVERIES = """
INSERT INTO webhooks_delivery (environment_id, endpoint_id, event_id, event_at, type, livemode, next_attempt_at)
SELECT %(environment)s, (%(endpoints)s::bigint[])[1 + n %% cardinality(%(endpoints)s::bigint[])], %(base)s + n, %(at)s,
       'message_in', true, clock_timestamp()
FROM generate_series(1, %(count)s) AS n RETURNING id, event_id
"""
WAKE = """
UPDATE webhooks_health SET next_due_at = now()
WHERE endpoint_id IN (SELECT id FROM webhooks_endpoint WHERE id = ANY(%(endpoints)s) ORDER BY id FOR NO KEY UPDATE)
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """An environment with endpoints at a receiver of its own."""

    environment_id: int
    endpoints: list[int]
    port: int


@contextmanager
def stage(environment_id: int, *, healthy: int, hanging: int = 0, events: tuple[str, ...] = ()) -> Iterator[Stage]:
    """Start a receiver and point new endpoints at it; they are gone afterwards."""
    port = product.free_port()
    paths = [f"/hook/{n}" for n in range(healthy)] + [f"/hang/{n}" for n in range(hanging)]
    with product.process("-m", "bench.receiver", str(port)), tenancy.everyone():
        wait_for(lambda: counting.count(port) == 0, 10)
        made = [_endpoint(environment_id, f"http://127.0.0.1:{port}{path}", events) for path in paths]
        try:
            yield Stage(environment_id, made, port)
        finally:
            Delivery.unscoped.filter(endpoint__in=made).delete()
            Endpoint.unscoped.filter(pk__in=made).delete()


def clear(environment_id: int) -> None:
    """Remove the endpoints of a run that was cut off: every message of the next one would go to them too."""
    left = list(Endpoint.unscoped.filter(environment=environment_id).values_list("pk", flat=True))
    Delivery.unscoped.filter(endpoint__in=left).delete()
    Endpoint.unscoped.filter(pk__in=left).delete()


def _endpoint(environment_id: int, url: str, events: tuple[str, ...]) -> int:
    environment = Environment.objects.get(pk=environment_id)
    made: Endpoint = Endpoint.unscoped.create(environment=environment, url=url, events=list(events))
    Secret.unscoped.create(environment=environment, endpoint=made, secret=signing.new_secret())
    Health.unscoped.create(environment=environment, endpoint=made)
    return made.pk


def pour(on: Stage, count: int) -> dict[int, int]:
    """Make that many deliveries due at once, spread over the stage's endpoints; returns each one's event."""
    values = {
        "environment": on.environment_id,
        "endpoints": on.endpoints,
        "base": time.time_ns() // 1000,
        "count": count,
        "body": BODY,
    }
    with _database() as database, database.transaction():
        now = database.execute("SELECT now()").fetchone()
        values["at"] = now[0] if now else None
        database.execute(POUR_BODIES, values)
        rows = database.execute(POUR_DELIVERIES, values).fetchall()
        database.execute(WAKE, values)
    hints.wake_engine()
    return dict(rows)


def rate(environment_id: int, *, deliveries: int) -> tuple[float, float]:
    """Return deliveries a second of one worker, and its CPU microseconds for each."""
    with stage(environment_id, healthy=20) as on, product.worker() as worker:
        _warm(on)
        before, used = counting.count(on.port), product.cpu_seconds(worker.pid)
        pour(on, deliveries)
        wait_for(lambda: counting.count(on.port) >= before + deliveries, PATIENCE_SECONDS)
        wait_for(lambda: _open(on) == 0, 30)
        used = product.cpu_seconds(worker.pid) - used
        times = [one.at for one in receiver.arrivals(on.port)[before:]]
    return len(times) / (max(times) - min(times)), used / deliveries * 1e6


def task_each_rate(environment_id: int, *, deliveries: int, processes: int) -> tuple[float, float]:
    """
    Return deliveries a second of a worker with one Celery task for each, and the CPU microseconds of each: the worker's
    and, because this design cannot do without, those of putting the task into the queue.
    """
    from bench import task_each  # noqa: PLC0415  it wants REDIS_URL, which only a benchmark has

    arguments = ("-m", "celery", "-A", "bench.task_each", "worker", "--concurrency", str(processes),
                 "--loglevel", "WARNING", "--without-gossip", "--without-mingle")  # fmt: skip
    with stage(environment_id, healthy=20) as on:
        rows, secret = pour(on, deliveries), signing.new_secret()
        began = time.process_time()
        for row in rows:
            task_each.deliver.delay(row, secret)
        asking = (time.process_time() - began) / deliveries
        warm = deliveries // 10
        with product.process(*arguments, BENCH_DATABASE_URL=_dsn()) as worker:
            wait_for(lambda: counting.count(on.port) >= warm, PATIENCE_SECONDS)
            used = product.cpu_seconds(worker.pid)
            wait_for(lambda: counting.count(on.port) >= deliveries, PATIENCE_SECONDS)
            used = product.cpu_seconds(worker.pid) - used
            times = sorted(one.at for one in receiver.arrivals(on.port))[warm:]
    return len(times) / (times[-1] - times[0]), (asking + used / len(times)) * 1e6


def message_to_webhook(environment_id: int, where: list[Place], *, per_second: int, seconds: int) -> list[float]:
    """Return sorted milliseconds from the answer to a client's message to its webhook, through relay and engine."""
    port = product.free_port()
    with stage(environment_id, healthy=1, events=("message_in",)) as on, product.web(port), product.worker():
        product.wait_for(port, "/readyz")
        warm = _write(port, where, per_second=per_second, seconds=2, prefix="warm")
        wait_for(lambda: counting.count(on.port) >= len(warm), 30)
        answered = _write(port, where, per_second=per_second, seconds=seconds, prefix="m")
        wait_for(lambda: counting.count(on.port) >= len(warm) + len(answered), 30)
        time.sleep(1)
        came = {one.text: one.at for one in receiver.arrivals(on.port)}
    return sorted((came[text] - at) * 1000 if text in came else float("inf") for text, at in answered.items())


def _write(port: int, where: list[Place], *, per_second: int, seconds: int, prefix: str) -> dict[str, float]:
    """Send messages at a steady rate from one thread a conversation; returns when each was answered."""
    answered: dict[str, float] = {}
    started = time.perf_counter() + 0.1

    def write(index: int, place: Place) -> None:
        bodies = iter(range(index, per_second * seconds, len(where)))
        text = ""
        connection = load.Connection(
            port, lambda: load.request("POST", place.path, b'{"content":"%s"}' % text.encode())
        )
        for number in bodies:
            text = f"{prefix}-{number}"
            time.sleep(max(0.0, started + number / per_second - time.perf_counter()))
            connection.ask()
            while connection.read() is None:
                pass
            answered[text] = time.time()

    threads = [threading.Thread(target=write, args=(index, place)) for index, place in enumerate(where)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered


def beside_a_hanging_one(environment_id: int, *, hanging: int, per_second: int, seconds: int) -> list[float]:
    """Return sorted milliseconds from queue to arrival at the healthy ones of twenty endpoints."""
    with stage(environment_id, healthy=20 - hanging, hanging=hanging) as on, product.worker():
        _warm(on)
        before, started, queued = counting.count(on.port), time.time(), 0
        while (now := time.time()) < started + seconds:
            due = int((now - started) * per_second) - queued
            if due >= 20:
                pour(on, due)
                queued += due
            time.sleep(0.02)
        time.sleep(2)
        healthy = [one for one in receiver.arrivals(on.port)[before:] if one.path.startswith("/hook/")]
        created = _created(on)
    return sorted((one.at - created[one.text]) * 1000 for one in healthy if one.text in created)


@dataclass(frozen=True, slots=True)
class Killed:
    """What a SIGKILL in full load left: never delivered, delivered more than once, claims in flight at the kill."""

    missing: int
    doubled: int
    in_flight: int
    seconds: float


def kill_in_full_load(environment_id: int, *, deliveries: int) -> Killed:
    """Kill the worker while it delivers, start another, and count."""
    with stage(environment_id, healthy=20) as on:
        with product.worker() as worker:
            _warm(on)
            before = counting.count(on.port)
            poured = {f"n-{event}" for event in pour(on, deliveries).values()}
            wait_for(lambda: counting.count(on.port) >= before + deliveries // 3, 60)
            worker.kill()
            worker.wait()
        in_flight, killed_at = _leased(on), time.monotonic()
        with product.worker():
            wait_for(lambda: _open(on) == 0, PATIENCE_SECONDS)
            took = time.monotonic() - killed_at
        got = Counter(one.text for one in receiver.arrivals(on.port) if one.text in poured)
    return Killed(deliveries - len(got), sum(got.values()) - len(got), in_flight, took)


def _warm(on: Stage) -> None:
    before = counting.count(on.port)
    pour(on, 200)
    healthy = before + 200 * len([one for one in _paths(on) if "/hook/" in one]) // len(on.endpoints)
    wait_for(lambda: counting.count(on.port) >= healthy, 60)


def _paths(on: Stage) -> list[str]:
    return list(Endpoint.unscoped.filter(pk__in=on.endpoints).values_list("url", flat=True))


def _open(on: Stage) -> int:
    return _one("SELECT count(*) FROM webhooks_delivery WHERE endpoint_id = ANY(%s) AND finished_at IS NULL", on)


def _leased(on: Stage) -> int:
    return _one("SELECT count(*) FROM webhooks_delivery WHERE endpoint_id = ANY(%s) AND state = 'delivering'", on)


def _created(on: Stage) -> dict[str, float]:
    with _database() as database:
        rows = database.execute(
            "SELECT 'n-' || event_id, extract(epoch FROM created_at)::float8 FROM webhooks_delivery"
            " WHERE endpoint_id = ANY(%s)",
            [on.endpoints],
        ).fetchall()
    return dict(rows)


def _one(query: str, on: Stage) -> int:
    with _database() as database:
        row = database.execute(query, [on.endpoints]).fetchone()
    return int(row[0]) if row else 0


def _database() -> psycopg.Connection[tuple[Any, ...]]:
    database = psycopg.connect(_dsn(), autocommit=True)
    database.execute("SELECT set_config('dexra.environment', '0', false)")
    return database


def _dsn() -> str:
    return str(settings.DATABASE_OWNER_URL or settings.DATABASE_URL)
