"""Putting messages into the queue before their provider, in the transaction that makes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone
from psycopg.types.json import Jsonb

from conversations.models import Message
from inboxes import channels
from outbound.models import Dispatch
from outbound.services import hints

AUTHENTICATION_LIVES = timedelta(minutes=10)
OTHERS_LIVE = timedelta(hours=24)
LANES = {
    "authentication": Dispatch.Lane.URGENT,
    "utility": Dispatch.Lane.URGENT,
    "marketing": Dispatch.Lane.BULK,
}

COLUMNS = [
    (each.column, each.attname, isinstance(each, models.JSONField))
    for each in Dispatch._meta.concrete_fields
    if not each.primary_key
]
# The line is locked whatever it says: a claim that is under way does not see this message yet, and must find its line
# due again.
LINE = """
INSERT INTO outbound_line (inbox_id, environment_id, next_due_at, pause_reason, is_disconnected, consecutive_faults)
VALUES (%s, %s, %s, '', false, 0)
ON CONFLICT (inbox_id) DO UPDATE SET next_due_at = least(outbound_line.next_due_at, EXCLUDED.next_due_at)
"""
ENQUEUE = f"""
WITH added AS (
    INSERT INTO outbound_dispatch ({", ".join(f'"{column}"' for column, *_ in COLUMNS)})
    VALUES ({", ".join(["%s"] * len(COLUMNS))}) ON CONFLICT (message_id) DO NOTHING
)
{LINE}
"""  # noqa: S608  the columns come from the model


@dataclass(frozen=True, slots=True)
class Options:
    """
    How a message is to be sent, beyond what it says.

    ``address`` is the recipient in the channel's words (none: where the conversation's session writes from),
    ``reply_to`` the provider's id of the message that is answered. ``adapted`` is what is really sent where that is
    not what was said, ``{type, text, payload}``. ``fallback`` are the steps of the chain, ready to be taken.
    """

    category: str = "transactional"
    guarantee: str = Dispatch.Guarantee.AT_MOST_ONCE
    address: str = ""
    reply_to: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    mail: Mapping[str, Any] = field(default_factory=dict)
    adapted: Mapping[str, Any] | None = None
    adaptations: Sequence[Mapping[str, Any]] = ()
    send_at: datetime | None = None
    expires_at: datetime | None = None
    fallback: Sequence[Mapping[str, Any]] = ()
    fallback_of: int | None = None


def enqueue(message: Message, options: Options | None = None) -> None:
    """
    Queue a message of a conversation that has its inbox, session and environment loaded; once, however often it is
    said. It leaves after the transaction has committed, or at ``send_at``.

    What is on the cable already waits for nothing: it is queued only to be followed by its fallback.
    """
    dispatch = _dispatch(message, options or Options())
    row = dispatch.__dict__
    values: list[Any] = [
        Jsonb(row[name]) if is_json and row[name] is not None else row[name] for _, name, is_json in COLUMNS
    ]
    values += [dispatch.inbox_id, dispatch.environment_id, dispatch.next_attempt_at]
    with connection.cursor() as cursor:
        cursor.execute(ENQUEUE, values)
    hints.wake_engine()


def look_again(inbox_id: int, environment_id: int) -> None:
    """Let the engine look at a line at once: something in it is due."""
    with connection.cursor() as cursor:
        cursor.execute(LINE, [inbox_id, environment_id, timezone.now()])
    hints.wake_engine()


def lane_of(category: str) -> Dispatch.Lane:
    """Return which lane a message of that category takes: what people wait for goes first."""
    return LANES.get(category, Dispatch.Lane.NORMAL)


def expiry(category: str, start: datetime) -> datetime:
    """Return when a message that should leave at ``start`` is not worth sending any more, unless somebody said."""
    return start + (AUTHENTICATION_LIVES if category == "authentication" else OTHERS_LIVE)


def first_fallback_at(steps: Sequence[Mapping[str, Any]], start: datetime) -> datetime | None:
    """Return when the first of these steps is taken for want of a receipt; None when it does not wait for one."""
    seconds = steps[0].get("after_seconds") if steps and "no_delivery" in steps[0].get("on", ()) else None
    return None if seconds is None else start + timedelta(seconds=seconds)


def _dispatch(message: Message, options: Options) -> Dispatch:
    conversation, now = message.conversation, timezone.now()
    inbox, start = conversation.inbox, options.send_at or now
    is_there = options.send_at is None and not channels.find(inbox.channel).is_carried
    return Dispatch(
        environment_id=message.environment_id,
        message_id=message.pk,
        conversation_id=conversation.pk,
        contact_id=conversation.contact_id,
        session_id=conversation.session_id,
        inbox_id=inbox.pk,
        livemode=conversation.environment.livemode,
        address=options.address or conversation.session.source_id,
        category=options.category,
        lane=lane_of(options.category),
        guarantee=options.guarantee,
        overrides=dict(options.overrides),
        mail=dict(options.mail),
        reply_to=options.reply_to,
        adapted=None if options.adapted is None else dict(options.adapted),
        adaptations=[dict(each) for each in options.adaptations],
        send_at=options.send_at,
        expires_at=options.expires_at or expiry(options.category, start),
        state=Dispatch.State.SENT if is_there else Dispatch.State.WAITING,
        next_attempt_at=None if is_there else start,
        finished_at=now if is_there else None,
        fallback=[dict(each) for each in options.fallback],
        fallback_of_id=options.fallback_of,
        fallback_at=first_fallback_at(options.fallback, now) if is_there else None,
        created_at=now,
    )
