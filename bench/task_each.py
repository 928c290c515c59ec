"""
The design Dexra does not have: one Celery task for each delivery. What the engine is measured against.

Fair to it: a shared HTTP client and a shared database connection in each process, two statements a delivery, the same
body, signature and tables.
"""

import os
import time
from functools import cache
from typing import Any

import httpx
import psycopg
from celery import Celery

from webhooks import signing

app = Celery("bench.task_each", broker=os.environ["REDIS_URL"].replace("unix://", "redis+socket://", 1))
app.conf.update(task_default_queue="bench-task-each", task_ignore_result=True, worker_prefetch_multiplier=4)

READ = """
SELECT endpoint.url, body.content, body.event_id FROM webhooks_delivery AS delivery
JOIN webhooks_endpoint AS endpoint ON endpoint.id = delivery.endpoint_id
JOIN webhooks_body AS body ON body.event_id = delivery.event_id AND body.event_at = delivery.event_at
WHERE delivery.id = %s
"""
WRITE = """
WITH settled AS (UPDATE webhooks_delivery SET state = 'delivered', attempts = 1, tries = 1, next_attempt_at = NULL,
                 last_status = %s, finished_at = now() WHERE id = %s
                 RETURNING id, environment_id, endpoint_id, event_id)
INSERT INTO webhooks_attempt (environment_id, delivery_id, endpoint_id, event_id, n, trigger, sent_at, duration_ms,
                              url, status_code)
SELECT environment_id, id, endpoint_id, event_id, 1, 'auto', now(), %s, %s, %s FROM settled
"""


@cache
def _database() -> psycopg.Connection[tuple[Any, ...]]:
    database = psycopg.connect(os.environ["BENCH_DATABASE_URL"], autocommit=True)
    database.execute("SELECT set_config('dexra.environment', '0', false)")
    return database


@cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=15, trust_env=False)


@app.task  # type: ignore[untyped-decorator]  # Celery has no types
def deliver(delivery_id: int, secret: str) -> None:
    """Send one delivery and write down how it went."""
    row = _database().execute(READ, [delivery_id]).fetchone()
    assert row is not None
    url, body, event_id = row[0], bytes(row[1]), f"evt_{row[2]}"
    now, started = int(time.time()), time.perf_counter()
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(now),
        "webhook-signature": signing.sign(secret, event_id, now, body),
    }
    answer = _client().post(url, content=body, headers=headers)
    took = int((time.perf_counter() - started) * 1000)
    _database().execute(WRITE, [answer.status_code, delivery_id, took, url, answer.status_code])
