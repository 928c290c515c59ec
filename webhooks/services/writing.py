"""Bodies: what is said about events in each dialect, written once for everybody who is told."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from contacts.models import Contact
from conversations.queries import complete_conversations, complete_messages
from events.event import Event
from webhooks import bodies, dialect
from webhooks.models import Endpoint

KEEP = """
INSERT INTO webhooks_body (environment_id, event_id, event_at, dialect, type, conversation_id, contact_id, sequence,
                           content)
SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::timestamptz[], %b::text[], %b::text[], %b::bigint[], %b::bigint[],
                     %b::bigint[], %b::bytea[])
ON CONFLICT DO NOTHING
"""


class Target(NamedTuple):
    """An endpoint, as far as it matters who is told of what; an ``inbox_id`` makes it that inbox's callback."""

    id: int
    environment_id: int
    inbox_id: int | None
    dialect: str
    events: Sequence[str]
    is_active: bool
    account_name: str


class Wish(NamedTuple):
    """An endpoint that wants to be told of an event, under the name its dialect has for it."""

    event: Event
    name: str
    target: Target


def keep(wishes: Sequence[Wish]) -> list[Wish]:
    """Write what is wished for and keep it; returns the wishes there was something to write for."""
    wanted = {(wish.event.id, wish.target.dialect, wish.name): wish for wish in wishes}
    rows = _rows(wanted.values())
    columns, written = [], set()
    for key, wish in wanted.items():
        content = _content(wish, rows)
        if content is None:
            continue
        written.add(key)
        event = wish.event
        columns.append(
            (event.environment_id, event.id, event.occurred_at, wish.target.dialect, wish.name, event.conversation_id,
             event.context.get("contact_id"), event.sequence, content)
        )  # fmt: skip
    if columns:
        with connection.cursor() as cursor:
            cursor.execute(KEEP, list(map(list, zip(*columns, strict=True))))
    return [wish for wish in wishes if (wish.event.id, wish.target.dialect, wish.name) in written]


def _content(wish: Wish, rows: dialect.Rows) -> bytes | None:
    if wish.target.dialect == Endpoint.Dialect.CHATWOOT:
        return dialect.body(wish.event, wish.name, rows)
    return bodies.body(wish.event)


def _rows(wishes: Iterable[Wish]) -> dialect.Rows:
    """Load what callbacks are made from; nothing where nobody wants them in Chatwoot's words."""
    told = [wish for wish in wishes if wish.target.dialect == Endpoint.Dialect.CHATWOOT]
    events = {wish.event.id: wish.event for wish in told}.values()
    people = {
        event.context["contact_id"]
        for event in events
        if event.conversation_id is None and "contact_id" in event.context
    }
    messages = {row for event in events for row in dialect.messages_of(event)}
    return dialect.Rows(
        accounts={wish.target.environment_id: wish.target.account_name for wish in told},
        conversations=complete_conversations({event.conversation_id for event in events if event.conversation_id}),
        messages=complete_messages(messages),
        contacts=Contact.unscoped.in_bulk(people) if people else {},
    )
