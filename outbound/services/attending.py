"""What happens to messages when time passes: leases end, doubts, schedules and chains come due, messages expire."""

from typing import Any
from uuid import uuid4

import structlog
from django.db import connection, transaction
from django.utils import timezone

from conversations.services import progress, scheduling
from conversations.services.progress import Step
from inboxes import channels
from outbound import policy
from outbound.models import Dispatch
from outbound.services import doubts, fallbacks, hints, queueing
from outbound.services.buckets import Buckets
from outbound.services.doubts import Lookup
from outbound.services.inboxes import Inboxes
from outbound.services.ledger import count, settle_and_hold
from outbound.services.results import Result

AT_ONCE = 100

SCHEDULED = """
SELECT dispatch.id FROM outbound_dispatch AS dispatch
JOIN conversations_message AS message ON message.id = dispatch.message_id
WHERE dispatch.state = 'waiting' AND dispatch.send_at <= statement_timestamp() AND message.status = 'scheduled'
ORDER BY dispatch.send_at LIMIT %s
"""
EXPIRED = """
UPDATE outbound_dispatch SET lease_token = %s
WHERE id = ANY(ARRAY(SELECT id FROM outbound_dispatch WHERE state = 'waiting' AND expires_at <= statement_timestamp()
                     ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id
"""

log = structlog.get_logger(__name__)


class Attendant:
    """Does what is due by the clock; lives in one thread."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._inboxes = Inboxes()

    def attend(self) -> list[Lookup]:
        """Do all of it once; returns the messages that are to be looked up. Raises django.db.Error."""
        self._settle(doubts.lapsed(self._inboxes))
        lookups, results = doubts.due(self._inboxes)
        self._settle([*results, *self._expired()])
        for dispatch_id in _ids(SCHEDULED, [AT_ONCE]):
            release(dispatch_id)
        fallbacks.take_due()
        return lookups

    def _settle(self, results: list[Result]) -> None:
        if results:
            count(results, settle_and_hold(self._buckets, results, []))
            hints.wake_engine()

    def _expired(self) -> list[Result]:
        token = uuid4()
        found = doubts.dispatches(_ids(EXPIRED, [token, AT_ONCE]), self._inboxes)
        return [
            doubts.result_of(
                doubts.claimed(dispatch, token), known, policy.failed("expired", doubted=terms.doubted), None
            )
            for dispatch, known, terms in found
        ]


@transaction.atomic
def release(dispatch_id: int) -> None:
    """Say a scheduled message whose time has come; one that nobody carries is there with that."""
    dispatch = Dispatch.unscoped.select_related("message__contact", "environment", "inbox").get(pk=dispatch_id)
    message = dispatch.message
    message.environment = dispatch.environment
    if not scheduling.release(message):
        return
    hints.wake_engine()
    if channels.find(dispatch.inbox.channel).is_carried:
        return
    now = timezone.now()
    failed = policy.failed("blocked") if message.contact.blocked else None
    if failed is not None:
        held = progress.lock([dispatch.conversation_id])
        progress.advance(held, [Step(message.pk, failed.status, failed.failure)])
    Dispatch.unscoped.filter(pk=dispatch_id, state=Dispatch.State.WAITING).update(
        state=Dispatch.State.FAILED if failed else Dispatch.State.SENT,
        next_attempt_at=None,
        finished_at=now,
        fallback_at=now if failed else queueing.first_fallback_at(dispatch.fallback, now),
    )


def _ids(sql: str, params: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [pk for (pk,) in cursor.fetchall()]
