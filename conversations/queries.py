"""Reading conversations and messages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db import connection
from django.db.models import F, Prefetch, Q, QuerySet

from accounts.models import Environment, User
from accounts.queries import ENVIRONMENT
from contacts.models import ContactSession
from contacts.queries import CONTACT, SESSION
from conversations.models import UNSAID, Attachment, Conversation, Message, Team
from core import tenancy
from core.rows import Shape, cut
from inboxes.channels import SHOWN_TO_CLIENTS
from inboxes.queries import INBOX

CONVERSATION = Shape(Conversation, "conversation")
AGENT = Shape(User, "agent", only=("id", "name", "display_name", "email", "avatar_url"))
TEAM = Shape(Team, "team", only=("id", "name"))
MESSAGE = Shape(Message, "message")

ENTER_BY_UUID = f"""
SELECT {ENVIRONMENT.columns}, {CONVERSATION.columns}
FROM dexra_enter_by_conversation(%s) AS conversation
JOIN accounts_environment AS environment ON environment.id = conversation.environment_id
"""  # noqa: S608  the columns come from the model
ATTACHMENT = Shape(Attachment, "attachment")
ENTER_BY_TOKEN = f"""
SELECT attachment.environment_id, {ATTACHMENT.columns} FROM dexra_enter_by_attachment(%s) AS attachment
"""  # noqa: S608  the columns come from the model
SHOWN_TO_CONTACT = (Message.Kind.SPOKEN, Message.Kind.AUTOMATIC)
LAST_SHOWN = """
SELECT last.id FROM conversations_conversation AS conversation CROSS JOIN LATERAL (
    SELECT message.id FROM conversations_message AS message
    WHERE message.environment_id = conversation.environment_id AND message.conversation_id = conversation.id
      AND message.kind = ANY(%s) AND NOT message.status = ANY(%s) ORDER BY message.id DESC LIMIT %s
) AS last WHERE conversation.id = ANY(%s)
"""
# How far back what somebody has not seen is counted: a badge says "99+" long before.
MOST_UNREAD = 100
STANDINGS = """
SELECT conversation.id,
    (SELECT message.id FROM conversations_message AS message
     WHERE message.environment_id = conversation.environment_id AND message.conversation_id = conversation.id
       AND message.kind = ANY(%(kinds)s) AND NOT message.status = ANY(%(unsaid)s)
     ORDER BY message.id DESC LIMIT 1),
    CASE WHEN conversation.last_message_at <= conversation.contact_last_seen_at THEN 0 ELSE
    (SELECT count(*) FROM (
        SELECT message.direction, message.created_at FROM conversations_message AS message
        WHERE message.environment_id = conversation.environment_id AND message.conversation_id = conversation.id
          AND message.kind = ANY(%(kinds)s) AND NOT message.status = ANY(%(unsaid)s)
        ORDER BY message.id DESC LIMIT %(most)s) AS recent
     WHERE direction = 'outbound'
       AND (conversation.contact_last_seen_at IS NULL OR created_at > conversation.contact_last_seen_at)) END
FROM conversations_conversation AS conversation WHERE conversation.id = ANY(%(ids)s)
"""


COMPLETE_CONVERSATIONS = f"""
SELECT {CONVERSATION.columns}, {CONTACT.columns}, {SESSION.columns}, {INBOX.columns}, {AGENT.columns}, {TEAM.columns}
FROM conversations_conversation AS conversation
JOIN contacts_contact AS contact ON contact.id = conversation.contact_id
JOIN contacts_contactsession AS session ON session.id = conversation.session_id
JOIN inboxes_inbox AS inbox ON inbox.id = conversation.inbox_id
LEFT JOIN accounts_user AS agent ON agent.id = conversation.assignee_id
LEFT JOIN conversations_team AS team ON team.id = conversation.team_id
WHERE conversation.id = ANY(%s)
"""  # noqa: S608  the columns come from the models
COMPLETE_MESSAGES = f"""
SELECT EXISTS (SELECT FROM conversations_attachment AS file
               WHERE file.environment_id = message.environment_id AND file.message_id = message.id),
       {MESSAGE.columns}, {CONTACT.columns}, {AGENT.columns}
