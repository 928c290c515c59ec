"""
Writing down what became of attempts: many in one transaction, each only while its lease is still the sender's.

Conversations are locked first, always in the same order, then dispatches, then lines: whoever sends, cancels or claims
meanwhile takes them in that order, too. The message's status, the event that tells of it, the attempt, what the
provider calls the message, the next step of its chain and the state of its line commit together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from conversations.models import Message
from conversations.services import progress
from conversations.services.progress import Step
from inboxes.channels.outcomes import Deferred, Rejected, Sent
from outbound.models import Attempt, Dispatch
from outbound.services import aftermath, lines
from outbound.services.claims import Claimed
from outbound.services.results import Release, Result

RECEIPTS = (
    (Message.Status.SENT, Dispatch.State.SENT),
    (Message.Status.DELIVERED, Dispatch.State.SENT),
    (Message.Status.READ, Dispatch.State.SENT),
    (Message.Status.FAILED, Dispatch.State.FAILED),
)
# Under a token, too, a message is settled that was not sent: one in doubt that was looked up, one that has expired.
SETTLE = """
WITH result(id, token, state, wait, counts, provider_id, code, detail, resolve) AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[], %(states)s::text[], %(waits)s::float8[],
        %(counts)s::boolean[], %(provider_ids)s::text[], %(codes)s::text[], %(details)s::text[], %(resolves)s::float8[])
)
UPDATE outbound_dispatch AS dispatch SET
    state = result.state,
    attempts = attempts + (result.counts AND dispatch.state = 'sending')::int,
    lookups = lookups + (result.counts AND dispatch.state = 'unknown')::int,
    next_attempt_at = CASE WHEN result.state = 'waiting'
        THEN statement_timestamp() + make_interval(secs => result.wait) END,
    provider_id = CASE WHEN result.provider_id <> '' THEN result.provider_id ELSE dispatch.provider_id END,
    last_code = result.code, last_detail = result.detail,
    resolve_at = statement_timestamp() + make_interval(secs => result.resolve),
    finished_at = CASE WHEN result.state IN ('sent', 'failed') OR result.state = 'unknown' AND result.resolve IS NULL
        THEN statement_timestamp() END,
    lease_token = NULL, lease_until = NULL
FROM result
WHERE dispatch.id = result.id AND dispatch.lease_token = result.token
  AND dispatch.state IN ('sending', 'unknown', 'waiting')
RETURNING dispatch.id, dispatch.fallback <> '[]'::jsonb
"""
# JSON is said in binary: in a text array, psycopg escapes each of its quotation marks by itself.
CLOSE = """
UPDATE outbound_attempt AS attempt SET state = closed.state, ended_at = statement_timestamp(), code = closed.code,
    detail = closed.detail, provider_code = closed.provider_code, status_code = closed.status_code,
    request = closed.request
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %b::jsonb[])
    AS closed(dispatch_id, n, state, code, detail, provider_code, status_code, request)
WHERE attempt.dispatch_id = closed.dispatch_id AND attempt.n = closed.n
"""
RELEASE = """
WITH given(id, token, wait) AS (SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::float8[])), released AS (
    UPDATE outbound_dispatch AS dispatch SET state = 'waiting', tries = tries - 1, lease_token = NULL,
        lease_until = NULL, next_attempt_at = statement_timestamp() + make_interval(secs => given.wait)
    FROM given WHERE dispatch.id = given.id AND dispatch.state = 'sending' AND dispatch.lease_token = given.token
    RETURNING dispatch.id, dispatch.tries + 1 AS n
)
DELETE FROM outbound_attempt AS attempt USING released
WHERE attempt.dispatch_id = released.id AND attempt.n = released.n AND attempt.state = 'open'
"""
FALL_BACK = """
UPDATE outbound_dispatch SET fallback_at = CASE WHEN state <> 'sent' THEN statement_timestamp()
    ELSE statement_timestamp() + make_interval(secs => (fallback->0->>'after_seconds')::float8) END
WHERE id = ANY(%s) AND fallback <> '[]'::jsonb AND fallback_taken_at IS NULL
  AND (state = 'failed' OR state = 'unknown' AND resolve_at IS NULL
       OR state = 'sent' AND fallback->0->'on' @> '["no_delivery"]')
