"""Writing first: a business begins a conversation with somebody it knows."""

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from contacts.models import Contact, ContactSession
from contacts.services import addresses, sessions
from conversations.models import Conversation
from conversations.queries import conversations_of
from conversations.services import conversations, messages
from conversations.services.messages import Author, Draft
from core.errors import NotFound, invalid
from events.event import SYSTEM, Actor
from inboxes import channels
from inboxes.models import Inbox

TALKERS = 0x_DE_5C << 40  # the upper half of the advisory locks' numbers; the lower is the person


@transaction.atomic
def begin(*, inbox: Inbox, contact: Contact, fields: Mapping[str, Any], text: str | None, actor: Actor) -> Conversation:
    """
    Begin a conversation where the person can be reached in that inbox, and say the first words if there are any.

    ``fields`` are ``subject``, ``tags``, ``custom_attributes``. Raises Invalid (for somebody who has no address on the
    inbox's channel, too), ContactGone, ContactBlocked, and NotFound for somebody who was erased this very moment.
    """
    session = reach(inbox=inbox, contact=contact)
    conversation = conversations.start(session=session, fields=fields, actor=actor)
    if text:
        messages.send(conversation=conversation, author=Author("api", key_id=actor.id), draft=Draft(text))
    return conversations_of(inbox.environment).get(pk=conversation.pk)


def reach(*, inbox: Inbox, contact: Contact) -> ContactSession:
    """Return where a person is reached in an inbox, opened if they were never there. Raises Invalid, ContactGone."""
    if not channels.find(inbox.channel).is_carried:
        return sessions.session_in(inbox=inbox, contact=contact)
    address = addresses.address_in(inbox, contact)
    if address is None:
        why = f"{contact.public_id} has no address on the {inbox.channel} channel, and has never written there."
        raise invalid("user_id", why, code="recipient_not_reachable")
    return addresses.open_at(inbox=inbox, address=address, contact=contact)


@transaction.atomic
def carry_on(
    *, session: ContactSession, fields: Mapping[str, Any] | None = None, actor: Actor = SYSTEM
) -> Conversation:
    """
    Return the person's latest conversation in the session's inbox that is not closed, by whichever of their addresses;
    else begin one with ``fields``. Where the inbox keeps to a single conversation, the closed one goes on.

    Two who ask at once get the same one. Raises NotFound for somebody who was erased this very moment.
    """
    held = ContactSession.of(session.environment).select_for_update(no_key=True).filter(pk=session.pk).first()
    if held is None:
        raise NotFound("No such session.", param="session_id")
    contact = session.contact if held.contact_id == session.contact_id else held.contact  # merged a moment ago
    _take_turns(contact)
    return latest(inbox=session.inbox, contact=contact) or conversations.start(
        session=session, fields=fields, actor=actor
    )


def latest(*, inbox: Inbox, contact: Contact) -> Conversation | None:
    """Return the conversation that goes on when something is said to a person in an inbox; None: a new one begins."""
    talks = conversations_of(inbox.environment).filter(inbox=inbox, contact=contact)
    if contact.verified and not channels.find(inbox.channel).is_carried:
        talks = talks.filter(session__verified=True)  # what is said must not appear before who merely claims a name
    if not inbox.lock_to_single_conversation:
        talks = talks.exclude(status=Conversation.Status.CLOSED)
    return talks.order_by("-id").first()


def _take_turns(contact: Contact) -> None:
    """
    Let nobody else begin something with a person until this transaction ends: their addresses are rows apart.

    The person's own row is locked after conversations everywhere, and this comes before them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TALKERS + contact.pk])
