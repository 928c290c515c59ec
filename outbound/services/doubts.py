"""
Messages of which nobody knows whether they arrived: what a dead worker had begun, and what was never answered.

None is sent again because of it, unless its sender asked for that, its provider folds the two, or says twice that it
has no such message. A receipt that names the message settles it; until then it is looked up where the provider can be
asked, and left as it is after a while.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from conversations.queries import complete_messages
from inboxes.channels.outcomes import NOT_THERE, Deferred, Outcome, Rejected, Sent, Uncertain
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
UPDATE outbound_dispatch SET lease_token = %s,
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
    lookups: int  # that were answered before
    may_repeat: bool
    is_late: bool
    is_alone: bool  # no other message that says the same to the same person may be the one that is found
    was_missing: bool  # the last time it was looked up
    was_sent_again: bool  # after it had been missing before, or because somebody asked for it


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
        case Sent() | Rejected(disconnects=False) if lookup.is_alone:
            verdict = policy.verdict_of(outcome, replace(lookup.terms, doubted=False))
        case Deferred(code="not_there") if not lookup.was_sent_again and _is_settled(lookup):
            verdict = Verdict(Dispatch.State.WAITING, counts=False, code=NOT_THERE, detail=outcome.detail)
            if not lookup.was_missing:
                verdict = _later(NOT_THERE, policy.MISSING_SECONDS)
        case Deferred(code="provider_unavailable") if not lookup.is_late and not lookup.terms.has_other_way:
            verdict = _later("no_answer", policy.AWAY_LOOKUP_SECONDS, counts=False)
        case _:
            seconds = policy.next_lookup(lookup.lookups + 1)
            verdict = over("no_answer", "", may_repeat=lookup.may_repeat)
            if seconds is not None:
                verdict = _later("no_answer", seconds)
    is_found = verdict.state == Dispatch.State.SENT
    return result_of(lookup.claimed, lookup.known, verdict, outcome if is_found else None)


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


def _later(code: str, seconds: float, *, counts: bool = True) -> Verdict:
    """Return that a message stays in doubt, and is looked up again; a lookup ``counts`` that was answered."""
    return Verdict(Dispatch.State.UNKNOWN, resolve=seconds, counts=counts, code=code)


def _is_settled(lookup: Lookup) -> bool:
    """Whether the attempt was so long ago that a message it made would be there by now."""
    tried_at = lookup.message.tried_at
    return tried_at is not None and timezone.now() >= tried_at + timedelta(seconds=policy.MISSING_SECONDS)


def _forgiven(verdict: Verdict) -> Verdict:
    """Return what becomes of a message whose worker ended: its provider did nothing wrong, and is not to rest."""
    return replace(verdict, is_fault=False)


def _lookup(
    dispatch: Dispatch, known: Known, terms: Terms, held: Claimed, messages: Mapping[int, Any]
) -> Lookup | None:
    message = messages.get(dispatch.message_id)
    if message is None:
        return None
    tried = list(Attempt.unscoped.filter(dispatch=dispatch, state=Attempt.State.UNCERTAIN).order_by("-n")[:2])
    others = _others(dispatch, message, tried[0].started_at) if tried else {}
    said = replace(
        composing.outgoing(message, dispatch, known, {}),
        tried_at=tried[0].started_at if tried else None,
        others=frozenset(others) - {""},
    )
    order = known.channel.lookup_order(said, known.settings)
    if order is None:
        return None
    return Lookup(
        held, known, terms, said, order, dispatch.lookups, _may_repeat(dispatch, terms), _is_late(dispatch),
        is_alone=not others.get("", False), was_missing=dispatch.last_code == NOT_THERE, was_sent_again=len(tried) > 1,
    )  # fmt: skip


def _others(dispatch: Dispatch, message: Any, tried_at: datetime) -> dict[str, bool]:
    """
    Return what the provider calls our other messages of that time to that person, and whether they say the same; ""
    stands for those whose name is not known.
    """
    sent_or_not = Dispatch.unscoped.filter(
        session_id=dispatch.session_id,
        address=dispatch.address,
        made__started_at__gte=tried_at - timedelta(seconds=policy.AROUND_SECONDS),
    ).exclude(Q(pk=dispatch.pk) | Q(state__in=[Dispatch.State.FAILED, Dispatch.State.CANCELED]))
    found: dict[str, bool] = {}
    for other in sent_or_not.select_related("message"):
        says_the_same = (other.message.text, other.message.payload) == (message.text, message.payload)
        found[other.provider_id] = found.get(other.provider_id, False) or says_the_same
    return found


def _is_late(dispatch: Dispatch) -> bool:
    return dispatch.expires_at is not None and dispatch.expires_at <= timezone.now()


def _may_repeat(dispatch: Dispatch, terms: Terms) -> bool:
    return terms.at_least_once and terms.attempts < policy.ATTEMPTS and not _is_late(dispatch)


def dispatches(ids: Sequence[int], inboxes: Inboxes) -> list[tuple[Dispatch, Known, Terms]]:
    """Return dispatches with their opened inboxes, and what they go by."""
    if not ids:
        return []
    rows = list(Dispatch.unscoped.filter(pk__in=ids).select_related("inbox"))
    known = inboxes.known({row.inbox_id: row.inbox.updated_at for row in rows})
    uncertain = Attempt.unscoped.filter(dispatch__in=ids, state=Attempt.State.UNCERTAIN)
    doubted = set(uncertain.values_list("dispatch_id", flat=True))
    return [
        (row, known[row.inbox_id], composing.terms_of(row, known[row.inbox_id], doubted=row.pk in doubted))
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