FROM conversations_message AS message
JOIN contacts_contact AS contact ON contact.id = message.contact_id
LEFT JOIN accounts_user AS agent ON agent.id = message.author_id
WHERE message.id = ANY(%s)
"""  # noqa: S608  the columns come from the models


def complete_conversations(ids: Collection[int]) -> dict[int, Conversation]:
    """Return conversations by id, of all tenants this connection sees, with all that frames and callbacks show."""
    found = {}
    for row in _rows(COMPLETE_CONVERSATIONS, ids):
        conversation, *around = cut(row, CONVERSATION, CONTACT, SESSION, INBOX, AGENT, TEAM)
        conversation.contact, conversation.session, conversation.inbox, conversation.assignee, conversation.team = (
            around
        )
        found[conversation.pk] = conversation
    return found


def complete_messages(ids: Collection[int]) -> dict[int, Message]:
    """Return messages by id, of all tenants this connection sees, with all that frames and callbacks show."""
    found, with_files = {}, []
    for has_files, *row in _rows(COMPLETE_MESSAGES, ids):
        message, message.contact, message.author = cut(row, MESSAGE, CONTACT, AGENT)
        message.made_attachments = []
        found[message.pk] = message
        if has_files:
            with_files.append(message.pk)
    if with_files:
        for file in Attachment.unscoped.filter(message__in=with_files).order_by("id"):
            found[file.message_id].made_attachments.append(file)
    return found


def _rows(sql: str, ids: Collection[int]) -> list[tuple[Any, ...]]:
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(ids)])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@dataclass(frozen=True, slots=True)
class Standing:
    """How a conversation stands for its person: how much they have not seen, and the latest they may see."""

    unread: int = 0
    last: Message | None = None


def standings(conversations: Sequence[Conversation]) -> Mapping[int, Standing]:
    """Return by id how conversations stand for their people, in two queries; up to 100 are counted as unread."""
    if not conversations:
        return {}
    asked: dict[str, Any] = {
        "kinds": list(SHOWN_TO_CONTACT), "unsaid": list(UNSAID), "most": MOST_UNREAD,
        "ids": [conversation.pk for conversation in conversations],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(STANDINGS, asked)
        rows = cursor.fetchall()
    last = complete_messages([message for _, message, _ in rows if message is not None])
    return {conversation: Standing(unread, last.get(message)) for conversation, message, unread in rows}


def unread_total(session: ContactSession) -> int:
    """Return how much a session's person has not seen in all their conversations; up to 100 of each are counted."""
    seen = Q(contact_last_seen_at__isnull=True) | Q(last_message_at__gt=F("contact_last_seen_at"))
    waiting = conversations_for(session).filter(seen, last_message_id__isnull=False)
    found = standings(list(waiting.order_by("-last_activity_at")[:MOST_UNREAD]))
    return sum(standing.unread for standing in found.values())


def enter_by_uuid(name: UUID) -> Conversation | None:
    """Find a conversation by its uuid and bind this connection to its tenant; None when there is no such one."""
    row = tenancy.enter(ENTER_BY_UUID, [name])
    if row is None:
        return None
    environment, conversation = cut(row, ENVIRONMENT, CONVERSATION)
    conversation.environment = environment
    return cast("Conversation", conversation)


def enter_by_attachment(token: str) -> Attachment | None:
    """Find a file by its token and bind this connection to its tenant; None when there is no such one."""
    row = tenancy.enter(ENTER_BY_TOKEN, [token])
    return None if row is None else ATTACHMENT.build(row[1:])


def conversations_of(environment: Environment) -> QuerySet[Conversation]:
    """Return an environment's conversations with everything their public JSON needs."""
    return Conversation.of(environment).select_related("environment", "inbox", "contact", "session", "assignee", "team")


def conversations_due(now: datetime) -> QuerySet[Conversation]:
    """Return the snoozed conversations whose time has come, in all environments."""
    snoozed = Conversation.unscoped.filter(status=Conversation.Status.SNOOZED, snoozed_until__lte=now)
    return snoozed.select_related("environment", "inbox", "contact", "session").order_by("snoozed_until")


def messages_of(conversation: Conversation) -> QuerySet[Message]:
    """Return a conversation's messages with everything their public JSON needs."""
    return _with_files(Message.unscoped.filter(environment_id=conversation.environment_id, conversation=conversation))


def messages_in(environment: Environment) -> QuerySet[Message]:
    """Return an environment's messages with everything their public JSON needs, the inbox they came through too."""
    return _with_files(Message.of(environment)).select_related("conversation__inbox")


def conversations_for(session: ContactSession) -> QuerySet[Conversation]:
    """
    Return what a session may see: its own conversations, or once it is verified all that clients have with the contact.

    What was said by SMS or e-mail stays there: a signed external id proves no phone number and no e-mail address.
    """
    mine = conversations_of(session.environment).filter(inbox__channel__in=SHOWN_TO_CLIENTS)
    return mine.filter(contact_id=session.contact_id) if session.verified else mine.filter(session=session)


def shown_messages(conversation: Conversation) -> QuerySet[Message]:
    """Return what a conversation's person may see of it: neither notes nor traces, nor what waits for its time."""
    return messages_of(conversation).filter(kind__in=SHOWN_TO_CONTACT).exclude(status__in=UNSAID)


def shown_message(session: ContactSession, message_id: int) -> Message | None:
    """Return a message that a session may see, with its conversation; None for any other."""
    known = Message.of(session.environment).filter(pk=message_id).first()
    talk = conversations_for(session).filter(pk=known.conversation_id).first() if known is not None else None
    found = shown_messages(talk).filter(pk=message_id).first() if talk is not None else None
    if found is not None and talk is not None:
        found.conversation = talk
    return found


def last_shown_messages(conversations: Sequence[Conversation], count: int) -> dict[int, list[Message]]:
    """Return the latest ``count`` messages of each conversation that its person may see, oldest first, by its id."""
    found: dict[int, list[Message]] = {conversation.pk: [] for conversation in conversations}
    with connection.cursor() as cursor:
        cursor.execute(LAST_SHOWN, [list(SHOWN_TO_CONTACT), list(UNSAID), count, list(found)])
        ids = [row[0] for row in cursor.fetchall()]
    for message in _with_files(Message.unscoped.filter(pk__in=ids)).order_by("id") if ids else ():
        found[message.conversation_id].append(message)
    return found


def _with_files(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Load with messages everything their public JSON needs."""
    files = Prefetch("attachments", Attachment.unscoped.order_by("id"))
    return messages.select_related("contact", "author").prefetch_related(files)
