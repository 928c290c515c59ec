"""
Visits: a browser or an app opens its session at the SDK's door, and says who is in front of it.

What the business's server signed is true; what the page says is only said. The page's word never makes anybody
verified, never joins two records, never takes an address that is somebody's, and changes nothing that was signed. What
was signed takes an address from whoever only said that it was theirs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from contacts import queries
from contacts.errors import ContactGone, IdentityRequired
from contacts.models import Contact, ContactSession
from contacts.services import attributes, sessions
from contacts.signing.identities import Identity
from contacts.signing.tokens import SessionToken
from conversations.services import people
from core.errors import Invalid, NotFound
from inboxes.errors import SignatureMismatch
from inboxes.models import Inbox

DIALECT = ContactSession.Dialect.DEXRA
NEED_PROOF = "Show who this is: an identity token, or identifier and identifier_hash, made by the business's server."
CUSTOM = "custom_attributes"

Made = TypeVar("Made")
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something a page said that changed nothing, and why."""

    field: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """Return ``{field, reason}``."""
        return {"field": self.field, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that was opened."""

    session: ContactSession
    is_new: bool
    ignored: list[Ignored] = field(default_factory=list)


def open_visit(*, inbox: Inbox, source_id: str, identity: Identity | None, said: Fields) -> Visit:
    """
    Open a session, or go on with the one a device had.

    ``said`` are a page's attributes; what of them cannot be kept is told, and stops nobody. Raises IdentityRequired
    where only who proves to be somebody gets in: the inbox insists, or the session was theirs.
    """
    if identity is None and inbox.hmac_mandatory:
        raise IdentityRequired(f"This inbox opens only for who proves to be somebody. {NEED_PROOF}")
    signed = dict(identity.attributes) if identity else {}
    wanted, ignored = _told(said, lambda path: _is_in(signed, path))
    known = _resumed(inbox, source_id, identity) if source_id else None
    session = known
    if session is None:
        session, refused = _begun(inbox, identity, wanted, signed)
        ignored += refused
    sessions.speak(session, DIALECT)
    _, refused = _described(session, wanted, signed)
    return Visit(_fresh(session), known is None, [*dict.fromkeys([*ignored, *refused])])


def describe(*, session: ContactSession, said: Fields, token: SessionToken) -> tuple[Contact, list[Ignored]]:
    """Change a person by what a page says of them; what was signed for this session's token stays. Raises Invalid."""
    wanted, ignored = _told(said, token.vouches_for)
    contact = people.describe(session=session, fields=wanted, joins=())
    return contact, ignored + _not_taken_over(session, contact, wanted)


def _resumed(inbox: Inbox, source_id: str, identity: Identity | None) -> ContactSession | None:
    """Return the device's session, proved where there is proof; None for nobody's, and for somebody else's."""
    session = queries.find_session(inbox, source_id)
    if session is None or identity is None:
        if session is not None and session.verified:
            raise IdentityRequired(f"This session belongs to somebody who has proved who they are. {NEED_PROOF}")
        return session
    try:
        proved = people.prove_identity(session=session, external_id=identity.external_id)
    except (SignatureMismatch, NotFound, ContactGone):
        return None  # another person's device until now: theirs stays theirs
    if not session.verified:
        sessions.renew(proved)
    return proved


def _begun(
    inbox: Inbox, identity: Identity | None, wanted: Fields, signed: Fields
) -> tuple[ContactSession, list[Ignored]]:
    """Return a new session: of whoever was proved, or of a new person that no claim leads to somebody's record."""
    claimed = {name: value for name, value in wanted.items() if name not in attributes.IDENTITIES}
    proved = {} if identity is None else {"external_id": identity.external_id}

    def act(fields: Fields) -> ContactSession:
        return sessions.open_session(inbox=inbox, fields={**fields, **proved}, verified=bool(proved), dialect=DIALECT)

    session, refused = _leniently(act, _laid_over(claimed, signed))
    if identity is not None:
        session = people.prove_identity(session=session, external_id=identity.external_id)
    return session, refused


def _described(session: ContactSession, wanted: Fields, signed: Fields) -> tuple[Contact, list[Ignored]]:
    """Change a person by what was said and signed when their session was opened, as one change."""
    fields = _laid_over(wanted, signed)
    if not fields:
        return session.contact, []
    if session.contact.blocked:
        return session.contact, [Ignored(name, "blocked") for name in wanted]

    def act(fields: Fields) -> Contact:
        return people.describe(session=session, fields=fields, joins=tuple(signed), signed=tuple(signed))

    contact, refused = _leniently(act, fields)
    kept = {name: value for name, value in fields.items() if name not in {each.field for each in refused}}
    return contact, refused + _not_taken_over(session, contact, kept)


def _leniently(act: Callable[[Fields], Made], fields: Fields) -> tuple[Made, list[Ignored]]:
    """Act; where some of the fields are refused, without those. Raises Invalid for what is about none of them."""
    try:
        return act(fields), []
    except Invalid as wrong:
        refused = {problem.field.partition(".")[0]: problem.code for problem in wrong.problems}
        rest = {name: value for name, value in fields.items() if name not in refused}
        if len(rest) == len(fields):
            raise
        return act(rest), [Ignored(name, code) for name, code in refused.items() if name in fields]


def _told(said: Fields, vouched: Callable[[str], bool]) -> tuple[dict[str, Any], list[Ignored]]:
    """Return what of a page's words may count: nothing blank, and nothing that was signed otherwise."""
    wanted = {name: value for name, value in attributes.without_nulls(said).items() if value not in ("", {})}
    ignored = [Ignored(name, "signed") for name in wanted if name != CUSTOM and vouched(name)]
    custom = wanted.get(CUSTOM, {})
    signed_keys = [key for key in custom if vouched(f"{CUSTOM}.{key}")]
    ignored += [Ignored(f"{CUSTOM}.{key}", "signed") for key in signed_keys]
    wanted = {name: value for name, value in wanted.items() if Ignored(name, "signed") not in ignored}
    if signed_keys:
        wanted[CUSTOM] = {key: value for key, value in custom.items() if key not in signed_keys}
    return wanted, ignored


def _is_in(signed: Fields, path: str) -> bool:
    name, _, key = path.partition(".")
    return name in signed and (not key or key in signed[name])


def _laid_over(said: Fields, signed: Fields) -> dict[str, Any]:
    custom = {**said.get(CUSTOM, {}), **signed.get(CUSTOM, {})}
    return {**said, **signed, **({CUSTOM: custom} if custom else {})}


def _not_taken_over(session: ContactSession, contact: Contact, wanted: Fields) -> list[Ignored]:
    """Return what a person's record did not take: an address that is somebody's, everything where proof is needed."""
    if contact.verified and not session.verified:
        return [Ignored(name, "identity_required") for name in wanted]
    asked = attributes.tidied(wanted)
    return [
        Ignored(name, "taken")
        for name in people.ADDRESSES
        if asked.get(name) and asked[name] != getattr(contact, name)
    ]  # fmt: skip


def _fresh(session: ContactSession) -> ContactSession:
    """Return the session with its person as they are now, joined with the record they turned out to be."""
    found = queries.find_session(session.inbox, session.source_id)
    if found is None:
        raise NotFound("No such session.", param="source_id")
    return found