"""


@dataclass(slots=True)
class Settled:
    """What a settlement came to: which dispatches were still ours, and which recipients are to be left alone."""

    ids: set[int] = field(default_factory=set)
    holds: list[tuple[Claimed, float]] = field(default_factory=list)


@transaction.atomic
def settle(results: Sequence[Result], releases: Sequence[Release] = ()) -> Settled:
    """Write down attempts and what follows from them; those whose lease is gone are left out. Raises Error."""
    moving = {each.claimed.conversation_id for each in results if each.verdict.status}
    conversations = progress.lock(moving) if moving else {}
    has_steps = _settle(results) if results else {}
    settled = Settled(set(has_steps))
    ours = [each for each in results if each.claimed.id in settled.ids]
    if ours:
        _close(ours)
        told = [each for each in ours if each.verdict.status]
        moved = progress.advance(conversations, [_step(each) for each in told])
        _believe_receipts([each for each in told if each.claimed.message_id not in moved])
        _fall_back([pk for pk, has_step in has_steps.items() if has_step])
        aftermath.follow(ours)
    if releases:
        _release(releases)
    lines.note(ours, released={each.claimed.inbox_id for each in releases})
    settled.holds = [
        (each.claimed, each.verdict.wait)
        for each in ours
        if isinstance(each.outcome, Deferred) and each.outcome.pauses == "recipient"
    ]
    return settled


def _settle(results: Sequence[Result]) -> dict[int, bool]:
    """Settle dispatches that are still ours; returns for each whether its chain has further steps."""
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE,
            {
                "ids": [each.claimed.id for each in results],
                "tokens": [each.claimed.token for each in results],
                "states": [each.verdict.state.value for each in results],
                "waits": [float(each.verdict.wait) for each in results],
                "counts": [each.verdict.counts for each in results],
                "provider_ids": [each.provider_id for each in results],
                "codes": [each.verdict.code[:60] for each in results],
                "details": [each.verdict.detail[:500] for each in results],
                "resolves": [each.verdict.resolve for each in results],
            },
        )
        return dict(cursor.fetchall())


def _close(results: Sequence[Result]) -> None:
    made = [each for each in results if not each.is_afterwards]
    columns: list[Any] = [
        [each.claimed.id for each in made],
        [each.claimed.tries for each in made],
        [_attempt_state(each) for each in made],
        [each.verdict.code[:60] for each in made],
        [each.verdict.detail[:500] for each in made],
        [each.verdict.provider_code[:60] for each in made],
        [each.status_code for each in made],
        [None if each.request is None else Jsonb(each.request) for each in made],
    ]
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, columns)


def _attempt_state(result: Result) -> str:
    """Return what an attempt came to, which is not always what becomes of its message."""
    match result.outcome:
        case Sent():
            return Attempt.State.SENT
        case Deferred():
            return Attempt.State.DEFERRED
        case Rejected() | None:
            return Attempt.State.REJECTED
        case _:
            return Attempt.State.UNCERTAIN


def _step(result: Result) -> Step:
    left = not result.is_afterwards and result.outcome is not None
    return Step(
        message_id=result.claimed.message_id,
        status=result.verdict.status,
        failure=result.verdict.failure,
        provider_id=result.provider_id,
        began_at=result.began_at if left else None,
    )


def _believe_receipts(results: Sequence[Result]) -> None:
    """Leave nothing in doubt that a receipt has told of before the answer was given up."""
    known = [each.claimed.id for each in results if each.verdict.state == Dispatch.State.UNKNOWN]
    if known:
        doubtful = Dispatch.unscoped.filter(pk__in=known, state=Dispatch.State.UNKNOWN)
        for status, state in RECEIPTS:
            doubtful.filter(message__status=status).update(state=state, resolve_at=None, finished_at=Now())


def _fall_back(dispatch_ids: Sequence[int]) -> None:
    if dispatch_ids:
        with connection.cursor() as cursor:
            cursor.execute(FALL_BACK, [list(dispatch_ids)])


def _release(releases: Sequence[Release]) -> None:
    columns: list[Any] = [
        [each.claimed.id for each in releases],
        [each.claimed.token for each in releases],
        [float(each.wait) for each in releases],
    ]
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, columns)
