"""
What every request of the client API goes through: CORS, limits, its inbox, its session, and errors in foreign words.

No cookie is ever looked at, so any origin may call and there is nothing for a forged request to ride on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, wraps
from typing import Any, TypeVar

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from psycopg.errors import DeadlockDetected

from contacts.models import ContactSession
from contacts.queries import enter_by_session
from conversations.api.public import errors, parameters
from conversations.api.public.parameters import Parameters
from core import ids, throttle
from core.errors import DomainError, NotAllowed, NotFound, TooMany
from inboxes.channels import REGISTRY, origins
from inboxes.errors import SignatureMismatch
from inboxes.models import Inbox
from inboxes.queries import enter_by_identifier
from inboxes.services import inboxes

JSON = "application/json; charset=utf-8"
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After, Request-Id"}
METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD"
PREFLIGHT_SECONDS = 7200

NEW_CONTACTS_A_MINUTE = 60
REQUESTS_A_MINUTE = 600
REQUESTS_A_MINUTE_EVERYWHERE = 3000  # one address, all inboxes: guessing identifiers costs it something too


class Call:
    """One request to one inbox; ``path`` are the names in its path."""

    def __init__(
        self, request: HttpRequest, inbox: Inbox, session: ContactSession | None, path: dict[str, str]
    ) -> None:
        self.request = request
        self.inbox = inbox
        self.path = path
        self._session = session

    @cached_property
    def parameters(self) -> Parameters:
        """What the request says. Raises DomainError (400) for what cannot be read."""
        return parameters.read(self.request)

    @property
    def session(self) -> ContactSession:
        """The session the path names. Raises NotFound."""
        if self._session is None or self._session.wants_proof:
            raise NotFound("No such session.")
        return self._session

    @property
    def trusted_session(self) -> ContactSession:
        """The session, if it may speak: where the inbox insists on proof, it must have given it once."""
        if self.inbox.hmac_mandatory and not self.session.verified:
            raise SignatureMismatch
        return self.session

    @property
    def number(self) -> int:
        """The conversation's number in the path. Raises NotFound for what is none."""
        return whole_number(self.path["number"])

    def proved_identifier(self) -> str | None:
        """Return whom the request proves to come from, if it does. Raises SignatureMismatch."""
        said = self.parameters.texts("identifier", "identifier_hash")
        identifier = said.get("identifier", "")
        shown = inboxes.check_identity(
            self.inbox, identifier=identifier, identifier_hash=said.get("identifier_hash", "")
        )
        return identifier if shown else None


View = Callable[..., HttpResponse]
Action = Callable[[Call], HttpResponse]
Chosen = TypeVar("Chosen")


def inbox_resource(*, new_contacts: Action | None = None, **actions: Action) -> View:
    """
    Return the view of one path below an inbox: an action for each method in lower case.

    ``new_contacts`` is the POST that makes contacts; it has a smaller limit than everything else.
    """
    if new_contacts is not None:
        actions["post"] = new_contacts

    def view(request: HttpRequest, inbox_identifier: str, **path: str) -> HttpResponse:
        action = _action(request, actions)
        _count(request, inbox_identifier, makes_contact=action is new_contacts)
        return _patiently(lambda: action(_entered(request, inbox_identifier, path)))

    return public(view)


def resource(**actions: View) -> View:
    """Return the view of one path that names no inbox."""

    def view(request: HttpRequest, **path: str) -> HttpResponse:
        action = _action(request, actions)
        refuse_exceeded([throttle.Limit(f"client:survey:{client_ip(request)}", REQUESTS_A_MINUTE)])
        return action(request, **path)

    return public(view)


def _entered(request: HttpRequest, identifier: str, path: dict[str, str]) -> Call:
    """Find what the path names, and bind the connection to its tenant. Raises NotFound."""
    if "source_id" in path:
        inbox, session = enter_by_session(identifier, path["source_id"])
    else:
        inbox, session = enter_by_identifier(identifier), None
    if inbox is None or inbox.channel not in REGISTRY or not REGISTRY[inbox.channel].clients_sign:
        raise NotFound("No such inbox.")
    if not origins.origin_allowed(request.headers.get("Origin"), origins.allowed_origins(inbox.settings)):
        raise NotAllowed("Pages of this origin may not talk to this inbox: they are not in its allowed_origins.")
    return Call(request, inbox, session, path)


def _patiently(action: Callable[[], HttpResponse]) -> HttpResponse:
    """
    Act, and once more when PostgreSQL broke a circle of waiters (people merged both ways at once) by undoing this one.

    Nothing was written then, and every action may be taken again.
    """
    try:
        return action()
    except OperationalError as failure:
        if connection.in_atomic_block or not isinstance(failure.__cause__, DeadlockDetected):
            raise
        return action()


def public(view: View) -> View:
    """Open a view to every origin, and tell its errors in foreign words."""

    @wraps(view)
    def answer(request: HttpRequest, **path: str) -> HttpResponse:
        if request.method == "OPTIONS":
            return _preflight(request)
        try:
            response = view(request, **path)
        except DomainError as error:
            status, body = errors.spoken(error)
            response = shown(body, status=status, headers=error.headers)
        for name, value in ANY_ORIGIN.items():
            response[name] = value
        return response

    exempt: View = csrf_exempt(answer)
    return exempt


def shown(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return JSON, compact, never kept by caches: it may hold tokens."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(
        text, content_type=JSON, status=status, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def done() -> HttpResponse:
    """Return the empty answer of an action that shows nothing."""
    return HttpResponse(b"", content_type="application/json")


def whole_number(text: str) -> int:
    """Return the number a path segment spells. Raises NotFound for what is none, or too large to be there."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise NotFound("No such number.")
    return int(text)


def refuse_exceeded(limits: Sequence[throttle.Limit]) -> None:
    """Count the request. Raises TooMany when a limit is passed."""
    verdict = throttle.count(limits)
    if verdict is not None and verdict.exceeded:
        raise TooMany("Too many requests.", retry_after=verdict.reset_after)


def client_ip(request: HttpRequest) -> str:
    """Return the caller's address, as the middleware found it."""
    return str(getattr(request, "client_ip", ""))


def _action(request: HttpRequest, actions: Mapping[str, Chosen]) -> Chosen:
    method = (request.method or "").lower()
    action = actions.get("get" if method == "head" else method)
    if action is None:
        raise NotFound("No such action.")
    return action


def _count(request: HttpRequest, inbox_identifier: str, *, makes_contact: bool) -> None:
    """Count the request against its limits, in one round trip and before the database is asked for anything."""
    if len(inbox_identifier) > ids.TOKEN_LENGTH or not (inbox_identifier.isascii() and inbox_identifier.isalnum()):
        raise NotFound("No such inbox.")
    caller = client_ip(request)
    if makes_contact:
        allowed = throttle.Limit(f"client:new:{inbox_identifier}:{caller}", NEW_CONTACTS_A_MINUTE)
    else:
        allowed = throttle.Limit(f"client:{inbox_identifier}:{caller}", REQUESTS_A_MINUTE)
    refuse_exceeded([allowed, throttle.Limit(f"client:{caller}", REQUESTS_A_MINUTE_EVERYWHERE)])


def _preflight(request: HttpRequest) -> HttpResponse:
    asked = request.headers.get("Access-Control-Request-Headers", "*")
    return HttpResponse(
        b"",
        status=204,
        headers={
            **ANY_ORIGIN,
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": asked,
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        },
    )
