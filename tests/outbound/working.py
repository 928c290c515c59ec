"""The engine at work on messages that are put before it, as sending does it."""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from accounts.models import Environment
from contacts.services import addresses
from conversations.models import Conversation, Message
from conversations.services import conversations, messages
from conversations.services.messages import Author, Draft
from inboxes.models import Inbox
from outbound.engine import OutboundEngine
from outbound.models import Attempt, Dispatch, Line
from outbound.services import queueing
from outbound.services.queueing import Options
from tests.engines import SOON, in_thread, until

API = Author(Message.Source.API)


def open_toy(environment: Environment, **settings: Any) -> Inbox:
    """Open an inbox of the toy channel."""
    inbox: Inbox = Inbox.unscoped.create(
        environment=environment, channel="toy", name="Toys", settings={"token": "t-0k3n", **settings}
    )
    return inbox


def talk_with(inbox: Inbox, address: str) -> Conversation:
    """Begin a conversation with somebody at an address, or go on with it."""
    session = addresses.open_at(inbox=inbox, address=address)
    known = Conversation.unscoped.filter(session=session).first()
    talk = known or conversations.start(session=session)
    talk.inbox, talk.environment, talk.session = inbox, inbox.environment, session
    return talk


def say(inbox: Inbox, address: str, text: str = "hi", **options: Any) -> Dispatch:
    """Send a message to an address; ``options`` are those of the queue."""
    draft = Draft(text=text, is_scheduled="send_at" in options)
    message = messages.send(conversation=talk_with(inbox, address), author=API, draft=draft)
    queueing.enqueue(message, Options(**options))
    made: Dispatch = Dispatch.unscoped.get(message=message)
    return made


def at_work() -> AbstractContextManager[threading.Event]:
    """Have the engine work, in a thread as in a worker; yields what tells it to stop."""
    return in_thread(OutboundEngine())


def settled(dispatches: Sequence[Dispatch], state: str = "sent", seconds: float = SOON) -> list[Dispatch]:
    """Return dispatches with their messages as they stand once all of them are in a state. Raises AssertionError."""
    ids = [dispatch.pk for dispatch in dispatches]
    until(lambda: Dispatch.unscoped.filter(pk__in=ids, state=state).count() == len(ids), seconds)
    return [now(dispatch) for dispatch in dispatches]


def now(dispatch: Dispatch) -> Dispatch:
    """Return a dispatch and its message as they stand."""
    found: Dispatch = Dispatch.unscoped.select_related("message").get(pk=dispatch.pk)
    return found


def attempts(dispatch: Dispatch) -> list[Attempt]:
    """Return the attempts at a message, in their order."""
    return list(Attempt.unscoped.filter(dispatch=dispatch).order_by("n"))


def failure_of(dispatch: Dispatch) -> dict[str, Any]:
    """Return what a message failed of."""
    failure: dict[str, Any] | None = now(dispatch).message.failure
    assert failure is not None
    return failure


def line_of(inbox: Inbox) -> Line:
    """Return the line of an inbox as it stands."""
    found: Line = Line.unscoped.get(pk=inbox.pk)
    return found


def due_now(dispatch: Dispatch) -> None:
    """Let whatever a dispatch waits for be over."""
    moment = Dispatch.unscoped.filter(pk=dispatch.pk)
    found = moment.get()
    changes: dict[str, Any] = {}
    if found.resolve_at is not None:
        changes["resolve_at"] = found.created_at
    if found.next_attempt_at is not None:
        changes["next_attempt_at"] = found.created_at
    moment.update(**changes)
    queueing.look_again(found.inbox_id, found.environment_id)
