"""Which conversation somebody writes in: the one they have in that inbox, or the thread of a mail."""

from typing import Any

from contacts.models import ContactSession
from conversations.models import Conversation, Message
from conversations.queries import conversations_of
from conversations.services import conversations, outreach
from core import ids
from events.event import Actor
from inbound.services import targets
from inbound.services.words import tidy_text
from inboxes.channels.incoming import Said

LONGEST_SUBJECT = 255


def conversation_for(session: ContactSession, said: Said) -> Conversation | None:
    """
    Return the conversation a message belongs to, begun if there is none. None: a machine wrote, and about nothing that
    is talked about here.

    A mail goes on in its thread, else it begins one; anything else goes on in what is being talked about.
    """
    if session.contact.blocked and (latest := _latest(session)) is not None:
        return latest  # closed from the start, and nobody is told: one is enough
    if not said.mail:
        return outreach.carry_on(session=session, actor=_actor(session))
    found = _thread(session, said)
    if found is not None:
        return found
    if said.mail.get("is_automatic") or said.mail.get("is_bulk"):
        return None
    fields = {"subject": tidy_text(str(said.mail.get("subject") or ""))[:LONGEST_SUBJECT]}
    if session.inbox.lock_to_single_conversation:
        return outreach.carry_on(session=session, fields=fields, actor=_actor(session))
    return conversations.start(session=session, fields=fields, actor=_actor(session))


def answered_by(session: ContactSession, said: Said) -> Message | None:
    """Return the message of ours or theirs that a message answers."""
    if said.mail:
        return targets.ours(session.inbox, _list(said, "our_message_ids")) or targets.referred(
            session.inbox, _list(said, "references")
        )
    return targets.named(session.inbox, said.reply_to)


def is_proved(session: ContactSession, said: Said) -> bool:
    """
    Whether a message is from whom it says: its provider vouches for that, or it answers what we wrote to that person.

    What we wrote is sealed, so whoever answers it has seen it; who got something else of ours proves nothing by it.
    """
    if not said.sender.is_claimed:
        return True
    sealed = targets.ours(session.inbox, _list(said, "our_message_ids"))
    return sealed is not None and sealed.contact_id == session.contact_id


def _thread(session: ContactSession, said: Said) -> Conversation | None:
    """
    Return the conversation of a mail's thread.

    Our own Message-IDs and answer addresses are sealed: whoever has one was sent the mail. Other ids anybody may
    write, so they lead only where the sender is at home already.
    """
    found = conversations_of(session.environment).filter(inbox=session.inbox)
    sealed = targets.ours(session.inbox, _list(said, "our_message_ids"))
    if sealed is not None:
        return found.filter(pk=sealed.conversation_id).first()
    row = ids.decode("conv", str(said.mail.get("token_conversation") or ""))
    if row is not None and (named := found.filter(pk=row).first()) is not None:
        return named
    referred = targets.referred(session.inbox, _list(said, "references"))
    if referred is None:
        return None
    return found.filter(pk=referred.conversation_id, contact_id=session.contact_id).first()


def _latest(session: ContactSession) -> Conversation | None:
    talks = conversations_of(session.environment).filter(inbox=session.inbox, contact_id=session.contact_id)
    return talks.order_by("-id").first()


def _list(said: Said, name: str) -> list[str]:
    told: Any = said.mail.get(name) or []
    return [str(each) for each in told]


def _actor(session: ContactSession) -> Actor:
    return Actor("user", session.contact.public_id)
