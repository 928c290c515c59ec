"""Who is in front of the page: the session is opened, its person described, and signed out."""

import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import enter_by_publishable_key
from accounts.models import Environment
from contacts import queries
from contacts.authentication import LateBearerSession
from contacts.errors import InvalidIdentity
from contacts.models import ContactSession
from contacts.services import sessions
from contacts.signing import identities, tokens
from contacts.signing.identities import Identity
from contacts.signing.tokens import SessionToken
from conversations.api.client import inputs, shapes
from conversations.api.client.door import ClientView, OpenView
from conversations.client import client_inbox, client_user
from conversations.queries import unread_total
from conversations.services import automatic, changes, staffing, visits
from core import ids, throttle
from core.errors import NotFound, invalid
from core.shapes import Error
from core.times import iso
from inboxes import channels
from inboxes.errors import SignatureMismatch
from inboxes.models import Inbox
from inboxes.queries import enter_by_identifier, inboxes_for_browsers
from inboxes.services import inboxes

NEW_SESSIONS_A_MINUTE = 60  # of one address at one inbox, as at the compatible door
WAY_OUT = "Look it up in the inbox's settings (identifier), or send a publishable_key."


class Sessions(OpenView):
    """``/client/v1/sessions``"""

    @extend_schema(
        operation_id="open_client_session", tags=["Client"], request=inputs.OpenSession,
        responses={200: shapes.SessionShape, 201: shapes.SessionShape, 401: Error, 404: Error},
    )  # fmt: skip
    def post(self, request: Request) -> Response:  # noqa: ARG002
        """
        Open a session, or go on with the one this device had.

        Name the inbox by its identifier, or send a publishable key of an environment with one web inbox. `identity`
        proves who it is: a JWT your server signed with the inbox's `hmac_token` (HS256; `sub`, and `exp` at most 7 days
        away), or `identifier` with its `identifier_hash`. `attributes` are what the page says of its user; what of them
        changes nothing is told in `ignored`. The token lasts an hour; `source_id` opens the session again.
        """
        said = self.parse(inputs.OpenSession)
        inbox = self._inbox(said)
        self.check_origin(inbox)
        source_id = said.get("source_id", "")
        self._count_new(inbox, is_known=queries.find_session(inbox, source_id) is not None)
        identity = _identity(inbox, said.get("identity"))
        visit = visits.open_visit(inbox=inbox, source_id=source_id, identity=identity, said=_attributes(said))
        shown = {**_opened(visit.session, identity), "ignored": [each.as_json() for each in visit.ignored]}
        return Response(shown, status=status.HTTP_201_CREATED if visit.is_new else status.HTTP_200_OK)

    def _inbox(self, said: dict[str, Any]) -> Inbox:
        """Return the inbox a request names, its tenant bound. Raises NotFound, Invalid, NotAuthenticated."""
        self.count(self.limit_everywhere)  # guessing identifiers costs something
        identifier, key = said.get("inbox", ""), said.get("publishable_key", "")
        if not identifier and not key:
            raise invalid("inbox", "Name the inbox by its identifier, or send a publishable_key.", code="required")
        environment = enter_by_publishable_key(key) if key else None
        if environment is not None and not identifier:
            return self._only_inbox(environment)
        is_name = len(identifier) <= ids.TOKEN_LENGTH and identifier.isascii() and identifier.isalnum()
        inbox = enter_by_identifier(identifier) if is_name else None
        is_ours = inbox is not None and channels.find(inbox.channel).clients_sign
        if inbox is None or not is_ours or (environment is not None and inbox.environment_id != environment.pk):
            raise NotFound(f"There is no inbox {identifier[:40]!r}. {WAY_OUT}", code="inbox_not_found", param="inbox")
        return inbox

    def _only_inbox(self, environment: Environment) -> Inbox:
        found = inboxes_for_browsers(environment)
        if len(found) != 1:
            why = "has several" if found else "has no"
            raise invalid("inbox", f"This environment {why} inbox for browsers; name the inbox.", code="required")
        found[0].environment = environment
        return found[0]

    def _count_new(self, inbox: Inbox, *, is_known: bool) -> None:
        """Count the request; who makes new people may do so less often. Raises TooMany."""
        new = throttle.Limit(f"client:new:{inbox.identifier}:{self.address}", NEW_SESSIONS_A_MINUTE)
        self.count(self.limit_of(inbox) if is_known else new)


