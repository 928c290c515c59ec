"""What happens to messages when time passes: leases end, doubts, schedules and chains come due, messages expire."""

from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import connection, transaction
from django.utils import timezone

from conversations.services import progress, scheduling
from conversations.services.progress import Step
from inboxes import channels
from outbound import policy
from outbound.models import Attempt, Dispatch, Line
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
CLOSED = """
SELECT line.inbox_id FROM outbound_line AS line JOIN inboxes_inbox AS inbox ON inbox.id = line.inbox_id
WHERE line.next_due_at <= statement_timestamp() AND inbox.deleted_at IS NOT NULL
ORDER BY line.next_due_at LIMIT %s FOR UPDATE OF line SKIP LOCKED
"""
BEFORE_CLOSED = """
UPDATE outbound_dispatch SET lease_token = %s
WHERE id = ANY(ARRAY(SELECT id FROM outbound_dispatch WHERE state = 'waiting' AND inbox_id = ANY(%s)
                     LIMIT %s FOR UPDATE SKIP LOCKED))
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
        self._settle([*results, *self._expired(), *self._closed()])
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
        return self._failed(_ids(EXPIRED, [token, AT_ONCE]), token, "expired")

    @transaction.atomic
    def _closed(self) -> list[Result]:
        """Take what waits before closed inboxes, whenever it was to leave; the rest of a long queue comes next time."""
        token, inboxes = uuid4(), _ids(CLOSED, [AT_ONCE])
        if not inboxes:
            return []
        taken = _ids(BEFORE_CLOSED, [token, inboxes, AT_ONCE])
        if len(taken) < AT_ONCE:
            Line.unscoped.filter(pk__in=inboxes).update(next_due_at=None)
        return self._failed(taken, token, "inbox_closed")

    def _failed(self, ids: list[int], token: UUID, code: str) -> list[Result]:
        """Return that messages have failed of something before they left; one that may have arrived has not."""
        uncertain = Attempt.unscoped.filter(dispatch__in=ids, state=Attempt.State.UNCERTAIN)
        doubted = set(uncertain.values_list("dispatch_id", flat=True)) if ids else set()
        return [
            doubts.result_of(
                doubts.claimed(dispatch, token), known, policy.failed(code, doubted=dispatch.pk in doubted), None
            )
            for dispatch, known, _ in doubts.dispatches(ids, self._inboxes)
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
