"""
The same request said twice has one effect.

The first answer is stored in the transaction of its effect (a cache could lose it). Rules as in Stripe's API and the
IETF draft "The Idempotency-Key HTTP Header Field": another body under the same key is refused, a request that is
still being worked on is not started again, failed requests leave no trace.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import ApiKey, Environment, IdempotencyKey
from core.errors import Conflict, Invalid, Problem, invalid

LONGEST_KEY = 255
KEPT_FOR = timedelta(hours=24)
PUBLIC_ID = re.compile(r'"([a-z]{2,5}_[0-9A-Za-z]{12,24})"')


@dataclass(frozen=True, slots=True)
class Request:
    """What makes two requests the same."""

    key: str
    method: str
    path: str
    body: bytes

    @property
    def digest(self) -> bytes:
        """A fingerprint of method, path and body."""
        return hashlib.sha256(f"{self.method} {self.path}\n".encode() + self.body).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; ``replayed`` when it is the stored one."""

    status: int
    body: Any
    replayed: bool = False


class KeyReused(Invalid):
    """The key came with another request before."""

    def __init__(self) -> None:
        message = "This Idempotency-Key was used for another request; use a new one."
        super().__init__(Problem("Idempotency-Key", "idempotency_key_reused", message))


def once(*, environment: Environment, api_key: ApiKey, request: Request, act: Callable[[], Answer]) -> Answer:
    """
    Return the stored answer to this request, or act and store the answer in the same transaction.

    Raises Conflict (with Retry-After) while the same key is being worked on, KeyReused for another body, Invalid for
    a key that is malformed. Whatever ``act`` raises undoes everything, so that the request can be made again.
    """
    if not 0 < len(request.key) <= LONGEST_KEY or not (request.key.isascii() and request.key.isprintable()):
        raise invalid("Idempotency-Key", "Idempotency-Key has 1 to 255 printable ASCII characters.", limit=LONGEST_KEY)
    with transaction.atomic():
        _hold(environment, api_key, request.key)
        stored = IdempotencyKey.of(environment).filter(api_key=api_key, key=request.key).first()
        if stored is not None and timezone.now() - stored.created_at < KEPT_FOR:
            if bytes(stored.request_digest) != request.digest:
                raise KeyReused
            return Answer(stored.status_code, stored.body, replayed=True)
        if stored is not None:
            stored.delete()
        answer = act()
        IdempotencyKey.unscoped.create(
            environment=environment,
            api_key=api_key,
            key=request.key,
            method=request.method,
            path=request.path[:500],
            request_digest=request.digest,
            status_code=answer.status,
            body=answer.body,
            mentions=sorted(set(PUBLIC_ID.findall(json.dumps(answer.body)))),
        )
        return answer


def _hold(environment: Environment, api_key: ApiKey, key: str) -> None:
    """Take the key for this transaction. Raises Conflict when another request has it."""
    name = hashlib.sha256(f"{environment.pk}:{api_key.pk}:{key}".encode()).digest()
    with connection.cursor() as cursor:
        number = int.from_bytes(name[:8], "big", signed=True)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise Conflict(
                "A request with this Idempotency-Key is being worked on.",
                code="idempotency_in_progress",
                retry_after=1,
            )


def forget_about(environment: Environment, public_ids: Sequence[str]) -> None:
    """Delete the answers that name any of these things, because what they name is erased."""
    IdempotencyKey.of(environment).filter(mentions__overlap=list(public_ids)).delete()


def forget_old() -> int:
    """Delete answers older than a day, a few thousand at a time; returns how many."""
    old = IdempotencyKey.unscoped.filter(created_at__lt=timezone.now() - KEPT_FOR).values("pk")[:5000]
    deleted, _ = IdempotencyKey.unscoped.filter(pk__in=old).delete()
    return deleted
