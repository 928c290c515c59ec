"""Sessions: the places a person writes from, and proof of whose they are."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Environment
from contacts import events, queries
from contacts.errors import AlreadyTaken, ContactGone
from contacts.models import Contact, ContactSession
from contacts.services import contacts, races
from core import bodies, ids
from core.errors import invalid
from events.event import Actor
from events.log import publish
from inboxes.errors import SignatureMismatch
from inboxes.models import Inbox

# Somebody may open the same session, make this person or merge them at this very moment: then there is one to find.
OVERTAKEN = (AlreadyTaken, ContactGone, IntegrityError)


def open_session(
    *, inbox: Inbox, source_id: str = "", fields: Mapping[str, Any], verified: bool = False,
    dialect: str = ContactSession.Dialect.CHATWOOT,
) -> ContactSession:  # fmt: skip
    """
    Return the session with this ``source_id``, opening it when it is new.

    A new session belongs to the person with the given external id, e-mail address or phone number, or to a new one.
    ``verified`` says that the external id was proved (without one: whatever else identifies them). A proved external
    id leads to its own person only, never to one who merely has the e-mail address that was given too; an unsigned
    claim of a verified person's identity gets a person of its own. ``dialect`` is what a new session is told in.
    Raises Invalid.
    """
    if not bodies.is_storable(source_id):
        raise invalid("source_id", "source_id must not contain a NUL character.", code="invalid_characters")
    if len(source_id) > 255:
        raise invalid("source_id", "source_id has at most 255 characters.", code="too_long", limit=255)
    begun = {"source_id": source_id or str(uuid.uuid4()), "verified": verified, "dialect": dialect}
    return races.again(lambda: _open(inbox, fields, begun), after=OVERTAKEN)


@transaction.atomic
def verify(*, session: ContactSession, external_id: str) -> ContactSession:
    """
    Mark a session as proved to be ``external_id``'s; the hash was checked before.

    The proof counts for that person alone: a session of somebody with another external id is refused with
    SignatureMismatch. A person without one takes it on. Raises AlreadyTaken when another record has it (the caller
    may merge the two).
    """
    contact = contacts.lock(session.contact)
    if contact.external_id not in {None, external_id}:
        raise SignatureMismatch
    contact = contacts.update(
        contact=contact,
        fields={"external_id": external_id, "verified": True},
        actor=Actor("user", contact.public_id),
    )
    session.contact = contact
    if not session.verified:
        session.verified = True
        session.updated_at = timezone.now()
        session.save(update_fields=["verified", "updated_at"])
    return session


def speak(session: ContactSession, dialect: str) -> None:
    """Tell a session what happens in that dialect from now on."""
    if session.dialect != dialect:
        session.dialect = dialect
        ContactSession.of(session.environment).filter(pk=session.pk).update(dialect=dialect)


@transaction.atomic
def end(session: ContactSession) -> None:
    """
    Sign a session out: its tokens, its ``source_id`` and its place on the cable are worth nothing any more.

    The person stays, and so does what they said; who proves to be them sees it in their next session.
    """
    session.source_id, session.pubsub_token, session.updated_at = str(uuid.uuid4()), ids.new_token(), timezone.now()
    session.save(update_fields=["source_id", "pubsub_token", "updated_at"])
    publish(events.signed_out(session))


@transaction.atomic
def renew(session: ContactSession) -> None:
    """
    End what was handed out before somebody proved who they are: the tokens, and the place on the cable.

    Whoever had the device before them, or gave them its ``source_id``, would read along otherwise.
    """
    session.pubsub_token, session.updated_at = ids.new_token(), timezone.now()
    session.save(update_fields=["pubsub_token", "updated_at"])
    publish(events.proved(session))


@transaction.atomic
def session_in(*, inbox: Inbox, contact: Contact) -> ContactSession:
    """
    Return where a person can be reached in an inbox, for a business that writes first; opened if they were never there.

    A verified person is only reached where they have proved who they are: what is said to them must not appear in
    front of somebody who merely claimed their name. Raises ContactGone.
    """
    session = _latest(inbox, contact)
    if session is None:
        contact = contacts.lock(contact)  # nobody erases or merges them away unseen, nobody opens a second one
        session = _latest(inbox, contact) or ContactSession.unscoped.create(
            environment=inbox.environment, inbox=inbox, contact=contact, source_id=str(uuid.uuid4()),
            verified=contact.verified,  # its source id is known to nobody but the business
        )  # fmt: skip
    session.environment, session.inbox, session.contact = inbox.environment, inbox, contact
    return session


@transaction.atomic
def _open(inbox: Inbox, fields: Mapping[str, Any], begun: Mapping[str, Any]) -> ContactSession:
    known = queries.find_session(inbox, begun["source_id"])
    if known is not None and (begun["verified"] or not known.wants_proof):
        return known
    if known is not None:
        begun = {**begun, "source_id": str(uuid.uuid4())}
    contact = _person(inbox.environment, fields, verified=begun["verified"])
    session: ContactSession = ContactSession.unscoped.create(
        environment=inbox.environment, inbox=inbox, contact=contact, **begun
    )
    return session


def _person(environment: Environment, fields: Mapping[str, Any], *, verified: bool) -> Contact:
    external_id = fields.get("external_id")
    proved = {"external_id": external_id} if verified and external_id else fields
    known = contacts.find_by_identity(environment, proved)
    if known is not None and (verified or not known.verified):
        known.environment = environment
        return contacts.lock(known)  # nobody merges them away while the session is made
    if verified:
        fields = {**_without_taken(environment, fields), "verified": True}
    elif known is not None:
        # Somebody verified owns this identity and the caller has not proved to be them.
        fields = {key: value for key, value in fields.items() if key not in contacts.IDENTITIES}
    return contacts.create(environment=environment, fields=fields, actor=Actor("user"))


def _without_taken(environment: Environment, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields without an e-mail address or phone number that is somebody else's."""
    return {
        name: value
        for name, value in fields.items()
        if name not in {"email", "phone_number"} or contacts.find_by_identity(environment, {name: value}) is None
    }


def _latest(inbox: Inbox, contact: Contact) -> ContactSession | None:
    known = ContactSession.of(inbox.environment).filter(inbox=inbox, contact=contact)
    return (known.filter(verified=True) if contact.verified else known).order_by("-id").first()
