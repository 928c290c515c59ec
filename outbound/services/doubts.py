"""
Messages of which nobody knows whether they arrived: what a dead worker had begun, and what was never answered.

None is sent again because of it, unless its sender asked for that or its provider folds the two. A receipt that names
the message settles it; until then it is looked up where the provider can be asked, and left as it is after a while.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from conversations.queries import complete_messages
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import HttpOrder, Outgoing
from outbound import policy
from outbound.models import Attempt, Dispatch
from outbound.policy import Terms, Verdict
from outbound.services import composing, metrics
from outbound.services.claims import Claimed
from outbound.services.inboxes import Inboxes, Known
from outbound.services.results import Result

AT_ONCE = 100
LOOKUP_LEASE_SECONDS = 60.0

LAPSED = """
SELECT id FROM outbound_dispatch WHERE state = 'sending' AND lease_until <= statement_timestamp()
ORDER BY lease_until LIMIT %s
"""
TAKE = """
UPDATE outbound_dispatch SET lease_token = %s, lookups = lookups + 1,
    resolve_at = statement_timestamp() + make_interval(secs => %s)
WHERE id = ANY(ARRAY(SELECT id FROM outbound_dispatch WHERE state = 'unknown' AND resolve_at <= statement_timestamp()
                     ORDER BY resolve_at LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A message that its provider is to be asked about."""

    claimed: Claimed
    known: Known
    terms: Terms
    message: Outgoing
    order: HttpOrder
    lookups: int  # this one included
    may_repeat: bool


def lapsed(inboxes: Inboxes) -> list[Result]:
    """Return what those attempts came to whose worker ended before it wrote that down."""
    with connection.cursor() as cursor:
        cursor.execute(LAPSED, [AT_ONCE])
        ids = [pk for (pk,) in cursor.fetchall()]
    found = dispatches(ids, inboxes)
    outcome = Uncertain(detail="Whoever sent it ended before the answer was written down.")
    metrics.leases_expired.inc(len(found))
    return [
        result_of(claimed(dispatch, dispatch.lease_token), known, _forgiven(policy.verdict_of(outcome, terms)), outcome)
        for dispatch, known, terms in found
        if dispatch.lease_token is not None and dispatch.state == Dispatch.State.SENDING
    ]


def due(inboxes: Inboxes) -> tuple[list[Lookup], list[Result]]:
    """Take messages in doubt whose time has come: some are to be looked up, about the others nothing more is known."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [token, LOOKUP_LEASE_SECONDS, AT_ONCE])
        ids = [pk for (pk,) in cursor.fetchall()]
    lookups, results = list[Lookup](), list[Result]()
    found = dispatches(ids, inboxes)
    messages = complete_messages({dispatch.message_id for dispatch, *_ in found})
    for dispatch, known, terms in found:
        held = claimed(dispatch, token)
        lookup = _lookup(dispatch, known, terms, held, messages) if terms.can_look_up and terms.livemode else None
        if lookup is not None:
            lookups.append(lookup)
        else:
            ended = over(dispatch.last_code, dispatch.last_detail, may_repeat=_may_repeat(dispatch, terms))
            results.append(result_of(held, known, ended, None))
    return lookups, results


def judged(lookup: Lookup, outcome: Outcome) -> Result:
    """Return what a message in doubt comes to, by what its provider says of it."""
    match outcome:
        case Sent() | Rejected(disconnects=False):
            verdict = policy.verdict_of(outcome, lookup.terms)
        case Deferred(counts=True, code=code) if code != "provider_unavailable":  # certainly not sent: it may go again
            verdict = policy.verdict_of(outcome, replace(lookup.terms, doubted=False))
        case _:
            seconds = policy.next_lookup(lookup.lookups)
            verdict = Verdict(Dispatch.State.UNKNOWN, resolve=seconds, counts=False, code="no_answer")
            if seconds is None:
                verdict = over("no_answer", "", may_repeat=lookup.may_repeat)
    return result_of(lookup.claimed, lookup.known, verdict, outcome if isinstance(outcome, Sent) else None)


def over(code: str, detail: str, *, may_repeat: bool) -> Verdict:
    """Return what a message comes to that nothing more is known about."""
    if may_repeat:
        return Verdict(Dispatch.State.WAITING, counts=False, code=code, detail=detail)
    return Verdict(Dispatch.State.UNKNOWN, counts=False, code=code, detail=detail)


def result_of(claimed: Claimed, known: Known, verdict: Verdict, outcome: Outcome | None) -> Result:
    """Return a result about an attempt that was made before, or about none."""
    closes = isinstance(outcome, Uncertain)
    return Result(
        claimed, verdict, outcome, began_at=timezone.now(), channel=known.channel.kind, is_afterwards=not closes
    )


def _forgiven(verdict: Verdict) -> Verdict:
    """Return what becomes of a message whose worker ended: its provider did nothing wrong, and is not to rest."""
    return replace(verdict, is_fault=False)


def _lookup(
    dispatch: Dispatch, known: Known, terms: Terms, held: Claimed, messages: Mapping[int, Any]
) -> Lookup | None:
    message = messages.get(dispatch.message_id)
    if message is None:
        return None
    tried = Attempt.unscoped.filter(dispatch=dispatch, state=Attempt.State.UNCERTAIN).order_by("n").last()
    said = composing.outgoing(message, dispatch, known, {})
    said = replace(said, tried_at=None if tried is None else tried.started_at)
    order = known.channel.lookup_order(said, known.settings)
    if order is None:
        return None
    return Lookup(held, known, terms, said, order, dispatch.lookups, _may_repeat(dispatch, terms))


def _may_repeat(dispatch: Dispatch, terms: Terms) -> bool:
    is_late = dispatch.expires_at is not None and dispatch.expires_at <= timezone.now()
    return terms.at_least_once and terms.attempts < policy.ATTEMPTS and not is_late


def dispatches(ids: Sequence[int], inboxes: Inboxes) -> list[tuple[Dispatch, Known, Terms]]:
    """Return dispatches with their opened inboxes, and what they go by."""
    if not ids:
        return []
    rows = list(Dispatch.unscoped.filter(pk__in=ids).select_related("inbox"))
    known = inboxes.known({row.inbox_id: row.inbox.updated_at for row in rows})
    return [
        (row, known[row.inbox_id], composing.terms_of(row, known[row.inbox_id], doubted=False))
        for row in rows
        if row.inbox_id in known
    ]


def claimed(dispatch: Dispatch, token: UUID) -> Claimed:
    """Return a dispatch as one that is ours by a token, without being sent."""
    return Claimed(
        dispatch.pk, dispatch.environment_id, dispatch.inbox_id, dispatch.message_id, dispatch.conversation_id,
        dispatch.livemode, dispatch.lane, dispatch.tries, dispatch.address, 0.0, token,
        time.monotonic() + LOOKUP_LEASE_SECONDS,
    )  # fmt: skip