class MySession(ClientView):
    """``/client/v1/session``"""

    authentication_classes = (LateBearerSession,)
    is_open_to_blocked = True

    @extend_schema(operation_id="end_client_session", tags=["Client"], responses={204: None})
    def delete(self, request: Request) -> Response:  # noqa: ARG002
        """
        Sign out: this session's tokens end, and its cable.

        The person stays, and what they said; who proves to be them sees it in their next session. A token that has
        expired does as well.
        """
        sessions.end(self.session)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Me(ClientView):
    """``/client/v1/me``"""

    @extend_schema(operation_id="get_client_user", tags=["Client"], responses=shapes.ClientUser)
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """Look up the person in front of the page."""
        return Response(client_user(self.session.contact))

    @extend_schema(
        operation_id="update_client_user", tags=["Client"], request=inputs.ChangeMe, responses=shapes.ChangedUser
    )
    def patch(self, request: Request) -> Response:  # noqa: ARG002
        """
        Say more of the person.

        What is empty changes nothing, and custom attributes are added to those there are. What your server signed stays
        as it is; an address that is somebody else's is not taken. Fires one `user_updated`, none when nothing changed.
        """
        contact, ignored = visits.describe(session=self.session, said=self.parse(inputs.ChangeMe), token=self.token)
        return Response({**client_user(contact), "ignored": [each.as_json() for each in ignored]})


def _identity(inbox: Inbox, said: dict[str, Any] | None) -> Identity | None:
    """Return whom a request proves to come from. Raises InvalidIdentity."""
    if not said:
        return None
    if "token" in said:
        return identities.read(said["token"], inbox.signing_tokens, param="identity.token")
    identifier, given = said["identifier"], said["identifier_hash"]
    try:
        inboxes.check_identity(inbox, identifier=identifier, identifier_hash=given)
    except SignatureMismatch:
        words = "identifier_hash is the HMAC-SHA256 of the identifier with this inbox's hmac_token, in lower-case hex."
        raise InvalidIdentity(words, param="identity.identifier_hash") from None
    return Identity(identifier)


def _attributes(said: dict[str, Any]) -> dict[str, Any]:
    """Return what a page says of its user; its own language counts where it names no other."""
    found = dict(said.get("attributes") or {})
    if said.get("locale") and not found.get("language"):
        found["language"] = said["locale"]
    return found


def _opened(session: ContactSession, identity: Identity | None) -> dict[str, Any]:
    inbox, expires_at = session.inbox, int(time.time()) + settings.CLIENT_SESSION_SECONDS
    position = changes.latest(session)
    signed = tokens.marks(identity.attributes) if identity else frozenset[str]()
    token = SessionToken(session.environment_id, session.pk, tokens.seal(session), expires_at, signed)
    is_open = not inbox.working_hours_enabled or automatic.is_open(inbox, timezone.now())
    agents = staffing.agents_online(session.environment_id)
    return {
        "object": "session",
        "token": tokens.write(token),
        "expires_at": iso(datetime.fromtimestamp(expires_at, UTC)),
        "source_id": session.source_id,
        "pubsub_token": session.pubsub_token,
        "cable_url": settings.BASE_URL.replace("http", "ws", 1) + "/cable",
        "livemode": inbox.environment.livemode,
        "user": client_user(session.contact),
        "inbox": client_inbox(inbox, is_open=is_open, agents_online=agents),
        "unread_count": unread_total(session),
        "position": str(position),
    }
