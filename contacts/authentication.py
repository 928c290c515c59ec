"""Session tokens: whose browser or app calls the SDK's door."""

import time
from dataclasses import dataclass, field

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from contacts import queries
from contacts.errors import IdentityRequired, SessionEnded
from contacts.models import ContactSession
from contacts.signing import tokens
from contacts.signing.tokens import SessionToken
from core.errors import NotAuthenticated


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person in front of a browser or an app, and what the token they showed vouches for."""

    session: ContactSession
    token: SessionToken
    is_authenticated: bool = field(default=True)


class BearerSession(BaseAuthentication):
    """``Authorization: Bearer dxs_...`` (RFC 6750 section 2.1)."""

    is_patient = False  # whether a token may have expired

    def authenticate(self, request: Request) -> tuple[Visitor, SessionToken]:
        """
        Return the visitor and bind the connection to their environment.

        Raises NotAuthenticated, SessionExpired, SessionEnded, and IdentityRequired where the inbox has come to insist.
        """
        scheme, _, plain = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not plain.strip():
            words = "Open a session (POST /client/v1/sessions) and send its token: Authorization: Bearer dxs_..."
            raise NotAuthenticated(words, code="missing_token")
        token = tokens.read(plain.strip(), now=0 if self.is_patient else time.time())
        session = queries.enter_by_token(token)
        if session is None:
            raise SessionEnded("This session is over: signed out, erased, or its inbox closed. Open a new one.")
        if session.inbox.hmac_mandatory and not session.verified:
            words = "This inbox opens only for who proves to be somebody: open a session with an identity."
            raise IdentityRequired(words)
        return Visitor(session, token), token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  DRF's signature
        """Name the scheme, so that DRF answers 401 and not 403."""
        return 'Bearer realm="dexra"'


class LateBearerSession(BearerSession):
    """Takes an expired token too, while its session goes on: whoever comes to end that may be late."""

    is_patient = True
