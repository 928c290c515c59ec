"""Finding people, and the places they write from."""

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from accounts.models import Environment
from accounts.queries import ENVIRONMENT
from contacts.models import Contact, ContactSession
from contacts.signing.tokens import SessionToken
from core import bodies, ids, tenancy
from core.rows import Shape, cut
from inboxes.models import Inbox

SESSION = Shape(ContactSession, "session")
CONTACT = Shape(Contact, "contact")
ENTERED = (Shape(Inbox, "(found.inbox)"), Shape(ContactSession, "(found.session)"), Shape(Contact, "(found.contact)"))
ENTER_BY_SESSION = f"""
SELECT {ENVIRONMENT.columns}, {", ".join(shape.columns for shape in ENTERED)}
FROM dexra_enter_by_session(%s, %s) AS found
JOIN accounts_environment AS environment ON environment.id = (found.inbox).environment_id
"""  # noqa: S608  the columns come from the models
ENTER_BY_TOKEN = f"""
SELECT {ENVIRONMENT.columns}, {", ".join(shape.columns for shape in ENTERED)}
FROM dexra_enter_by_token(%s, %s) AS found
JOIN accounts_environment AS environment ON environment.id = (found.inbox).environment_id
"""  # noqa: S608  the columns come from the models


def enter_by_session(identifier: str, source_id: str) -> tuple[Inbox | None, ContactSession | None]:
    """
    Find an inbox and a session of it by what a client knows, and bind this connection to their tenant.

    One round trip: nearly every request of the client API begins with it. No inbox, or an inbox without such a
    session, is None; so is the session of somebody who was erased or merged.
    """
    if not bodies.is_storable(source_id):
        source_id = ""  # nobody's; the inbox may still be there
    row = tenancy.enter(ENTER_BY_SESSION, [identifier, source_id])
    if row is None:
        return None, None
    environment, inbox, session, contact = cut(row, ENVIRONMENT, *ENTERED)
    inbox.environment = environment
    if session is None or contact is None:
        return inbox, None
    return inbox, _joined(session, contact, inbox)


def enter_by_token(token: SessionToken) -> ContactSession | None:
    """
    Find the session a token names, and bind this connection to its tenant, in one round trip.

    None where it is over: its inbox closed, its person erased, or signed out since the token was made.
    """
    row = tenancy.enter(ENTER_BY_TOKEN, [token.environment_id, token.session_id])
    if row is None:
        return None
    environment, inbox, session, contact = cut(row, ENVIRONMENT, *ENTERED)
    inbox.environment = environment
    return _joined(session, contact, inbox) if token.fits(session) else None


def named(environment: Environment, name: str) -> Contact | None:
    """
    Return whoever a ``usr_`` id or the customer's own id names, tombstones too.

    Their own id may look like one of ours: what names nobody here is looked up as theirs.
    """
    if not bodies.is_storable(name):
        return None
    row = ids.decode("usr", name)
    contact = Contact.of(environment).filter(pk=row).first() if row is not None else None
    if contact is None:
        theirs = Contact.of(environment).filter(Q(external_id=name) | Q(former_external_id=name))
        # Whoever was called so before is a tombstone, without an external id: they come after whoever is called so now.
        contact = theirs.order_by(F("external_id").asc(nulls_last=True), "-id").first()
    if contact is not None:
        contact.environment = environment
    return contact


def people(
    environment: Environment, *, email: str = "", phone_number: str = "", external_id: str = "", tag: str = ""
) -> QuerySet[Contact]:
    """Return an environment's people without tombstones; every filter given has to match."""
    found = Contact.of(environment).filter(erased_at=None, merged_into=None)
    if email:
        # The unique index is on lower(email); ``iexact`` would compare upper(email) and read every row.
        found = found.alias(address=Lower("email")).filter(address=email.strip().lower())
    if phone_number:
        found = found.filter(phone_number=phone_number)
    if external_id:
        found = found.filter(external_id=external_id)
    return found.filter(tags__contains=[tag]) if tag else found


def find_session(inbox: Inbox, source_id: str) -> ContactSession | None:
    """Return the inbox's session with this ``source_id``, its contact, inbox and environment loaded."""
    if not source_id or not bodies.is_storable(source_id):
        return None
    known = ContactSession.of(inbox.environment).select_related("contact")
    session = known.filter(inbox=inbox, source_id=source_id).first()
    return None if session is None or session.contact.is_gone else _joined(session, session.contact, inbox)


def _joined(session: ContactSession, contact: Contact, inbox: Inbox) -> ContactSession:
    session.contact, session.inbox = contact, inbox
    session.environment = contact.environment = inbox.environment
    return session
