"""Who a message is for: what a caller calls them becomes a person, and an address on the channel."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers

from contacts import queries
from contacts.errors import ContactGone
from contacts.models import Contact, ContactSession
from contacts.services import addresses, attributes
from core import ids
from core.errors import Invalid, Problem, invalid
from inboxes import channels
from inboxes.channels import phones
from inboxes.channels.base import Channel
from inboxes.models import Inbox
from outbound.services import magic

FIELD = "recipient_id"
LOOKS_LIKE_PHONE = re.compile(r"\+[\d\s().-]*|[\d(][\d\s().-]{5,}", re.ASCII)
MADE_HERE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
POSSIBLE = phonenumbers.ValidationResult
REASONS = {
    POSSIBLE.TOO_SHORT: "it is too short",
    POSSIBLE.TOO_LONG: "it is too long",
    POSSIBLE.INVALID_COUNTRY_CODE: "no country has this code",
    POSSIBLE.INVALID_LENGTH: "no number of this country has so many digits",
    POSSIBLE.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """
    Who gets a message in an inbox.

    ``address`` is in the channel's own words, empty on the cable. Without a ``contact`` it is somebody new, to be made
    of ``address`` or, on the cable, of ``identity``. ``is_exact`` says that this very address was asked for.
    """

    inbox: Inbox
    address: str = ""
    contact: Contact | None = None
    session: ContactSession | None = None
    identity: tuple[str, str] | None = None
    is_exact: bool = False


def find(inbox: Inbox, name: str) -> Recipient:
    """
    Return whom ``name`` means in an inbox: a phone number, an e-mail address, a ``usr_`` id, the customer's own id or
    the channel's.

    Raises Invalid where that is nobody, cannot be reached there, or may mean two people; ContactGone.
    """
    return _carried(inbox, name.strip()) if channels.find(inbox.channel).is_carried else _on_cable(inbox, name.strip())


def same_person(inbox: Inbox, contact: Contact | None, name: str) -> Recipient:
    """Return where the person of another inbox is reached in this one, for the next step of a chain. Raises Invalid."""
    return find(inbox, name) if contact is None else _of_person(inbox, contact)


def warnings(recipient: Recipient) -> Iterator[dict[str, str]]:
    """Yield what is odd about an address that is taken all the same."""
    forced = magic.outcome_of(recipient.address, livemode=recipient.inbox.environment.livemode)
    if recipient.address.startswith("+") and not forced:
        number = phonenumbers.parse(recipient.address, None)
        if not phonenumbers.is_valid_number(number):
            yield {"code": "unusual_number", "message": "No numbering plan known here has this number; it is tried."}


def _carried(inbox: Inbox, name: str) -> Recipient:
    channel, known = channels.find(inbox.channel), _known(inbox, name)
    address = channel.address(name, inbox.settings)
    forced = magic.outcome_of(address or name, livemode=inbox.environment.livemode)
    if forced and "native" in channel.limits(inbox.settings).recipients:
        address = address or name.lower()  # what is no chat or page id can be written to in the sandbox
    session = queries.find_session(inbox, address) if address is not None else None
    there = session.contact if session else addresses.owner_of(inbox.environment, address or "")
    if known is not None:
        if there is not None and there.pk != known.pk and ids.decode("usr", name) != known.pk:
            raise _ambiguous(name, known, there)
        if address is not None and (attributes.is_e164(address) or attributes.is_email(address)):
            # Some call people by their phone number or e-mail address: then that is where they want to reach them.
            return Recipient(inbox, address, known, session, is_exact=True)
        return _of_person(inbox, known)
    if address is not None:
        if forced == "invalid":
            raise invalid(FIELD, "This recipient of the sandbox is always invalid.", code="invalid_recipient")
        return Recipient(inbox, address, there or _spelt_otherwise(inbox, address), session, is_exact=True)
    owner = addresses.owner_of(inbox.environment, _tidy(name))  # an e-mail address names somebody on the phone, too
    if owner is not None:
        return _of_person(inbox, owner)
    raise _unusable(inbox, channel, name)


def _spelt_otherwise(inbox: Inbox, address: str) -> Contact | None:
    """Return whose number it is, where their network writes it otherwise; the message goes to it as it was given."""
    for number in phones.variants(address):
        session = queries.find_session(inbox, number)
        owner = session.contact if session else addresses.owner_of(inbox.environment, number)
        if owner is not None:
            return owner
    return None


def _on_cable(inbox: Inbox, name: str) -> Recipient:
    known, session = _known(inbox, name), queries.find_session(inbox, name)
    if known is not None:  # whatever a browser calls itself
        return Recipient(inbox, contact=known)
    if session is not None and (session.verified or _is_made_here(name)):
        return Recipient(inbox, contact=session.contact, session=session, is_exact=True)
    address = _tidy(name)
    if owner := addresses.owner_of(inbox.environment, address):
        return Recipient(inbox, contact=owner)
    if attributes.is_e164(address):
        if phones.e164(address) is None:
            raise _no_number(name)
        return Recipient(inbox, identity=("phone_number", address))
    if attributes.is_email(address):
        return Recipient(inbox, identity=("email", address))
    raise _unusable(inbox, channels.find(inbox.channel), name)


def _is_made_here(source_id: str) -> bool:
    """Whether we made a source id. Browsers may choose theirs, and with it the id of somebody not known here yet."""
    return MADE_HERE.fullmatch(source_id) is not None


def _of_person(inbox: Inbox, contact: Contact) -> Recipient:
    """Return a person that is known, where they are in this inbox. Raises Invalid."""
    if not channels.find(inbox.channel).is_carried:
        return Recipient(inbox, contact=contact)
    address = addresses.address_in(inbox, contact)
    if address is None:
        there = ", ".join(_places(contact)) or "nowhere yet"
        raise invalid(
            FIELD,
            f"{contact.public_id} has no address on the {inbox.channel} channel and never wrote to this inbox; "
            f"they can be reached by: {there}.",
            code="recipient_not_reachable",
        )
    return Recipient(inbox, address, contact, queries.find_session(inbox, address))


def _known(inbox: Inbox, name: str) -> Contact | None:
    """Return whom an id names. Raises ContactGone."""
    contact = queries.named(inbox.environment, name)
    if contact is not None and contact.is_gone:
        raise ContactGone(contact.merged_into_id)
    return contact


def _tidy(name: str) -> str:
    if "@" in name[1:]:
        return name.lower()
    return (attributes.tidy_phone_number(name) or name) if name.startswith("+") else name


def _places(contact: Contact) -> Iterator[str]:
    """Yield the channels on which somebody has been, and what they can be called or written to by."""
    sessions = ContactSession.of(contact.environment).filter(contact=contact, inbox__deleted_at=None)
    yield from sessions.order_by("inbox__channel").values_list("inbox__channel", flat=True).distinct()
    yield from (word for word, value in (("phone", contact.phone_number), ("e-mail", contact.email)) if value)


def _ambiguous(name: str, known: Contact, other: Contact) -> Invalid:
    words = (
        f"{name[:80]!r} may mean two people: it is the id of {known.public_id}, and an address of {other.public_id}. "
        "Say which by its usr_ id."
    )
    return invalid(FIELD, words, code="ambiguous_recipient")


def _unusable(inbox: Inbox, channel: Channel, name: str) -> Invalid:
    """Return the error of a name that is nobody's, with the most that can be said about why."""
    wanted = channel.limits(inbox.settings).recipients
    if "phone" in wanted and LOOKS_LIKE_PHONE.fullmatch(name):
        return _no_number(name)
    if "email" in wanted and "@" in name:
        return invalid(FIELD, f"{name[:80]!r} is no e-mail address.", code="invalid_recipient")
    kinds = {"phone": "a phone number (+212600000001)", "email": "an e-mail address", "native": "the channel's own id"}
    takes = ", ".join(kinds[kind] for kind in ("phone", "email", "native") if kind in wanted)
    words = (
        f"There is no user {name[:80]!r}, and it is no address of the {inbox.channel} channel. Give "
        f"{takes + ', ' if takes else ''}a usr_ id or your own id of somebody known (PUT /v1/users/{{your own id}})."
    )
    return invalid(FIELD, words, code="recipient_not_reachable")


def _no_number(name: str) -> Invalid:
    words = f"{name[:80]!r} is no phone number: {_wrong_with_number(name)}. In E.164 form: +212600000001."
    return Invalid(Problem(FIELD, "invalid_recipient", words))


def _wrong_with_number(text: str) -> str:
    if not text.startswith("+"):
        return "it has no country code with a + before it"
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as wrong:
        return "no country has this code" if wrong.error_type == wrong.INVALID_COUNTRY_CODE else "it is too short"
    return REASONS.get(phonenumbers.is_possible_number_with_reason(number), "it is not written as one")
