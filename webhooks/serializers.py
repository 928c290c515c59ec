"""The public JSON of endpoints, deliveries and replays."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from core import crypto, ids
from core.times import iso, iso_or_none
from events.event import ID_PREFIX
from webhooks import signing
from webhooks.models import Attempt, Delivery, Endpoint, Health, Replay
from webhooks.transport.exchange import CAPTURED

LONGEST_LISTED_ANSWER = 1000
HELD = "held"
SUCCESS, REFUSAL = "2xx", "refusal"
TOO_OLD, ERASED = "too_old", "person_erased"
# A receiver has to turn these away; whatever else is rehearsed it has to take.
REFUSED = frozenset({Delivery.Rehearsal.BAD_SIGNATURE, Delivery.Rehearsal.STALE_TIMESTAMP})


def endpoint_json(endpoint: Endpoint, *, livemode: bool, secret: str | None = None) -> dict[str, Any]:
    """Return the ``webhook_endpoint`` object; ``secret`` only in the answer that makes one."""
    shown: dict[str, Any] = {
        "id": endpoint.public_id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "events": endpoint.events,
        "description": endpoint.description,
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason or None,
        "dialect": endpoint.dialect,
        "signature": endpoint.signature,
        "public_key": _public_key(endpoint),
        "custom_headers": {name: crypto.masked(value) for name, value in endpoint.custom_headers.items()},
        "max_in_flight": endpoint.max_in_flight,
        "rate_per_second": endpoint.rate_per_second,
        "captures": endpoint.captures,
        "inbox_id": ids.encode("inb", endpoint.inbox_id) if endpoint.inbox_id else None,
        "health": _health_json(endpoint.health),
        "livemode": livemode,
        "created_at": iso(endpoint.created_at),
        "updated_at": iso(endpoint.updated_at),
    }
    return shown if secret is None else {**shown, "secret": secret}


def delivery_json(delivery: Delivery, attempts: Sequence[Attempt], *, is_whole: bool = False) -> dict[str, Any]:
    """
    Return the ``webhook_delivery`` object with its attempts, oldest first.

    Only a whole one has headers, and answers at their full length.
    """
    return {
        "id": delivery.public_id,
        "object": "webhook_delivery",
        "event_id": ids.encode(ID_PREFIX, delivery.event_id),
        "endpoint_id": ids.encode("whe", delivery.endpoint_id),
        "type": delivery.type,
        "state": state_of(delivery),
        "canceled_reason": reason_of(delivery) or None,
        "rehearsal": _rehearsal_json(delivery, attempts),
        "attempts": [_attempt_json(attempt, is_whole=is_whole) for attempt in attempts],
        "next_attempt_at": iso_or_none(_next_attempt_at(delivery)),
        "livemode": delivery.livemode,
        "created_at": iso(delivery.created_at),
        "finished_at": iso_or_none(delivery.finished_at),
    }


def body_json(content: bytes | None) -> dict[str, Any]:
    """Return what a whole delivery says of what is sent, as ``queries.body_of`` has it."""
    if content:
        return {"body": content.decode(), "body_gone": None}
    return {"body": None, "body_gone": TOO_OLD if content is None else ERASED}


def replay_json(replay: Replay, *, livemode: bool) -> dict[str, Any]:
    """Return the ``webhook_replay`` object."""
    return {
        "id": replay.public_id,
        "object": "webhook_replay",
        "endpoint_id": ids.encode("whe", replay.endpoint_id),
        "kind": replay.kind,
        "state": replay.state,
        "since": iso(replay.since),
        "until": iso(replay.until),
        "queued": replay.queued,
        "livemode": livemode,
        "created_at": iso(replay.created_at),
        "finished_at": iso_or_none(replay.finished_at),
    }


def curl(url: str, headers: Mapping[str, str], body: str) -> str:
    """Return a command for a POSIX shell that sends the request; a body that begins with ``@`` is a body still."""
    parts = ["curl", "--request", "POST", shlex.quote(url)]
    parts += [f"--header {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    return " \\\n  ".join([" ".join(parts[:4]), *parts[4:], f"--data-raw {shlex.quote(body)}"])


def state_of(delivery: Delivery) -> str:
    """Return where a delivery stands: one that waits for an endpoint which is not told now is held, but for a test."""
    if delivery.state != Delivery.State.PENDING or delivery.endpoint.is_told:
        return delivery.state
    if delivery.endpoint.deleted_at:
        return Delivery.State.CANCELED
    return delivery.state if delivery.trigger == Delivery.Trigger.TEST else HELD


def reason_of(delivery: Delivery) -> str:
    """Return why a delivery is canceled; empty for one that is not, or was before reasons were kept."""
    if delivery.state == Delivery.State.CANCELED:
        return delivery.canceled_reason
    return Delivery.Canceled.ENDPOINT_DELETED if state_of(delivery) == Delivery.State.CANCELED else ""


def _next_attempt_at(delivery: Delivery) -> Any:
    return delivery.next_attempt_at if state_of(delivery) == Delivery.State.PENDING else None


def _public_key(endpoint: Endpoint) -> str | None:
    if endpoint.signature != Endpoint.Signature.ED25519:
        return None
    newest = max(endpoint.secrets.all(), key=lambda secret: secret.pk, default=None)
    opened = newest.opened if newest else None
    return signing.public_key(opened) if opened else None


def _health_json(health: Health) -> dict[str, Any]:
    return {
        "consecutive_failures": health.consecutive_failures,
        "failing_since": iso_or_none(health.failing_since),
        "last_success_at": iso_or_none(health.last_success_at),
        "last_failure_at": iso_or_none(health.last_failure_at),
        "last_error": health.last_error or None,
        "signing_failed_at": iso_or_none(health.signing_failed_at),
        "hold_until": iso_or_none(health.hold_until),
        "in_flight_cap": health.in_flight_cap,
    }


def _attempt_json(attempt: Attempt, *, is_whole: bool) -> dict[str, Any]:
    shown = {
        "n": attempt.n,
        "trigger": attempt.trigger,
        "sent_at": iso(attempt.sent_at),
        "duration_ms": attempt.duration_ms,
        "url": attempt.url,
        "status_code": attempt.status_code,
        "error_class": attempt.error_class or None,
        "error_detail": attempt.error_detail or None,
        "remote_ip": attempt.remote_ip or None,
        "response_body": attempt.response_body if is_whole else attempt.response_body[:LONGEST_LISTED_ANSWER],
    }
    if not is_whole:
        return shown
    return {**shown, "request_headers": attempt.request_headers, "response_headers": attempt.response_headers}


def _rehearsal_json(delivery: Delivery, attempts: Sequence[Attempt]) -> dict[str, Any] | None:
    if not delivery.rehearsal:
        return None
    is_refused = delivery.rehearsal in REFUSED
    answered = attempts[-1].status_code if attempts else None
    return {
        "mode": delivery.rehearsal,
        "expected": REFUSAL if is_refused else SUCCESS,
        "passed": _passed(attempts, answered, is_refused=is_refused),
    }


def _passed(attempts: Sequence[Attempt], answered: int | None, *, is_refused: bool) -> bool | None:
    """Whether the receiver did what it should; null until it was asked. A server that breaks down refuses nothing."""
    if not attempts or attempts[-1].error_class == CAPTURED:
        return None
    lowest, highest = (400, 499) if is_refused else (200, 299)
    return answered is not None and lowest <= answered <= highest
