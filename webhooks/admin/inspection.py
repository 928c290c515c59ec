"""The signature of one attempt, recomputed step by step, for the receiver that refuses it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone

from core import crypto
from webhooks import signing
from webhooks.admin.states import UNOPENED
from webhooks.models import Attempt, Delivery, Endpoint, Secret

SHOWN_OF_CONTENT = 160
TOLERANCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Check:
    """One secret that is kept, and the signature it makes."""

    hint: str
    signature: str
    is_sent: bool
    note: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """
    What was signed and what came of it.

    ``signed`` begins the text that is signed; ``is_right`` says whether a secret that is kept makes what was sent,
    None when that cannot be told. ``verdict`` says what it means; a wrong one may be meant so, by a rehearsal.
    """

    attempt: Attempt
    message_id: str
    timestamp: str
    moment: datetime | None
    skew: int
    size: int
    digest: str
    signed: str
    sent: list[str]
    checks: list[Check]
    is_right: bool | None
    verdict: str
    is_meant: bool

    @property
    def tone(self) -> str:
        """Return ok, warn or bad."""
        if self.is_right is None or (self.is_meant and not self.is_right):
            return "warn"
        return "ok" if self.is_right else "bad"

    @property
    def is_stale(self) -> bool:
        """Whether receivers have to refuse it for its age."""
        return abs(self.skew) > TOLERANCE_SECONDS

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of what is signed is shown."""
        return self.size > SHOWN_OF_CONTENT


@dataclass(frozen=True, slots=True)
class _Names:
    """What a dialect calls its headers; one without a name for the id does not sign it."""

    message_id: str
    timestamp: str
    signature: str


NAMES: Mapping[str, _Names] = {
    Endpoint.Dialect.DEXRA: _Names("webhook-id", "webhook-timestamp", "webhook-signature"),
    Endpoint.Dialect.CHATWOOT: _Names("", "x-chatwoot-timestamp", "x-chatwoot-signature"),
}


def inspect(delivery: Delivery, attempt: Attempt, body: bytes | None, secrets: Iterable[Secret]) -> Inspection:
    """Return how the signature of an attempt comes about; ``body`` is as ``queries.body_of`` has it."""
    headers = {name.lower(): str(value) for name, value in attempt.request_headers.items()}
    names = NAMES[delivery.endpoint.dialect]
    message_id, timestamp = headers.get(names.message_id, ""), headers.get(names.timestamp, "")
    moment = datetime.fromtimestamp(int(timestamp), UTC) if timestamp.isascii() and timestamp.isdigit() else None
    sent = headers.get(names.signature, "").split()
    can_sign = bool(body) and moment is not None
    checks = [_check(s, message_id, int(timestamp), body or b"", sent) for s in secrets] if can_sign else []
    is_right = any(check.is_sent for check in checks) if can_sign and sent else None
    head = f"{message_id}.{timestamp}." if names.message_id else f"{timestamp}."
    return Inspection(
        attempt=attempt,
        message_id=message_id,
        timestamp=timestamp,
        moment=moment,
        skew=round((attempt.sent_at - moment).total_seconds()) if moment else 0,
        size=len(body or b""),
        digest=hashlib.sha256(body).hexdigest() if body else "",
        signed=head + (body or b"")[:SHOWN_OF_CONTENT].decode(errors="replace"),
        sent=sent,
        checks=checks,
        is_right=is_right,
        verdict=_verdict(delivery, body, sent, is_right=is_right),
        is_meant=delivery.rehearsal == Delivery.Rehearsal.BAD_SIGNATURE,
    )


def _check(secret: Secret, message_id: str, timestamp: int, body: bytes, sent: list[str]) -> Check:
    opened = secret.opened
    if opened is None:
        return Check(crypto.MASK, "", is_sent=False, note=UNOPENED)
    signature = _sign(opened, message_id, timestamp, body)
    ends = secret.expires_at
    has_ended = ends is not None and ends <= timezone.now()
    note = f"{'ended' if has_ended else 'ends'} {ends:%Y-%m-%d %H:%M} UTC" if ends else "in use"
    return Check(crypto.masked(opened), signature, any(crypto.same(signature, each) for each in sent), note)


def _sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    if message_id:
        return signing.sign(secret, message_id, timestamp, body)
    return signing.chatwoot_signature(secret, timestamp, body)


def _verdict(delivery: Delivery, body: bytes | None, sent: list[str], *, is_right: bool | None) -> str:
    if not body:
        why = "is too old to be kept" if body is None else "was erased with the person it was about"
        return f"The body {why}, so the signature cannot be made again."
    if not sent:
        return "No signature was written down with this attempt."
    if is_right:
        return (
            "The signature is right. A receiver that refuses it has another secret, changed the body before it looked "
            "(parsed and written anew, for example), or has a clock that is more than five minutes off."
        )
    if delivery.rehearsal == Delivery.Rehearsal.BAD_SIGNATURE:
        return "Wrong on purpose: this rehearsal is signed with a random key, and a receiver has to refuse it."
    return "No secret that is kept makes this signature: the one it was made with was rotated away since."
