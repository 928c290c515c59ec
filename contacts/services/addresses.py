"""Where people are on channels that a provider carries: their addresses there."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import Environment
from contacts import queries
from contacts.models import Contact, ContactSession
from contacts.services import contacts, races, sessions
from events.event import SYSTEM, Actor
from inboxes import channels
from inboxes.models import Inbox


def owner_of(environment: Environment, address: str) -> Contact | None:
    """Return who a phone number in E.164 form or an e-mail address belongs to; None for any other address."""
    contact = contacts.find_by_identity(environment, _identity(address))
    if contact is not None:
        contact.environment = environment
    return contact


def address_in(inbox: Inbox, contact: Contact) -> str | None:
    """
    Return where a person can be reached through an inbox's provider: where they were last, else their phone number or
    e-mail address, if that is what its channel takes. None: nowhere.
    """
    latest = ContactSession.of(inbox.environment).filter(inbox=inbox, contact=contact).order_by("-id").first()
    if latest is not None:
        return str(latest.source_id)
    channel = channels.find(inbox.channel)
    wanted = channel.limits(inbox.settings).recipients
    known = {"phone": contact.phone_number, "email": contact.email}
    given = [known[kind] for kind in ("phone", "email") if kind in wanted and known[kind]]
    return next(filter(None, (channel.address(each, inbox.settings) for each in given if each)), None)


def open_at(*, inbox: Inbox, address: str, contact: Contact | None = None, actor: Actor = SYSTEM) -> ContactSession:
    """
    Return the session of an address in an inbox that a provider carries, opening it when it is new.

    A new one belongs to ``contact``, else to whoever has that phone number or e-mail address, else to somebody new.
    Raises ContactGone.
    """
    return races.again(lambda: _open(inbox, address, contact, actor), after=sessions.OVERTAKEN)


def open_somewhere(*, inbox: Inbox, fields: Mapping[str, Any], actor: Actor = SYSTEM) -> ContactSession:
    """Return a session on the cable for somebody known by a phone number or e-mail address only. Raises Invalid."""
    return races.again(lambda: _open_somewhere(inbox, fields, actor), after=sessions.OVERTAKEN)


@transaction.atomic
def _open(inbox: Inbox, address: str, contact: Contact | None, actor: Actor) -> ContactSession:
    if known := queries.find_session(inbox, address):
        return known
    owner = contact or owner_of(inbox.environment, address)
    if owner is None:
        owner = contacts.create(environment=inbox.environment, fields=_identity(address), actor=actor)
    return _made(inbox, contacts.lock(owner), address)


@transaction.atomic
def _open_somewhere(inbox: Inbox, fields: Mapping[str, Any], actor: Actor) -> ContactSession:
    contact = contacts.find_by_identity(inbox.environment, fields)
    if contact is None:
        contact = contacts.create(environment=inbox.environment, fields=fields, actor=actor)
    contact.environment = inbox.environment
    return sessions.session_in(inbox=inbox, contact=contact)


def _made(inbox: Inbox, contact: Contact, address: str) -> ContactSession:
    session: ContactSession = ContactSession.unscoped.create(
        environment=inbox.environment, inbox=inbox, contact=contact, source_id=address, verified=contact.verified
    )  # fmt: skip
    return session


def _identity(address: str) -> dict[str, str]:
    if address.startswith("+"):
        return {"phone_number": address}
    return {"email": address} if "@" in address[1:] else {}
