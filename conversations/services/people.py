"""
People who turn out to be one: proving who somebody is, and bringing records together.

An HMAC pair proves an external id and nothing else: an e-mail address or phone number that comes with it is only
claimed. So a proof never opens a record that other sessions share, and a claim never opens the record of somebody who
is known by an external id of their own, or whom a provider vouches for. Where the business's server signed an address,
it is taken away from a record that only claimed it.

Rows are locked in one order everywhere: sessions, conversations, people. Merges of one environment wait for each other
before they lock anything, for they want people in any order.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Environment
from contacts import events
from contacts.errors import AlreadyTaken, ContactGone
from contacts.models import Contact, ContactSession
from contacts.services import attributes, claims, contacts, races, sessions, tombstones
from conversations.models import Conversation, Message, SurveyAnswer
from core.errors import NotFound, invalid
from events.event import SYSTEM, Actor
from events.log import publish
from inboxes import channels
from inboxes.errors import SignatureMismatch

MERGES = 0x_DE_5A  # the advisory lock of this module; the second number is the environment
ADDRESSES = ("email", "phone_number")
# Somebody may take the same id or address, or merge whoever has it, at this very moment: then there is one to join.
OVERTAKEN = (AlreadyTaken, ContactGone)


def prove_identity(*, session: ContactSession, external_id: str) -> ContactSession:
    """
    Mark a session as proved to be ``external_id``'s; the hash was checked before.

    An anonymous record that is the session's alone takes the id on, or is merged into the record that has it. From
    a record that other sessions share, only this session moves over, with what was said in it.
    Raises SignatureMismatch for a session of somebody else.
    """
    contact = session.contact
    if session.verified and contact.verified and contact.external_id == external_id:
        return session
    return races.again(lambda: _prove(session, external_id), after=OVERTAKEN)


def describe(
    *, session: ContactSession, fields: Mapping[str, Any], joins: Collection[str] = ADDRESSES,
    signed: Collection[str] = (),
) -> Contact:  # fmt: skip
    """
    Change a person by what they say of themselves.

    An e-mail address or phone number that somebody else has is left out; from a verified session it brings the two
    records together instead, where that is safe and ``joins`` names the field. Where ``signed`` names it, an address
    is theirs that somebody else only claimed. An unverified session changes nothing about a person who has proved who
    they are. Raises Invalid.
    """
    return races.again(lambda: _describe(session, attributes.tidied(fields), joins, signed), after=OVERTAKEN)


@transaction.atomic
def merge(*, source: Contact, into: Contact, actor: Actor = SYSTEM) -> Contact:
    """
    Make one person of two: ``into`` stays, with its own values where it has any; ``source`` becomes a tombstone.

    Sessions, conversations, messages and ratings move over. Raises NotFound for people of two environments, Invalid
    for a person and themselves, ContactGone when either is a tombstone.
    """
    if source.environment_id != into.environment_id:
        raise NotFound("No such user.", param="into")
    if source.pk == into.pk:
        raise invalid("into", "A user cannot be merged into themselves.", code="same_user")
    environment = into.environment
    _take_turns(environment)
    list(
        ContactSession.of(environment)
        .filter(contact=source)
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk")
    )
    theirs = Conversation.of(environment).filter(contact=source)
    _held_conversations(theirs)
    source, into = _locked(source, into)
    talks = list(theirs.values_list("pk", flat=True))  # with what a new session began until now
    gone = source.public_id
    tombstones.absorb(source, into=into)
    _move(talks, into)
    ContactSession.of(environment).filter(contact=source).update(contact=into)
    publish(
        events.about(into, events.UserMerged, livemode=environment.livemode, actor=actor, merged_user_id=gone)
    )  # fmt: skip
    return into


@transaction.atomic
def _prove(session: ContactSession, external_id: str) -> ContactSession:
    _take_turns(session.environment)
    session = _held(session)
    contact, environment = session.contact, session.environment
    if contact.external_id not in {None, external_id}:
        raise SignatureMismatch
    if contact.external_id is None:
        owner = contacts.find_by_identity(environment, {"external_id": external_id})
        if ContactSession.of(environment).filter(contact=contact).exclude(pk=session.pk).exists():
            _part(session, owner or contacts.create(environment=environment, fields={"external_id": external_id},
                                                    actor=Actor("user")))  # fmt: skip
        elif owner is not None:
            session.contact = merge(source=contact, into=owner, actor=Actor("user", owner.public_id))
    return sessions.verify(session=session, external_id=external_id)


@transaction.atomic
def _describe(
    session: ContactSession, fields: Mapping[str, Any], joins: Collection[str], signed: Collection[str]
) -> Contact:  # fmt: skip
    if fields.get("email") or fields.get("phone_number"):
        _take_turns(session.environment)
    session = _held(session)
    contact = session.contact
    if contact.verified and not session.verified:
        return contact
    wanted = dict(fields)
    for name in ADDRESSES:
        owner = contacts.find_by_identity(contact.environment, {name: wanted.get(name)})
        if owner is None or owner.pk == contact.pk:
            continue
        if session.verified and name in joins and _may_be_claimed(owner) and _agrees(owner, fields):
            contact = merge(source=contact, into=owner, actor=Actor("user", owner.public_id))
        elif not (session.verified and name in signed and _gives_up(owner, _among(fields, signed), to=contact)):
            del wanted[name]
    return contacts.update(contact=contact, fields=wanted, actor=Actor("user", contact.public_id))


def _among(fields: Mapping[str, Any], signed: Collection[str]) -> dict[str, str]:
    return {name: fields[name] for name in ADDRESSES if name in signed and fields.get(name)}


def _gives_up(owner: Contact, addresses: Mapping[str, str], *, to: Contact) -> bool:
    """
    Take addresses away from a record that only claimed them; False where it is more than a claim.

    What the business wrote to them by a provider goes along: it was meant for whoever is there.
    """
    owner.environment = to.environment
    theirs = ContactSession.of(to.environment).filter(contact=owner).select_related("inbox").order_by("pk")
    written = [each.pk for each in theirs.select_for_update(of=("self",), no_key=True) if _is_at(each, addresses)]
    talks = _held_conversations(Conversation.of(to.environment).filter(session__in=written))
    owner = contacts.lock(owner)
    if not claims.is_only_claimed(owner):
        return False
    lost = [name for name, value in addresses.items() if getattr(owner, name) == value]
    contacts.update(contact=owner, fields=dict.fromkeys(lost), actor=Actor("user", to.public_id))
    ContactSession.of(to.environment).filter(pk__in=written).update(contact=to, updated_at=timezone.now())
    _move(talks, to)
    return True


def _is_at(session: ContactSession, addresses: Mapping[str, str]) -> bool:
    """Whether a session is at one of these addresses, as its provider writes them."""
    channel = channels.find(session.inbox.channel)
    written = (channel.address(each, session.inbox.settings) for each in addresses.values())
    return not channel.clients_sign and session.source_id in written


def _take_turns(environment: Environment) -> None:
    """Wait for whoever is merging in this environment, and let others wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [MERGES, environment.pk])


