"""
Who wrote: people found by where they are on a channel, by what its provider vouches for, or met for the first time.

Whatever a person is called on a channel becomes a session of theirs. A provider that vouches for a phone number proves
it as well as a signature proves an external id; the sender of an e-mail is a claim, and a claim opens no record of
somebody who is verified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import Environment
from contacts.models import Contact, ContactSession
from contacts.services import attributes, claims, contacts, races, sessions
from core import bodies
from events.event import Actor
from inboxes.channels import phones
from inboxes.channels.incoming import Sender
from inboxes.models import Inbox

ACTOR = Actor("user")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where somebody wrote from. ``also`` are other records that turn out to be of the same person."""

    session: ContactSession
    also: Sequence[Contact] = ()


def arrive(*, inbox: Inbox, sender: Sender) -> Arrival:
    """Return the session somebody writes from, opened where it is new, and whom else their provider says they are."""
    known = _known(inbox, sender)
    if (session := known.get(sender.address)) is not None and _is_told(session, known, sender):
        return Arrival(session)  # as nearly always: nothing new is to be learnt
    return races.again(lambda: _arrive(inbox, sender), after=sessions.OVERTAKEN)


@transaction.atomic
def _arrive(inbox: Inbox, sender: Sender) -> Arrival:
    known = _known(inbox, sender)
    found = next(iter(known.values()), None)
    proved = _proved(sender)
    owner = _rightful(_owner(inbox.environment, proved), proved) if found is None or proved else None
    contact = found.contact if found is not None else _person(inbox.environment, sender, owner)
    contact = _described(contact, sender, proved if owner is None else {})
    wanted = [address for address in _addresses(sender) if address not in known]
    if wanted:
        contact = contacts.lock(contact)  # nobody merges them away while their sessions are made
        known |= {address: _made(inbox, contact, address) for address in wanted}
    session = known[sender.address]
    session.contact = contact
    vouched = [known[address].contact for address in _addresses(sender)] + ([owner] if owner is not None else [])
    return Arrival(session, list({each.pk: each for each in vouched if each.pk != session.contact_id}.values()))


def _is_told(session: ContactSession, known: Mapping[str, ContactSession], sender: Sender) -> bool:
    """Whether all that a provider says of somebody is in their record already."""
    contact = session.contact
    theirs = {address for address, each in known.items() if each.contact_id == contact.pk}
    said = {**_about(sender), **_proved(sender)}
    is_named = "name" not in said or not contacts.is_made_up(contact.name)
    lacks = any(not getattr(contact, name) for name in said)
    is_proved = all(getattr(contact, name) == value for name, value in _proved(sender).items())
    return is_named and is_proved and not lacks and set(_addresses(sender)) <= theirs


def _known(inbox: Inbox, sender: Sender) -> dict[str, ContactSession]:
    """Return the sessions of a sender by address: their own first, then aliases, then other ways to write them."""
    exact = _addresses(sender)
    wanted = [*exact, *(other for address in exact for other in phones.variants(address))]
    rows = ContactSession.of(inbox.environment).select_related("contact").filter(inbox=inbox, source_id__in=wanted)
    found = {row.source_id: row for row in rows if not row.contact.is_gone}
    for session in found.values():
        session.inbox, session.environment = inbox, inbox.environment
        session.contact.environment = inbox.environment
    return {address: found[address] for address in dict.fromkeys(wanted) if address in found}


def _addresses(sender: Sender) -> list[str]:
    return [address for address in dict.fromkeys([sender.address, *sender.aliases]) if address]


def _proved(sender: Sender) -> dict[str, str]:
    """Return what the provider vouches for and a record can hold."""
    proved = {}
    if attributes.is_e164(sender.phone_number):
        proved["phone_number"] = sender.phone_number
    if attributes.is_email(sender.email):
        proved["email"] = sender.email.lower()
    return proved


def _owner(environment: Environment, proved: Mapping[str, str]) -> Contact | None:
    """Return who has the phone number, however it is written, or the e-mail address."""
    number = proved.get("phone_number")
    given = [{"phone_number": each} for each in [number, *phones.variants(number)]] if number else []
    given += [{"email": proved["email"]}] if "email" in proved else []
    owner = next(filter(None, (contacts.find_by_identity(environment, each) for each in given)), None)
    if owner is not None:
        owner.environment = environment
    return owner


def _rightful(owner: Contact | None, proved: Mapping[str, str]) -> Contact | None:
    """
    Return whoever has what was proved; None where they only said so in a browser, which they are then told no more of.

    Else somebody could name another's phone, and once that person writes, be one with them: with their own e-mail
    address on the record that is believed from then on.
    """
    if owner is None or not claims.is_a_pages_word(owner):
        return owner
    contacts.update(contact=contacts.lock(owner), fields=dict.fromkeys(proved), actor=ACTOR)
    return None


def _person(environment: Environment, sender: Sender, owner: Contact | None) -> Contact:
    """Return whose record a stranger's is: the owner's of what was proved, a claimed one, or a new one."""
    if owner is not None:
        owner = contacts.lock(owner)
        # Without an id of the customer's nothing but this proof says who they are; with one, its signature does.
        is_proof = not owner.verified and owner.external_id is None
        return contacts.update(contact=owner, fields={"verified": True}, actor=ACTOR) if is_proof else owner
    fields: dict[str, Any] = {**_about(sender), **_proved(sender)}
    if fields.keys() & {"phone_number", "email"}:
        return contacts.create(environment=environment, fields={**fields, "verified": True}, actor=ACTOR)
    claimed = {"email": sender.address.lower()} if attributes.is_email(sender.address) else {}
    known = contacts.find_by_identity(environment, claimed)
    if known is None:
        return contacts.create(environment=environment, fields={**fields, **claimed}, actor=ACTOR)
    known.environment = environment
    if not known.verified:
        return contacts.lock(known)
    # Whoever is blocked does not get out of it by claiming to be themselves.
    return contacts.create(environment=environment, fields={**fields, "blocked": known.blocked}, actor=ACTOR)


def _described(contact: Contact, sender: Sender, proved: Mapping[str, str]) -> Contact:
    """Add to a record what it lacks and the provider tells; nothing that anybody may say of somebody verified."""
    if sender.is_claimed and contact.verified:
        return contact
    about = {**_about(sender), **proved}
    wanted = {name: value for name, value in about.items() if not getattr(contact, name)}
    if "name" in about and contacts.is_made_up(contact.name):
        wanted["name"] = about["name"]
    return contacts.update(contact=contact, fields=wanted, actor=ACTOR) if wanted else contact


def _about(sender: Sender) -> dict[str, str]:
    told = {"name": sender.name.strip(), "language": sender.language, "avatar_url": sender.avatar_url}
    longest = attributes.TEXT_FIELDS
    return {
        name: text for name, text in told.items() if text and len(text) <= longest[name] and bodies.is_storable(text)
    }


def _made(inbox: Inbox, contact: Contact, address: str) -> ContactSession:
    session: ContactSession = ContactSession.unscoped.create(
        environment=inbox.environment, inbox=inbox, contact=contact, source_id=address, verified=contact.verified
    )
    return session
