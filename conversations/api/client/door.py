"""
What every request of the SDK's door goes through: its origin, its session, its limits, and who may write.

No cookie is ever looked at. Which pages may talk to an inbox is the inbox's to say; the answer can be read by the page
that asked in any case, or nobody could tell why nothing works there.
"""

from collections.abc import Sequence
from typing import Any, cast

import structlog
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.views import SAFE_METHODS, JsonView
from contacts.authentication import BearerSession, Visitor
from contacts.models import ContactSession
from contacts.signing.tokens import SessionToken
from conversations.errors import ContactBlocked
from conversations.models import Conversation
from conversations.queries import conversations_for
from core import ids, throttle
from core.errors import NotAllowed, NotFound
from events.event import Actor
from inboxes.channels import origins
from inboxes.models import Inbox

REQUESTS_A_MINUTE = 600  # of one session, and of one address to one inbox
REQUESTS_A_MINUTE_EVERYWHERE = 3000  # of one address to all inboxes, as at the compatible door
PREFLIGHT_SECONDS = 7200
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Request-Id, Retry-After, Idempotent-Replayed, Dexra-Version",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
}


class OpenView(JsonView):
    """A door that any page may knock at: it has no session yet."""

    authentication_classes: Sequence[type[BaseAuthentication]] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let a browser ask first (CORS); nothing else of such a request means anything."""
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)

    def options(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> Response:
        """Tell a browser what it may send."""
        asked = request.headers.get("Access-Control-Request-Headers", "Authorization, Content-Type")
        return Response(status=204, headers={**PREFLIGHT, "Access-Control-Allow-Headers": asked})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Let the page that asked read the answer, an error too."""
        answered = super().finalize_response(request, response, *args, **kwargs)
        for name, value in CORS.items():
            answered[name] = value
        return answered

    def check_origin(self, inbox: Inbox) -> None:
        """Refuse a page that the inbox does not know. Raises NotAllowed."""
        origin = self.request.headers.get("Origin")
        if not origins.origin_allowed(origin, origins.allowed_origins(inbox.settings)):
            words = f"Pages of {(origin or '')[:200]} may not talk to this inbox: they are not in its allowed_origins."
            raise NotAllowed(words, code="origin_not_allowed")

    def limit_of(self, inbox: Inbox) -> throttle.Limit:
        """Return how much one address may ask of an inbox."""
        return throttle.Limit(f"client:i{inbox.pk}:{self.address}", REQUESTS_A_MINUTE)

    @property
    def limit_everywhere(self) -> throttle.Limit:
        """How much one address may ask of all inboxes together."""
        return throttle.Limit(f"client:{self.address}", REQUESTS_A_MINUTE_EVERYWHERE)

    @property
    def address(self) -> str:
        """Where the caller is, as the middleware found it."""
        return str(getattr(self.request, "client_ip", ""))


class ClientView(OpenView):
    """A door into one person's conversations, opened by their session's token."""

    authentication_classes = (BearerSession,)
    is_open_to_blocked = False

    session: ContactSession
    token: SessionToken

    def perform_authentication(self, request: Request) -> None:
        """Find out whose session it is, from where, and whether they may do this."""
        super().perform_authentication(request)
        visitor = cast("Visitor", request.user)
        self.session, self.token = visitor.session, visitor.token
        structlog.contextvars.bind_contextvars(environment=self.session.environment_id, session=self.session.pk)
        self.check_origin(self.session.inbox)
        own = throttle.Limit(f"session:{self.session.pk}", REQUESTS_A_MINUTE)
        self.count(own, self.limit_of(self.session.inbox), self.limit_everywhere)
        is_writing = request.method not in SAFE_METHODS and not self.is_open_to_blocked
        if is_writing and self.session.contact.blocked:
            raise ContactBlocked("You cannot write here any more: what was said before can still be read.")

    def conversation(self, conversation_id: str) -> Conversation:
        """Return the conversation of that id, if it is this person's to see. Raises NotFound."""
        row = ids.decode("conv", conversation_id)
        found = conversations_for(self.session).filter(pk=row).first() if row is not None else None
        if found is None:
            words = f"There is no conversation {conversation_id[:80]!r} of this user; GET /client/v1/conversations."
            raise NotFound(words, code="conversation_not_found", param="id")
        return found

    @property
    def actor(self) -> Actor:
        """The person, as events name them."""
        return Actor("user", self.session.contact.public_id)
