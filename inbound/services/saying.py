"""Somebody wrote: who it was, in which conversation, and the message itself, once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest
from django.utils import timezone

from contacts.errors import ContactGone
from contacts.models import Contact, ContactSession
from contacts.services import arrivals, wishes
from contacts.services.arrivals import Arrival
from conversations.models import Message
from conversations.services import attachments, automatic, messages, people, timeline
from conversations.services.attachments import StoredFile
from core.errors import NotFound
from inbound.models import Fetch, Receival
from inbound.services import drafts, files, receivals, targets, threads, words
from inbound.services.files import Missing
from inboxes import channels
from inboxes.channels.incoming import Said, Sender
from inboxes.models import Inbox

STOPPED = "They asked for no more messages: nothing is sent to them here until they ask for it again"
RESUMED = "They asked for messages again"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of something a callback said: ``outcome`` is done, duplicate, ignored or wait; ``note`` says why."""

    outcome: str = "done"
    contact_id: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Came:
    """One message with the files that could be had."""

    said: Said
    files: Sequence[StoredFile]
    missing: Sequence[Missing]
    reads_wishes: bool  # words like STOP are ours to understand: the provider does not tell of them itself


def receive(inbox: Inbox, said: Said, *, is_patient: bool, reads_wishes: bool = True) -> Taken:
    """
    Take a message in, with its files; what was taken in before is a duplicate.

    Raises NotYet for a file that may come later, if ``is_patient``; else the message goes without it, and the file
    follows when it can be had.
    """
    wanted = [*said.files, *words.overflow(said)]
    if wanted and receivals.is_known(inbox, Receival.Kind.MESSAGE, said.id):
        return Taken("duplicate")  # and nothing is fetched twice
    with files.gathered(inbox, wanted, is_patient=is_patient) as (stored, missing):
        taken = _receive_from(arrive(inbox, said.sender), Came(said, stored, missing, reads_wishes))
    if taken.outcome != "done":
        attachments.discard(stored)
    return taken


def arrive(inbox: Inbox, sender: Sender) -> ContactSession:
    """Return the session of whoever wrote; records that their provider says are one become one, where that is safe."""
    arrival = arrivals.arrive(inbox=inbox, sender=_tidied(sender))
    for other in arrival.also:
        _join(arrival, other)
    if arrival.also:
        return arrivals.arrive(inbox=inbox, sender=_tidied(sender)).session
    return arrival.session


def _join(arrival: Arrival, other: Contact) -> None:
    """Make one person of two; a record with an id of the customer's own is never given up."""
    source, into = other, arrival.session.contact
    if source.external_id is not None:
        source, into = into, source
    if source.external_id is None and not source.is_gone and not into.is_gone:
        try:
            people.merge(source=source, into=into)
        except (ContactGone, NotFound):  # merged or erased a moment ago
            return


def _tidied(sender: Sender) -> Sender:
    tidy = words.tidy_text
    return replace(sender, address=tidy(sender.address)[:255], aliases=[tidy(each)[:255] for each in sender.aliases],
                   name=tidy(sender.name)[:255])  # fmt: skip


@transaction.atomic
def _receive_from(session: ContactSession, came: Came) -> Taken:
    said, inbox = came.said, session.inbox
    receival = receivals.take(inbox, Receival.Kind.MESSAGE, said.id)
    if receival is None:
        return Taken("duplicate", session.contact_id)
    _open_window(session, said.at)
    conversation = threads.conversation_for(session, said)
    if conversation is None:
        return Taken("ignored", session.contact_id, "A machine wrote, about nothing that is talked about here.")
    held = timeline.lock(conversation)
    answered = threads.answered_by(session, said)
    choice = said.choice
    if choice:
        answered, choice = targets.pressed(inbox, answered, conversation.pk, choice)
    wish = _wish(session, came)
    is_proved = threads.is_proved(session, said)
    drafted = drafts.draft(said, came.files, came.missing, answered=answered, choice=choice, is_proved=is_proved)
    message = messages.take_in(held, drafted, is_answered=not wish and _may_be_answered(inbox, said))
    Receival.unscoped.filter(pk=receival).update(message=message, contact=conversation.contact_id)
    _fetch_later(session, message, came)
    if wish:
        automatic.trace(held.conversation, STOPPED if wish == "stop" else RESUMED)
    return Taken("done", conversation.contact_id)


def _open_window(session: ContactSession, at: datetime) -> None:
    """Note when the person last wrote; a message that comes late opens no new window. Locks the session."""
    moment = min(at, timezone.now())
    theirs = ContactSession.of(session.environment).filter(pk=session.pk)
    # PostgreSQL's greatest() does not mind null.
    if not theirs.update(last_inbound_at=Greatest("last_inbound_at", Value(moment))):
        raise NotFound("No such session.", param="session_id")


def _wish(session: ContactSession, came: Came) -> str:
    """Heed a message that asks for no more messages, or for them again; returns which, empty for any other."""
    inbox, address = session.inbox, came.said.sender.address
    if not came.reads_wishes or not channels.find(inbox.channel).phone_is_address or came.said.files:
        return ""
    wish = wishes.wish_in(came.said.text)
    if wish == "stop":
        wishes.stop(inbox, address)
        return wish
    return "start" if wish and wishes.resume(inbox, address) else ""


def _may_be_answered(inbox: Inbox, said: Said) -> bool:
    """Whether the inbox may answer by itself: not machines, nor whoever wants no messages."""
    if not automatic.may_answer(inbox) or said.mail.get("is_automatic") or said.mail.get("is_bulk"):
        return False
    return not wishes.is_stopped(inbox, said.sender.address)


def _fetch_later(session: ContactSession, message: Message, came: Came) -> None:
    """Note which files are to be asked for again, beside the attachments that keep their places."""
    first = len(came.files)
    attached = message.made_attachments[first : first + len(came.missing)]  # type: ignore[attr-defined]  # just made
    waiting = [
        Fetch(environment=session.environment, inbox=session.inbox, attachment=attachment,
              reference=missing.file.reference, next_attempt_at=timezone.now())
        for missing, attachment in zip(came.missing, attached, strict=True)
        if missing.may_come
    ]  # fmt: skip
    Fetch.unscoped.bulk_create(waiting)
