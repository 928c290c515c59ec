"""Writing down what became of attempts: many in one statement, each only while its lease is still the sender's."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.postgres.loops import Connection
from webhooks.models import Delivery
from webhooks.policy import Verdict
from webhooks.services.claims import MOST_CLAIMS, Claimed
from webhooks.services.reports import HealthNow, Report, report
from webhooks.transport.exchange import Answer

UNSIGNED = "no_secret"  # why a claim is given back: no key of ours opens what it would be signed with
# Attempts that somebody asked for and that are still to be made after this one.
LEFT = "extra - result.is_extra::int"
# Such an attempt failed: the delivery goes back to where it was.
FAILED_EXTRA = "result.is_extra AND result.state <> 'delivered'"
SETTLE = f"""
WITH result(id, token, state, wait, is_extra, trigger, sent_at, duration_ms, url, status_code, error_class,
            error_detail, remote_ip, request_headers, response_headers, response_body) AS (
    SELECT * FROM unnest(
        %b::bigint[], %b::uuid[], %b::text[], %b::float8[], %b::boolean[], %b::text[], %b::timestamptz[], %b::int[],
        %b::text[], %b::smallint[], %b::text[], %b::text[], %b::text[], %b::text[]::jsonb[], %b::text[]::jsonb[],
        %b::text[])
), settled AS (
    UPDATE webhooks_delivery AS delivery SET
        state = CASE
            WHEN {LEFT} > 0 THEN 'pending'
            WHEN {FAILED_EXTRA} THEN coalesce(nullif(returns_to, ''), 'pending')
            ELSE result.state END,
        next_attempt_at = CASE
            WHEN {LEFT} > 0 THEN statement_timestamp()
            WHEN {FAILED_EXTRA} AND returns_to IN ('', 'pending') THEN coalesce(returns_at, statement_timestamp())
            WHEN NOT ({FAILED_EXTRA}) AND result.state = 'pending'
            THEN statement_timestamp() + make_interval(secs => result.wait) END,
        canceled_reason = CASE WHEN result.state = 'canceled' AND NOT ({FAILED_EXTRA}) THEN 'endpoint_gone'
            ELSE canceled_reason END,
        returns_to = CASE WHEN {LEFT} <= 0 THEN '' WHEN {FAILED_EXTRA} THEN returns_to ELSE result.state END,
        returns_at = CASE
            WHEN {LEFT} <= 0 THEN NULL
            WHEN {FAILED_EXTRA} THEN returns_at
            WHEN result.state = 'pending' THEN statement_timestamp() + make_interval(secs => result.wait) END,
        finished_at = CASE
            WHEN {FAILED_EXTRA} OR result.state = 'pending' THEN finished_at ELSE statement_timestamp() END,
        trigger = CASE WHEN result.is_extra AND {LEFT} <= 0 THEN 'auto' ELSE delivery.trigger END,
        extra = greatest(0, {LEFT}), attempts = attempts + (NOT result.is_extra)::int, tries = tries + 1, claims = 0,
        lease_token = NULL, lease_until = NULL, last_status = result.status_code, last_error = result.error_class
    FROM result
    WHERE delivery.id = result.id AND delivery.state = 'delivering' AND delivery.lease_token = result.token
    RETURNING delivery.environment_id, delivery.endpoint_id, delivery.event_id, delivery.tries, result.*,
              delivery.state AS now_in,
              extract(epoch FROM delivery.next_attempt_at - statement_timestamp())::float8 AS due_in
), logged AS (
    INSERT INTO webhooks_attempt (environment_id, delivery_id, endpoint_id, event_id, n, trigger, sent_at, duration_ms,
        url, status_code, error_class, error_detail, remote_ip, request_headers, response_headers, response_body)
    SELECT environment_id, id, endpoint_id, event_id, tries, trigger, sent_at, duration_ms,
        url, status_code, error_class, error_detail, remote_ip, request_headers, response_headers, response_body
    FROM settled
)
SELECT id, now_in, due_in FROM settled
"""  # noqa: S608  put together from the texts above
RELEASE = """
WITH given AS (
    SELECT *, canceled <> '' AS is_over
    FROM unnest(%(ids)b::bigint[], %(tokens)b::uuid[], %(waits)b::float8[], %(blamed)b::boolean[], %(canceled)b::text[],
                %(unsigned)b::boolean[]) AS told(id, token, wait, is_blamed, canceled, is_unsigned)
), released AS (
    UPDATE webhooks_delivery AS delivery SET
        state = CASE WHEN is_over THEN 'canceled' WHEN is_blamed AND claims >= %(most)b THEN 'quarantined'
                ELSE 'pending' END,
        next_attempt_at = CASE WHEN is_over OR is_blamed AND claims >= %(most)b THEN NULL
            ELSE greatest(next_attempt_at, statement_timestamp() + make_interval(secs => wait)) END,
        finished_at = CASE WHEN is_over OR is_blamed AND claims >= %(most)b THEN statement_timestamp()
            ELSE finished_at END,
        canceled_reason = CASE WHEN is_over THEN given.canceled ELSE canceled_reason END,
        extra = CASE WHEN is_over OR is_blamed AND claims >= %(most)b THEN 0 ELSE extra END,
        claims = claims - (NOT is_blamed)::int, lease_token = NULL, lease_until = NULL
    FROM given
    WHERE delivery.id = given.id AND delivery.state = 'delivering' AND delivery.lease_token = given.token
    RETURNING delivery.id, delivery.endpoint_id, delivery.state, delivery.next_attempt_at, given.is_unsigned
), locked AS (
    SELECT endpoint_id FROM webhooks_health WHERE endpoint_id IN (SELECT endpoint_id FROM released)
    ORDER BY endpoint_id FOR UPDATE
), noted AS (
    UPDATE webhooks_health AS health SET
        next_due_at = least(health.next_due_at, due.at),
        signing_failed_at = CASE WHEN due.is_unsigned THEN statement_timestamp() ELSE health.signing_failed_at END
    FROM locked, LATERAL (
        SELECT min(next_attempt_at) AS at, bool_or(is_unsigned) AS is_unsigned
        FROM released WHERE released.endpoint_id = locked.endpoint_id) AS due
    WHERE health.endpoint_id = locked.endpoint_id
)
SELECT id FROM released WHERE state = 'quarantined'
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One attempt: what was sent (``headers`` as they may be shown) and what came of it."""

    delivery: Claimed
    url: str
    headers: Mapping[str, str]
    sent_at: datetime
    answer: Answer
    verdict: Verdict
    counts: bool = True  # for the endpoint's health: what was rehearsed or tried out does not


@dataclass(frozen=True, slots=True)
class Release:
    """
    A claim that is given back without an attempt, to be taken again in ``wait`` seconds.

    With ``is_blamed`` the delivery itself seems to be the reason; where nothing is left to send, ``canceled`` says why.
    """

    delivery: Claimed
    reason: str
    wait: float = 0.0
    is_blamed: bool = False
    canceled: str = ""  # a ``Delivery.Canceled``


@dataclass(slots=True)
class Settled:
    """What a settlement came to."""

    states: dict[int, str] = field(default_factory=dict)  # of the deliveries, now
    gone: set[int] = field(default_factory=set)  # endpoints that answered 410
    exhausted: set[int] = field(default_factory=set)  # deliveries whose last attempt failed
    healths: list[HealthNow] = field(default_factory=list)

    @property
    def asks_for_attention(self) -> bool:
        """Whether an endpoint is to be switched off, or somebody to be told."""
        return bool(self.gone or self.exhausted) or any(health.asks_for_attention for health in self.healths)


async def settle(connection: Connection, results: Sequence[Result], calm: Collection[int] = ()) -> Settled:
    """
    Write down attempts and what follows from them; those whose lease is no longer ours are left out.

    Call it in a transaction. Good news about ``calm`` endpoints, which are known to be well, is not worth a row's
    change. Raises psycopg.Error.
    """
    cursor = await connection.execute(SETTLE, _columns(results), binary=True)
    rows = {delivery_id: (state, due_in) for delivery_id, state, due_in in await cursor.fetchall()}
    settled = Settled({delivery_id: state for delivery_id, (state, _) in rows.items()})
    news: dict[int, Report] = {}
    for result in results:
        delivery = result.delivery
        if delivery.id not in rows:
            continue
        state, due_in = rows[delivery.id]
        about = news.setdefault(delivery.endpoint_id, Report())
        about.expect(due_in)
        if not result.counts:
            continue
        about.add(result.verdict, result.answer.error_class)
        if result.verdict.is_gone:
            settled.gone.add(delivery.endpoint_id)
        if state == Delivery.State.EXHAUSTED and not delivery.is_extra:
            settled.exhausted.add(delivery.id)
    told = {one: about for one, about in news.items() if not (about.is_nothing or (about.is_good and one in calm))}
    settled.healths = await report(connection, told) if told else []
    return settled


async def release(connection: Connection, released: Sequence[Release]) -> list[int]:
    """
    Give claims back; returns the deliveries that were set aside because they were blamed too often.

    Where there was nothing to sign with, their endpoint's health says so. Raises psycopg.Error.
    """
    cursor = await connection.execute(
        RELEASE,
        {
            "ids": [one.delivery.id for one in released],
            "tokens": [one.delivery.token for one in released],
            "waits": [float(one.wait) for one in released],
            "blamed": [one.is_blamed for one in released],
            "canceled": [str(one.canceled) for one in released],
            "unsigned": [one.reason == UNSIGNED for one in released],
            "most": MOST_CLAIMS,
        },
        binary=True,
    )
    return [delivery_id for (delivery_id,) in await cursor.fetchall()]


def _columns(results: Iterable[Result]) -> list[list[Any]]:
    rows = [
        (
            result.delivery.id,
            result.delivery.token,
            result.verdict.state.value,
            float(result.verdict.wait),
            result.delivery.is_extra,
            result.delivery.trigger,
            result.sent_at,
            result.answer.milliseconds,
            result.url,
            result.answer.status,
            result.answer.error_class,
            result.answer.detail,
            result.answer.remote_ip,
            json.dumps(dict(result.headers)),
            json.dumps(dict(result.answer.headers)),
            result.answer.body,
        )
        for result in results
    ]
    return [list(column) for column in zip(*rows, strict=True)]
