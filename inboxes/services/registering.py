"""Telling providers where to call us: at once when an inbox is opened, and again until they have taken it."""

from datetime import timedelta

import structlog
from django.db import connection
from django.utils import timezone

from core import tenancy
from inboxes import channels
from inboxes.models import Inbox, InboxHealth
from inboxes.services import connecting
from inboxes.transport.accidents import Accident

LEASE_SECONDS = 60
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 30, 3600
MOST_ATTEMPTS = 20
AT_ONCE = 20
TAKE = """
UPDATE inboxes_inboxhealth SET callback_attempts = callback_attempts + 1,
    callback_due_at = statement_timestamp() + make_interval(secs => %s)
WHERE inbox_id = ANY(ARRAY(
    SELECT inbox_id FROM inboxes_inboxhealth WHERE callback_due_at <= statement_timestamp()
    ORDER BY callback_due_at LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING inbox_id
"""

log = structlog.get_logger(__name__)


def ask_for(inbox: Inbox) -> bool:
    """
    Note that the provider is to be told; False where it cannot be, for a person has to enter it in its console.

    In the sandbox, which calls nobody, it counts as told.
    """
    channel, State = channels.find(inbox.channel), InboxHealth.CallbackState  # noqa: N806  a class
    if not channel.has_callback:
        return False
    is_told = channel.register_order(inbox.settings, inbox.callback_url) is not None
    livemode = inbox.environment.livemode
    state = State.MANUAL if not is_told else State.PENDING if livemode else State.REGISTERED
    InboxHealth.unscoped.update_or_create(
        inbox=inbox,
        defaults={
            "environment_id": inbox.environment_id,
            "callback_state": state,
            "callback_detail": "",
            "callback_attempts": 0,
            "callback_due_at": timezone.now() if state == State.PENDING else None,
        },
    )
    return state == State.PENDING


def register(inbox_id: int) -> None:
    """Tell the provider of one inbox where to call us, if that is still to be done."""
    health = InboxHealth.unscoped.select_related("inbox__environment").get(pk=inbox_id)
    inbox = health.inbox
    if health.callback_state not in {InboxHealth.CallbackState.PENDING, InboxHealth.CallbackState.FAILED}:
        return
    order = channels.find(inbox.channel).register_order(inbox.settings, inbox.callback_url)
    if order is None or inbox.deleted_at is not None:
        _note(health, InboxHealth.CallbackState.MANUAL, "")
        return
    answer = connecting.ask(order, livemode=inbox.environment.livemode)
    refused = answer.detail if isinstance(answer, Accident) else channels.find(inbox.channel).judge_register(answer)
    _note(health, InboxHealth.CallbackState.FAILED if refused else InboxHealth.CallbackState.REGISTERED, refused)
    if refused:
        log.info("callback_not_registered", inbox_id=inbox.public_id, attempt=health.callback_attempts)


def register_due() -> int:
    """Tell every provider that is due to be told, in all environments; returns how many were tried."""
    with tenancy.everyone():
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [LEASE_SECONDS, AT_ONCE])
            due = [row[0] for row in cursor.fetchall()]
        for inbox_id in due:
            register(inbox_id)
        return len(due)


def _note(health: InboxHealth, state: str, detail: str) -> None:
    """Write down what the provider said; after a refusal it is told again later, a while at the longest."""
    again = None
    if detail and health.callback_attempts < MOST_ATTEMPTS:
        wait = min(FIRST_WAIT_SECONDS * 2**health.callback_attempts, LONGEST_WAIT_SECONDS)
        again = timezone.now() + timedelta(seconds=wait)
    InboxHealth.unscoped.filter(pk=health.pk).update(
        callback_state=state, callback_detail=detail[:500], callback_due_at=again
    )
