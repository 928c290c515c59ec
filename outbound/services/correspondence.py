"""What a message needs on a channel that threads by Message-IDs and a subject: what it answers, and a way out of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection

from contacts.signing import unsubscribing
from conversations.models import Message
from inboxes.channels.outgoing import Outgoing
from outbound.models import Dispatch
from outbound.services.inboxes import Known

THREADS = """
SELECT message.id, talk.subject,
    ARRAY(SELECT earlier.provider_id FROM conversations_message AS earlier
          WHERE earlier.environment_id = message.environment_id AND earlier.conversation_id = message.conversation_id
            AND earlier.id < message.id AND earlier.provider_id IS NOT NULL
          ORDER BY earlier.id DESC LIMIT 10),
    (SELECT earlier.provider_id FROM conversations_message AS earlier
     WHERE earlier.environment_id = message.environment_id AND earlier.conversation_id = message.conversation_id
       AND earlier.id < message.id AND earlier.provider_id IS NOT NULL AND earlier.direction = 'inbound'
     ORDER BY earlier.id DESC LIMIT 1)
FROM conversations_message AS message JOIN conversations_conversation AS talk ON talk.id = message.conversation_id
WHERE message.id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Thread:
    """What was said before a message: the names of the mails, oldest first, the one that is answered last."""

    subject: str = ""
    references: Sequence[str] = ()


def threads_of(message_ids: Iterable[int]) -> dict[int, Thread]:
    """Return what each message goes on with. Raises django.db.Error."""
    wanted = list(message_ids)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(THREADS, [wanted])
        rows = cursor.fetchall()
    found = {}
    for row, subject, earlier, answered in rows:
        names = [name for name in reversed(earlier) if name != answered]
        # Nobody has written: our mails to them do not answer each other.
        found[row] = Thread(subject, [*names, answered] if answered else [])
    return found


def threaded(
    said: Outgoing, message: Message, dispatch: Dispatch, known: Known, threads: Mapping[int, Thread]
) -> Outgoing:
    """Return a message with what its conversation adds to what was asked for, where the channel threads."""
    if not known.channel.is_threaded:
        return said
    thread, is_marketing = threads.get(message.pk, Thread()), dispatch.category == "marketing"
    subject = said.mail.subject or thread.subject
    goes_on = subject == thread.subject and not is_marketing
    mail = replace(
        said.mail,
        subject=subject,
        references=said.mail.references or (thread.references if goes_on else ()),
        is_automatic=message.source in {Message.Source.SYSTEM, Message.Source.AI},
        unsubscribe_url=said.mail.unsubscribe_url or (_way_out(dispatch, known) if is_marketing else ""),
    )
    return replace(said, mail=mail)


def _way_out(dispatch: Dispatch, known: Known) -> str:
    return unsubscribing.unsubscribe_url(dispatch.environment_id, known.inbox.channel, dispatch.address)