def _held(session: ContactSession) -> ContactSession:
    """
    Return the session as it stands now, locked. Raises NotFound, ContactGone when its person was erased meanwhile.

    Its person is asked for afterwards: a join would show whom the session belonged to before the lock was waited for.
    """
    held = ContactSession.of(session.environment).select_for_update(no_key=True).filter(pk=session.pk).first()
    if held is None:
        raise NotFound("No such session.", param="source_id")
    if held.contact.is_gone:
        raise ContactGone(held.contact.merged_into_id)
    held.environment = held.contact.environment = session.environment
    held.inbox = session.inbox
    return held


def _part(session: ContactSession, owner: Contact) -> None:
    """Give one session of a shared record, with what was said in it, to somebody else."""
    owner.environment = session.environment
    talks = _held_conversations(Conversation.of(session.environment).filter(session=session))
    _move(talks, owner)
    session.contact = owner
    session.updated_at = timezone.now()
    session.save(update_fields=["contact", "updated_at"])


def _held_conversations(talks: QuerySet[Conversation]) -> list[int]:
    return list(talks.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _move(talks: list[int], owner: Contact) -> None:
    Conversation.of(owner.environment).filter(pk__in=talks).update(contact=owner, updated_at=timezone.now())
    Message.of(owner.environment).filter(conversation__in=talks).update(contact=owner)
    SurveyAnswer.of(owner.environment).filter(conversation__in=talks).update(contact=owner)


def _locked(source: Contact, into: Contact) -> tuple[Contact, Contact]:
    """Lock two people in the order of their ids, so that two merges never wait for each other."""
    rows = (
        Contact.of(into.environment).filter(pk__in=(source.pk, into.pk)).select_for_update(no_key=True).order_by("pk")
    )
    held = {row.pk: row for row in rows}
    for contact in held.values():
        contact.environment = into.environment
        if contact.is_gone:
            raise ContactGone(contact.merged_into_id)
    return held[source.pk], held[into.pk]


def _may_be_claimed(owner: Contact) -> bool:
    """
    Whether somebody verified may take over a record by naming its e-mail address or phone number.

    The signature proves their own id and nothing else: a record somebody has ever written from stays theirs.
    """
    has_a_life = (
        ContactSession.of(owner.environment).filter(contact=owner).exists()
        or Conversation.of(owner.environment).filter(contact=owner).exists()
    )
    return owner.external_id is None and not owner.verified and not has_a_life


def _agrees(owner: Contact, fields: Mapping[str, Any]) -> bool:
    """Whether a record found by one identity does not contradict the e-mail address that was given."""
    return not owner.email or owner.email == (fields.get("email") or owner.email).strip().lower()
