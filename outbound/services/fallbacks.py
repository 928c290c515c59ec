"""Chains: the next way to say something, once one has failed or was not heard of in time; each step is taken once."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from contacts.errors import ContactGone
from conversations.errors import ContactBlocked, ConversationTooBusy
from conversations.models import Message
from core.errors import Invalid
from inboxes.models import Inbox
from outbound import policy
from outbound.models import Dispatch
from outbound.services import metrics, sending

AT_ONCE = 50
BUSY = timedelta(seconds=5)
UNUSABLE = (ContactGone, ContactBlocked, Invalid, Inbox.DoesNotExist)
DUE = "SELECT id FROM outbound_dispatch WHERE fallback_at <= statement_timestamp() ORDER BY fallback_at LIMIT %s"
# Whoever was reached at the end of a chain was reached by all of it. What arrives after its step was taken is noted.
DELIVERED = """
WITH RECURSIVE chain(id, fallback_of_id, channel, is_own) AS (
    SELECT dispatch.id, dispatch.fallback_of_id, inbox.channel, true
    FROM outbound_dispatch AS dispatch JOIN inboxes_inbox AS inbox ON inbox.id = dispatch.inbox_id
    WHERE dispatch.message_id = ANY(%s) AND (dispatch.fallback <> '[]'::jsonb OR dispatch.fallback_of_id IS NOT NULL)
    UNION
    SELECT parent.id, parent.fallback_of_id, chain.channel, false
    FROM chain JOIN outbound_dispatch AS parent ON parent.id = chain.fallback_of_id
), held AS (
    SELECT dispatch.id FROM outbound_dispatch AS dispatch WHERE id IN (SELECT id FROM chain) ORDER BY id FOR UPDATE
)
UPDATE outbound_dispatch AS dispatch SET fallback_at = NULL,
    delivered_via = CASE WHEN dispatch.delivered_via = '' THEN chain.channel ELSE dispatch.delivered_via END,
    last_code = CASE WHEN chain.is_own AND dispatch.fallback_taken_at IS NOT NULL THEN 'late_delivery'
                ELSE dispatch.last_code END
FROM chain WHERE dispatch.id = chain.id AND dispatch.id IN (SELECT id FROM held)
"""
FAILED = """
UPDATE outbound_dispatch SET fallback_at = statement_timestamp()
WHERE message_id = ANY(%s) AND fallback <> '[]'::jsonb AND fallback_taken_at IS NULL
"""

log = structlog.get_logger(__name__)


def take_due() -> int:
    """Take the steps whose time has come; returns how many messages were looked at."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [AT_ONCE])
        due = [pk for (pk,) in cursor.fetchall()]
    for dispatch_id in due:
        try:
            take(dispatch_id)
        except ConversationTooBusy:
            Dispatch.unscoped.filter(pk=dispatch_id).update(fallback_at=timezone.now() + BUSY)
    return len(due)


@transaction.atomic
def take(dispatch_id: int) -> Message | None:
    """
    Take the next step of a message's chain that its state asks for, if it is due and nobody has taken it.

    Raises ConversationTooBusy; then nothing is taken.
    """
    now = timezone.now()
    ours = Dispatch.unscoped.filter(pk=dispatch_id, fallback_at__lte=now, fallback_taken_at=None)
    if not ours.update(fallback_at=None):
        return None
    dispatch = Dispatch.unscoped.select_related("message__author", "contact").get(pk=dispatch_id)
    message, steps = dispatch.message, dispatch.fallback
    code = (message.failure or {}).get("code", "")
    if not steps or not policy.triggers(steps[0], message.status, code):
        return None
    Dispatch.unscoped.filter(pk=dispatch_id).update(fallback_taken_at=now)
    metrics.fallbacks.labels(message.status if code == "" else code).inc()
    return _follow(dispatch, steps)


def note_delivered(message_ids: Sequence[int]) -> None:
    """Let chains end where one of their messages has arrived."""
    _say(DELIVERED, message_ids)


def note_failed(message_ids: Sequence[int]) -> None:
    """Have the next steps of failed messages looked at."""
    _say(FAILED, message_ids)


def _follow(dispatch: Dispatch, steps: Sequence[Mapping[str, Any]]) -> Message | None:
    """Send the first step that can be sent: whoever was erased or whatever was closed meanwhile is passed over."""
    for place, step in enumerate(steps):
        try:
            return sending.follow(parent=dispatch, step=step, rest=steps[place + 1 :])
        except UNUSABLE as failure:
            log.info("fallback_not_usable", dispatch_id=dispatch.pk, step=place, reason=type(failure).__name__)
    return None


def _say(sql: str, message_ids: Sequence[int]) -> None:
    if message_ids:
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(message_ids)])
