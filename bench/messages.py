"""
Creating client messages: the product over HTTP, beside psycopg alone saying the same statements.

The floor's statements are not written down here: they are recorded from the product while it takes one message, and
then said again by bare psycopg in as many threads as there are HTTP connections, each in a conversation of its own.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from bench import load
from contacts.models import ContactSession
from contacts.queries import enter_by_session
from contacts.services import sessions
from conversations.services import conversations, messages
from conversations.services.messages import Draft
from core import tenancy
from inboxes.models import Inbox

CONNECTIONS = 16
TEXT = "The quick brown fox jumps over the lazy dog. " * 3


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation to write in."""

    inbox: Inbox
    session: ContactSession
    number: int

    @property
    def path(self) -> str:
        """Where the client API takes its messages."""
        return (
            f"/public/api/v1/inboxes/{self.inbox.identifier}/contacts/{self.session.source_id}"
            f"/conversations/{self.number}/messages"
        )


def places(inbox: Inbox, count: int = CONNECTIONS) -> list[Place]:
    """Open that many people's conversations."""
    made = []
    for _ in range(count):
        session = sessions.open_session(inbox=inbox, fields={})
        made.append(Place(inbox, session, conversations.start(session=session).number))
    return made


def over_http(port: int, where: list[Place], *, seconds: float) -> load.Result:
    """Create messages through the product."""
    body = ('{"content":"' + TEXT + '"}').encode()

    def maker(place: Place) -> Callable[[], bytes]:
        ready = load.request("POST", place.path, body)
        return lambda: ready

    return load.run(port, [maker(place) for place in where], seconds=seconds)


def by_psycopg(where: list[Place], *, seconds: float) -> float:
    """Return messages a second of bare psycopg with one thread for each place."""
    counts, stop_at = [0] * len(where), time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_repeat, args=(recorded(place), stop_at, counts, index))
        for index, place in enumerate(where)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def recorded(place: Place) -> tuple[list[tuple[str, Any]], int]:
    """Return the statements the product says for one message in that place, and the id the message got."""
    said: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        said.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        _, session = enter_by_session(place.inbox.identifier, place.session.source_id)
        assert session is not None
        message = messages.receive(session=session, number=place.number, draft=Draft(TEXT))
    tenancy.bind(tenancy.EVERYONE)
    return said, message.pk


def _repeat(recording: tuple[list[tuple[str, Any]], int], stop_at: float, counts: list[int], index: int) -> None:
    """Say the statements of one message again and again; the message's id is drawn anew each time."""
    statements, message_id = recording
    lock = next(place for place, (sql, _) in enumerate(statements) if "FOR NO KEY UPDATE" in sql)
    write_sql, write_params = statements[lock + 1]
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as own:
        own.execute("SET ROLE dexra_app")
        while time.perf_counter() < stop_at:
            for sql, params in statements[:lock]:
                own.execute(sql, params).fetchone()
            with own.transaction():
                row = own.execute(*statements[lock]).fetchone()
                assert row is not None
                write_params = [row[0] if value == message_id else value for value in write_params]
                message_id = row[0]
                own.execute(write_sql, write_params)
            counts[index] += 1
