"""
Session tokens: what a browser or an app shows with each request at the SDK's door.

A token names its session and environment and is signed with the installation's secret, so that it is known for ours
before the database is asked anything. The row has the last word: the seal in the token is of the session's
``pubsub_token``, and changes when the session ends.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

from django.core import signing

from contacts.errors import SessionExpired
from contacts.models import ContactSession
from core import crypto

PREFIX = "dxs_"
LONGEST = 6000
SEAL_LENGTH = 16
MARK_BYTES = 6
MOST_CUSTOM = 200  # more are not kept of anybody, and a token that marks them all is taken by no proxy
ANEW = "Open the session again: POST /client/v1/sessions."

_signer = signing.Signer(salt="contacts.session", sep=".")


@dataclass(frozen=True, slots=True)
class SessionToken:
    """What a token says; ``signed`` are the marks of attributes that the business's server vouched for."""

    environment_id: int
    session_id: int
    seal: str
    expires_at: int  # unix seconds
    signed: frozenset[str] = frozenset()

    def vouches_for(self, path: str) -> bool:
        """Whether an attribute (``email``, ``custom_attributes.plan``) was signed, so that a page cannot change it."""
        return mark(path) in self.signed

    def fits(self, session: ContactSession) -> bool:
        """Whether the session is still the one the token was made for."""
        return crypto.same(self.seal, seal(session))


def write(token: SessionToken) -> str:
    """Return a token as a browser keeps it."""
    said = [token.environment_id, token.session_id, token.seal, token.expires_at, "".join(sorted(token.signed))]
    return PREFIX + _signer.sign_object(said)


def read(text: str, *, now: float) -> SessionToken:
    """Return what a token says. Raises SessionExpired, for what is none of ours too."""
    if not text.startswith(PREFIX) or len(text) > LONGEST or not text.isascii():
        raise SessionExpired(f"This is no session token. {ANEW}")
    try:
        environment_id, session_id, seal_, expires_at, marks = _signer.unsign_object(text.removeprefix(PREFIX))
    except (signing.BadSignature, ValueError):
        raise SessionExpired(f"This session token is none of ours, or was not copied whole. {ANEW}") from None
    if expires_at <= now:
        raise SessionExpired(f"This session token has expired. {ANEW}")
    width = len(mark(""))
    signed = frozenset(marks[start : start + width] for start in range(0, len(marks), width))
    return SessionToken(environment_id, session_id, seal_, expires_at, signed)


def seal(session: ContactSession) -> str:
    """Return what a session's tokens carry of it; no token tells the secret it is made of."""
    return crypto.hmac_hex(session.pubsub_token, "session")[:SEAL_LENGTH]


def marks(attributes: Mapping[str, Any]) -> frozenset[str]:
    """Return the marks of every attribute that is set; each custom attribute has one of its own."""
    return frozenset(map(mark, paths(attributes)))


def paths(attributes: Mapping[str, Any]) -> Iterable[str]:
    """Yield how attributes are called: ``email``, ``custom_attributes.plan``."""
    for name, value in attributes.items():
        if name == "custom_attributes":
            yield from (f"{name}.{key}" for key in islice(value, MOST_CUSTOM))
        else:
            yield name


def mark(path: str) -> str:
    """Return a few characters that stand for an attribute: names may be long, and a token goes with each request."""
    return urlsafe_b64encode(sha256(path.encode()).digest()[:MARK_BYTES]).decode()
