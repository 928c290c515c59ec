"""
The one place where a conversation moves forward.

Whoever writes to a conversation locks its row first (``lock``), changes it in memory, and hands it to ``append``,
which adds the message, brings the conversation up to date and logs the events in a single statement. The lock is
what makes ``sequence`` gap-free and the order of a conversation the order of its commits.

The SQL is written by hand because this is the most travelled path of the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from contacts.models import ContactSession
from conversations.models import Conversation, Message
from conversations.queries import AGENT, CONVERSATION, MESSAGE, TEAM
from core.errors import NotFound
from core.rows import cut
from events import log
from events.event import Event
from inboxes.channels import SHOWN_TO_CLIENTS

# What appending can change on a conversation; everything else goes through conversations.update.
MOVED = (
    "status", "sequence", "unread_count", "waiting_since", "first_reply_at", "last_activity_at", "last_message_id",
    "last_message_text", "last_message_at", "snoozed_until", "agent_last_seen_at", "contact_last_seen_at",
    "updated_at",
)  # fmt: skip
EXCERPT = 200
COLUMNS = [(field.attname, isinstance(field, models.JSONField)) for field in Message._meta.concrete_fields]

LOCK = f"""
SELECT nextval('conversations_message_id_seq'),
       (SELECT id FROM conversations_message WHERE environment_id = conversation.environment_id
        AND conversation_id = conversation.id AND client_message_id = %s),
       {CONVERSATION.columns}, {AGENT.columns}, {TEAM.columns}
FROM conversations_conversation AS conversation
LEFT JOIN accounts_user AS agent ON agent.id = conversation.assignee_id
LEFT JOIN conversations_team AS team ON team.id = conversation.team_id
WHERE conversation.environment_id = %s AND {{which}}
FOR NO KEY UPDATE OF conversation
"""  # noqa: S608  columns come from the models, values are parameters
LOCK_BY_ID = LOCK.format(which="conversation.id = %s")
# What a session may see is told twice: here, and in conversations_for.
BY_NUMBER = """
conversation.number = %s AND conversation.{owner} = %s
AND EXISTS (SELECT FROM inboxes_inbox WHERE id = conversation.inbox_id AND channel = ANY(%s))
"""
LOCK_BY_SESSION = LOCK.format(which=BY_NUMBER.format(owner="session_id"))
LOCK_BY_CONTACT = LOCK.format(which=BY_NUMBER.format(owner="contact_id"))

ADD_MESSAGE = f"""
added AS (INSERT INTO conversations_message ({", ".join(f'"{f.column}"' for f in Message._meta.concrete_fields)})
          VALUES ({", ".join(["%s"] * MESSAGE.width)}))
"""  # noqa: S608
MOVE = f"""
moved AS (UPDATE conversations_conversation SET {", ".join(f'"{name}" = %s' for name in MOVED)}
          WHERE id = %s AND environment_id = %s RETURNING contact_id, environment_id, updated_at)
"""  # noqa: S608
# No parameters of its own: psycopg remembers how to say a statement only up to fifty of them.
TOUCH_CONTACT = """
touched AS (UPDATE contacts_contact AS contact
            SET last_activity_at = moved.updated_at, last_seen_at = moved.updated_at FROM moved
            WHERE contact.id = moved.contact_id AND contact.environment_id = moved.environment_id)
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A conversation held by this transaction, and what the next message needs."""

    conversation: Conversation
    next_message_id: int
    duplicate_id: int | None  # the message that already has the asked-for client_message_id


def lock(conversation: Conversation, *, client_message_id: str | None = None) -> Locked:
    """Lock a conversation that was found before; its inbox, contact and session are taken over from there."""
    params = [client_message_id, conversation.environment_id, conversation.pk]
    held = _lock(LOCK_BY_ID, params)
    held.conversation.environment = conversation.environment
    held.conversation.inbox = conversation.inbox
    held.conversation.session = conversation.session
    if held.conversation.contact_id == conversation.contact_id:  # else merged into another meanwhile: loaded anew
        held.conversation.contact = conversation.contact
    return held


def lock_for(session: ContactSession, number: int, *, client_message_id: str | None = None) -> Locked:
    """Lock the conversation a session calls ``number``. Raises NotFound for one it may not see."""
    sql = LOCK_BY_CONTACT if session.verified else LOCK_BY_SESSION
    who = session.contact_id if session.verified else session.pk
    held = _lock(sql, [client_message_id, session.environment_id, number, who, list(SHOWN_TO_CLIENTS)])
    conversation = held.conversation
    conversation.environment = session.environment
    if conversation.contact_id == session.contact_id:  # else merged into another meanwhile: loaded anew
        conversation.contact = session.contact
    if conversation.session_id == session.pk:
        conversation.session, conversation.inbox = session, session.inbox
    return held


def append(conversation: Conversation, events: Sequence[Event], *, message: Message | None = None,
           touch_contact: bool = False) -> None:  # fmt: skip
    """
    Write one step of a locked conversation: its new state, a message if there is one, and the events.

    ``touch_contact`` marks the person as active now. Must run in the transaction that holds the lock.
    """
    conversation.updated_at = timezone.now()
    steps, params = (
        [MOVE],
        [*_values(conversation, MOVED), conversation.pk, conversation.environment_id],
    )
    if message is not None:
        steps.append(ADD_MESSAGE)
        params += _prepared(message)
    if touch_contact:
        contact = conversation.contact
        contact.last_activity_at = contact.last_seen_at = conversation.updated_at
        steps.append(TOUCH_CONTACT)
    log.publish_with(steps, params, events)


def show_as_last(conversation: Conversation, message: Message) -> None:
    """Make a message the one that lists show for its conversation."""
    conversation.last_activity_at = message.created_at
    if message.is_shown_to_contact:
        conversation.last_message_id = message.pk
        conversation.last_message_text = (message.text or "")[:EXCERPT]
        conversation.last_message_at = message.created_at


def _lock(sql: str, params: list[Any]) -> Locked:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A conversation is locked inside a transaction.")
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    if row is None:
        raise NotFound("No such conversation.", param="conversation_id")
    message_id, duplicate_id, *columns = row
    conversation, agent, team = cut(columns, CONVERSATION, AGENT, TEAM)
    # Who was joined before the lock was waited for may not be who is named now: then they are loaded when asked for.
    if agent is not None and agent.pk == conversation.assignee_id:
        conversation.assignee = agent
    if team is not None and team.pk == conversation.team_id:
        conversation.team = team
    return Locked(conversation, message_id, duplicate_id)


def _values(row: Conversation, names: Sequence[str]) -> list[Any]:
    return [getattr(row, name) for name in names]


def _prepared(message: Message) -> list[Any]:
    """Return a message's values as its columns store them."""
    values = message.__dict__
    return [Jsonb(values[name]) if is_json and values[name] is not None else values[name] for name, is_json in COLUMNS]
