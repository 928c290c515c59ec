"""
What changed for a person since a moment they know of: the way to catch up where the cable cannot be had.

A position is a place in the feed of events and a moment. Rows are found by when they changed, and told by the events
that changed them: those behind the place, or not placed yet. An event is written in the transaction of its change, so
one that commits late is behind the place, however old its moment: ``OVERLAP`` is how late that may be.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from contacts.models import ContactSession
from conversations.errors import PositionGone
from conversations.models import Conversation, Message
from conversations.queries import complete_messages, conversations_for
from inboxes.channels import SHOWN_TO_CLIENTS

OVERLAP = timedelta(minutes=5)  # no transaction of ours lasts so long, and no two clocks differ so much
EVENTS_AT_ONCE = 200
WRITTEN = re.compile(r"p(\d{1,19})\.(\d{1,16})", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What only agents are told of changes nothing for the person.
FOUND = """
FROM conversations_conversation AS conversation
JOIN inboxes_inbox AS inbox ON inbox.id = conversation.inbox_id AND inbox.channel = ANY(%(channels)s)
JOIN events_event AS event ON event.environment_id = conversation.environment_id
                          AND event.conversation_id = conversation.id
WHERE conversation.environment_id = %(environment)s AND conversation.{owner} = %(who)s
  AND conversation.updated_at > %(from)s AND event.occurred_at > %(from)s AND event.type <> 'message_note'
"""
BEHIND = """
SELECT event.conversation_id, (event.context->>'message_id')::bigint, event.position {found}
  AND (event.position > %(place)s OR event.position IS NULL) ORDER BY event.position NULLS LAST, event.id LIMIT %(most)s
"""
LATEST = "SELECT coalesce(max(event.position), 0) {found}"


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody is: a place in the feed of events, and when that was."""

    place: int
    at: datetime

    def __str__(self) -> str:
        micros = (self.at - EPOCH) // timedelta(microseconds=1)
        return urlsafe_b64encode(f"p{self.place}.{micros}".encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed, as it stands now, each once; ask again at once while ``has_more``."""

    conversations: Sequence[Conversation]
    messages: Sequence[Message]
    position: Position
    has_more: bool


def read(text: str) -> Position:
    """Return the position a client was told. Raises PositionGone for one that is none, or older than the log."""
    try:
        said = WRITTEN.fullmatch(urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except (NotBase64, ValueError):
        said = None
    if said is None:
        raise PositionGone
    place, at = int(said[1]), EPOCH + timedelta(microseconds=int(said[2]))
    age = timezone.now() - at
    if place >= 2**63 or not -OVERLAP < age < timedelta(days=settings.EVENT_RETENTION_DAYS):
        raise PositionGone
    return Position(place, at)


def latest(session: ContactSession) -> Position:
    """Return where a session stands that is about to load everything."""
    at = timezone.now()
    [(place,)] = _rows(LATEST, session, Position(0, at))
    return Position(place, at)


def since(session: ContactSession, position: Position) -> Changes:
    """Return what changed for a person behind a position."""
    at = timezone.now()
    found = _rows(BEHIND, session, position)
    told, has_more = found[:EVENTS_AT_ONCE], len(found) > EVENTS_AT_ONCE
    place = max((place for _, _, place in told if place is not None), default=position.place)
    mine = conversations_for(session)
    talks = {talk for talk, _, _ in told}
    if not has_more:  # and what came over from another record, of which no event of its own tells
        talks |= set(mine.filter(updated_at__gt=position.at).order_by().values_list("pk", flat=True))
    messages = complete_messages({message for _, message, _ in told if message is not None})
    return Changes(
        conversations=list(mine.filter(pk__in=talks).order_by("-last_activity_at", "-pk")) if talks else [],
        messages=[messages[row] for row in sorted(messages) if messages[row].is_shown_to_contact],
        position=Position(place, position.at if has_more else at),
        has_more=has_more and place > position.place,
    )


def _rows(statement: str, session: ContactSession, position: Position) -> list[tuple[Any, ...]]:
    owner = "contact_id" if session.verified else "session_id"
    asked: dict[str, Any] = {
        "environment": session.environment_id, "who": session.contact_id if session.verified else session.pk,
        "channels": list(SHOWN_TO_CLIENTS), "from": position.at - OVERLAP, "place": position.place,
        "most": EVENTS_AT_ONCE + 1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement.format(found=FOUND.format(owner=owner)), asked)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
