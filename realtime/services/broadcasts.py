"""
From events to frames: loads what a batch needs, publishes it, and holds it back while Redis is away.

Runs inside the relay's transaction. Publishing is idempotent per event, so a batch that is taken again after a crash
shows nobody anything twice.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from redis import RedisError

from contacts.models import Contact, ContactSession
from conversations.models import Conversation
from conversations.queries import complete_conversations, complete_messages, standings
from core import tenancy
from events import log as event_log
from events.event import Event
from realtime.cable import native
from realtime.cable.pushes import Push, Rows, conversation_data, is_native, pushes
from realtime.models import HeldBroadcast
from realtime.services import broker
from realtime.services.broker import Publication

BATCH = 500
MOST_SESSIONS = 5000
RETRY_SECONDS = 0.5
log = structlog.get_logger(__name__)


def send_or_hold(events: Sequence[Event]) -> None:
    """Publish events, or hold them back when Redis is away or earlier ones are still waiting for it."""
    if not HeldBroadcast.objects.exists():
        try:
            broker.publish(list(_publications(events)))
        except RedisError as error:
            log.warning("broadcasts_held", events=len(events), reason=type(error).__name__)
        else:
            return
    HeldBroadcast.objects.bulk_create([HeldBroadcast(event_id=event.id) for event in events], ignore_conflicts=True)


class HeldBroadcasts:
    """An engine of the worker: publishes what was held back, oldest first, once Redis answers again."""

    name = "held-broadcasts"

    def run(self, stop: threading.Event) -> None:
        """Try until told to stop."""
        try:
            while not stop.wait(RETRY_SECONDS):
                try:
                    with tenancy.everyone():
                        while release() == BATCH and not stop.is_set():
                            pass
                except (DatabaseFailure, RedisError) as error:
                    log.info("held_broadcasts_wait", reason=type(error).__name__)
                    connection.close() if isinstance(error, DatabaseFailure) else None
        finally:
            connection.close()


@transaction.atomic
def release() -> int:
    """Publish the oldest held broadcasts and return how many. Raises RedisError while it is still away."""
    held = list(HeldBroadcast.objects.select_for_update().order_by("event_id")[:BATCH])
    if held:
        broker.publish(list(_publications(event_log.read(row.event_id for row in held))))
        HeldBroadcast.objects.filter(pk__in=[row.pk for row in held]).delete()
    return len(held)


def encode(name: str, data: dict[str, Any]) -> bytes:
    """Return the ``message`` object of a frame as it goes over the wire."""
    return json.dumps({"event": name, "data": data}, separators=(",", ":"), ensure_ascii=False).encode()


def rows_for(conversations: dict[int, Conversation], message_ids: Iterable[int | None] = ()) -> Rows:
    """Load the messages and sessions the frames of these conversations show."""
    wanted = {pk for pk in message_ids if pk}
    wanted |= {c.last_message_id for c in conversations.values() if c.last_message_id}
    messages = complete_messages(wanted)
    sessions: dict[int, list[ContactSession]] = defaultdict(list)
    contacts = {c.contact_id for c in conversations.values() if c.session.verified}
    if contacts:
        theirs = ContactSession.unscoped.filter(contact_id__in=contacts, verified=True)
        for session in theirs.order_by("-id")[:MOST_SESSIONS]:
            sessions[session.contact_id].append(session)
    return Rows(conversations=conversations, messages=messages, verified_sessions=dict(sessions))


def _publications(events: Sequence[Event]) -> Iterator[Publication]:
    rows = _load(events)
    for event in events:
        for place, push in enumerate(pushes(event, rows)):
            yield from _addressed(event, push, place, rows)
        yield from _native(event, rows)


def _addressed(event: Event, push: Push, place: int, rows: Rows) -> Iterator[Publication]:
    """Yield one push for each stream that gets it."""
    key = f"{event.public_id}:{place}"
    data = {**push.data, "account_id": event.environment_id, "event_id": event.public_id}
    payload = encode(push.name, data)
    yield Publication(f"a:{event.environment_id}", payload, key)
    conversation = rows.conversations.get(event.conversation_id or 0)
    if not push.for_contact or conversation is None:
        return
    for session in rows.audience(conversation):
        if is_native(session):
            continue
        own = payload
        if push.shows_conversation and session.pk == conversation.session_id:
            owners = conversation_data(conversation, rows, token_for=session)
            own = encode(push.name, {**data, **owners})
        yield Publication(f"s:{session.pk}", own, key)


def _native(event: Event, rows: Rows) -> Iterator[Publication]:
    """Yield the event in Dexra's own words for each session of the SDK that is to hear of it."""
    conversation = rows.conversations.get(event.conversation_id or 0)
    if conversation is not None:
        told = [session for session in rows.audience(conversation) if is_native(session)]
    else:
        told = rows.native_sessions.get(event.context.get("contact_id", 0), [])
    frame = native.frame_of(event, rows) if told else None
    if frame is None:
        return
    payload = native.encode(*frame, event_id=event.public_id)
    for session in told:
        yield Publication(f"s:{session.pk}", payload, f"{event.public_id}:native")


def _load(events: Sequence[Event]) -> Rows:
    conversations = complete_conversations({event.conversation_id for event in events if event.conversation_id})
    rows = rows_for(conversations, {event.context.get("message_id") for event in events})
    contact_ids = {event.context.get("contact_id") for event in events if event.conversation_id is None} - {None}
    if contact_ids:
        rows.contacts.update(Contact.unscoped.in_bulk(contact_ids))
        rows.native_sessions.update(_native_sessions(rows.contacts))
    for_the_sdk = [each for each in conversations.values() if any(map(is_native, rows.audience(each)))]
    rows.standings.update(standings(for_the_sdk))
    return rows


def _native_sessions(contacts: Mapping[int, Contact]) -> dict[int, list[ContactSession]]:
    """Return the SDK's sessions of people, by person: of those who proved who they are, the ones where they did."""
    found: dict[int, list[ContactSession]] = defaultdict(list)
    theirs = ContactSession.unscoped.filter(contact_id__in=contacts, dialect=ContactSession.Dialect.DEXRA)
    for session in theirs.order_by("-id")[:MOST_SESSIONS]:
        if session.verified or not contacts[session.contact_id].verified:
            found[session.contact_id].append(session)
    return dict(found)
