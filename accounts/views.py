"""
The ground every native endpoint stands on: the environment of the key, rate limits, idempotency, errors.

A view finds, parses, calls one service and answers; everything common to all of them is here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, QueryDict
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, ChoiceField, Serializer
from rest_framework.views import APIView

from accounts.authentication import BearerKey, Caller
from accounts.models import Account, Environment, TenantModel
from accounts.services import idempotency
from accounts.services.audit import Who
from core import bodies, forms, ids, pagination, throttle
from core.errors import DomainError, Invalid, NotFound, TooLarge, TooMany, Unavailable, invalid
from events.event import Actor

PER_MINUTE = {Account.Plan.STARTER: 100, Account.Plan.PRO: 1000, Account.Plan.ENTERPRISE: 10_000}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_IGNORED = 20

Row = TypeVar("Row", bound=TenantModel)
Listed = TypeVar("Listed", bound=Model)


class AlwaysJSON(DefaultContentNegotiation):
    """Answers JSON whatever the caller says it accepts: there is nothing else to choose from."""

    def select_renderer(self, request: Any, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:  # noqa: ARG002  DRF's signature
        """Return the only renderer."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class JsonView(APIView):
    """What every native endpoint has in common, whoever calls: JSON in and out, and names for what was ignored."""

    parser_classes: Sequence[type[Any]] = (bodies.StrictJSON,)
    content_negotiation_class = AlwaysJSON
    metadata_class = None  # OPTIONS is not a way around the scopes

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Read everything as UTF-8: a charset parameter means nothing to JSON (RFC 8259 section 8.1)."""
        request.encoding = "utf-8"
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, and refuse names that no database could hold."""
        self._verdict: throttle.Verdict | None = None
        self._ignored: set[str] = set()
        super().initial(request, *args, **kwargs)
        self._ignored |= set(request.query_params)
        for name, value in request.query_params.dict().items():
            if not bodies.is_storable(value):
                raise invalid(name, f"{name} must not contain a NUL character.", code="invalid_characters")
        if not all(bodies.is_storable(str(name)) for name in kwargs.values()):
            raise NotFound("No such path.")

    def count(self, *limits: throttle.Limit) -> None:
        """Count the request; the answer tells what is left of the tightest limit. Raises TooMany."""
        self._verdict = throttle.count(limits)
        if self._verdict is not None and self._verdict.exceeded:
            raise TooMany(
                f"More than {self._verdict.limit} requests in this minute.", retry_after=self._verdict.reset_after
            )

    def parse(self, inputs: type[Serializer[Any]], *, also: forms.Judge | None = None) -> dict[str, Any]:
        """
        Return the request's body as that input declares it; unknown parameters are remembered and named in the answer.

        In a multipart form every field but a text is written as JSON. Raises Invalid, naming every wrong field. Where a
        service goes on to refuse values, ``also`` tells what it thinks of the fields that are well-formed when others
        are not, so that one answer names all; an input's ``hinges`` say which field decides about which other.
        """
        sent = self.request.data
        if not isinstance(sent, Mapping):
            raise invalid("body", "The body is a JSON object.", code="not_an_object")
        fields = inputs().fields
        given = {name: sent[name] for name in sent if name not in self.request.FILES}
        if self._is_form:
            written = {name for name, field in fields.items() if not isinstance(field, CharField | ChoiceField)}
            given |= {name: bodies.read_part(name, given[name]) for name in given if name in written}
        self._ignored |= set(forms.unknown(fields, given))
        return forms.understood(inputs(data=given), also)

    def query(self, inputs: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the query string as that input declares it. Raises Invalid, naming every wrong parameter."""
        form = inputs(data=self.request.query_params.dict())
        self._ignored -= set(form.fields)
        return forms.understood(form)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Add the headers every answer carries, and the names of parameters that were ignored."""
        answered: Response = super().finalize_response(request, response, *args, **kwargs)
        answered["Dexra-Version"] = settings.API_VERSION
        answered["Cache-Control"] = "no-store"
        if verdict := getattr(self, "_verdict", None):
            for name, value in verdict.headers.items():
                answered[name] = value
        if ignored := self._named_ignored:
            answered["Dexra-Ignored-Parameters"] = ", ".join(ignored)
            if isinstance(answered.data, dict) and "error" not in answered.data:
                answered.data = {**answered.data, "ignored_parameters": ignored}
        return answered

    @property
    def _named_ignored(self) -> list[str]:
        return [_printable(name) for name in sorted(getattr(self, "_ignored", ()))[:MOST_IGNORED]]

    @property
    def _is_form(self) -> bool:
        return (self.request.content_type or "").startswith("multipart/form-data")


class EnvironmentView(JsonView):
    """A door into one environment, opened by a secret key."""

    authentication_classes = (BearerKey,)
    scope: str = ""  # the noun of the scope: "users" wants users:read or users:write
    is_idempotent = False  # a POST that may be repeated as it is; its answer is not kept

    caller: Caller
    environment: Environment

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, count, check the scope, and make POST idempotent."""
        super().initial(request, *args, **kwargs)
        key = request.headers.get("Idempotency-Key")
        if request.method == "POST" and key is not None and hasattr(self, "post") and not self.is_idempotent:
            vars(self)["post"] = partial(self._once, key, self.post)  # DRF looks it up after this

    def perform_authentication(self, request: Request) -> None:
        """Find out whose key it is, count its requests and check its scope."""
        super().perform_authentication(request)
        self.caller = cast("Caller", request.user)
        self.environment = self.caller.environment
        structlog.contextvars.bind_contextvars(environment=self.environment.pk, key=self.caller.key.public_id)
        plan = Account.Plan(self.environment.account.plan)
        self.count(throttle.Limit(f"key:{self.caller.key.pk}", PER_MINUTE[plan]))
        if self.scope:
            self.caller.require(f"{self.scope}:{'read' if request.method in SAFE_METHODS else 'write'}")

    def find(self, rows: QuerySet[Row], prefix: str, public_id: str) -> Row:
        """Return which of the environment's ``rows`` a public id names. Raises NotFound: for a stranger's row too."""
        row_id = ids.decode(prefix, public_id)
        row = rows.filter(pk=row_id).first() if row_id is not None else None
        if row is None:
            raise NotFound(f"No such {rows.model._meta.verbose_name}: {public_id[:80]}", param="id")
        row.environment = self.environment
        return row

    def page(
        self, rows: QuerySet[Listed], serialize: Callable[[Listed], Mapping[str, Any]], *, oldest_first: bool = False
    ) -> Response:
        """Return one page of rows, newest first unless told; ``include=total`` counts them all. Raises Invalid."""
        params = self.request.query_params
        body = pagination.page(rows, params, oldest_first=oldest_first).as_json(serialize)
        return Response({**body, "total": rows.count()} if params.get("include") == "total" else body)

    @property
    def who(self) -> Who:
        """The caller as the audit log names them."""
        return Who.key(self.caller.key, ip=getattr(self.request, "client_ip", None) or None)

    @property
    def actor(self) -> Actor:
        """The caller as events name them, so that a server knows its own echo."""
        return Actor("api", self.caller.key.public_id)

    @property
    def livemode(self) -> bool:
        """Whether what happens here reaches real people."""
        return self.environment.livemode

    def _once(self, key: str, post: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        said = bodies.fingerprint(cast("QueryDict", request.data)) if self._is_form else request._request.body  # noqa: SLF001  DRF has no other name for it
        asked = idempotency.Request(key, "POST", request.path, said)

        def act() -> idempotency.Answer:
            response = post(request, *args, **kwargs)
            ignored = {"ignored_parameters": self._named_ignored} if self._ignored else {}
            return idempotency.Answer(response.status_code, {**response.data, **ignored})

        answer = idempotency.once(environment=self.environment, api_key=self.caller.key, request=asked, act=act)
        if isinstance(answer.body, dict):
            self._ignored |= set(answer.body.get("ignored_parameters", ()))
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        return Response(answer.body, status=answer.status, headers=headers)


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response | None:  # noqa: ARG001  DRF's signature
    """Return the error envelope for anything a view raised; None for a bug, which becomes a 500."""
    if isinstance(error, OperationalError):
        error = database_away()
    domain_error = error if isinstance(error, DomainError) else _translated(error)
    if domain_error is None:
        return None
    return Response(envelope(domain_error), status=domain_error.status, headers=domain_error.headers)


def database_away() -> Unavailable:
    """
    The error of a request that met an absent database.

    It promises nothing: what a server was told before it went away, it may have done.
    """
    again = "Try again, a POST with the same Idempotency-Key or client_message_id: then nothing happens twice."
    return Unavailable(f"The database is away. {again}", retry_after=2)


def envelope(error: DomainError) -> dict[str, Any]:
    """Return ``{"error": {type, code, message, param, request_id, errors}}``."""
    return {
        "error": {
            "type": error.kind,
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "request_id": structlog.contextvars.get_contextvars().get("request_id"),
            "errors": [problem.as_json() for problem in error.problems],
        }
    }


def _translated(error: Exception) -> DomainError | None:
    """Return one of Django's or DRF's errors as one of ours."""
    match error:
        case Http404():
            return NotFound("No such path.")
        case exceptions.ValidationError():
            return Invalid(*forms.problems(error.detail))
        case exceptions.ParseError():
            return DomainError(str(error.detail), code="malformed_body")
        case SuspiciousOperation():
            return _too_much()
        case exceptions.APIException():
            known = DomainError(str(error.detail), code=str(error.default_code))
            known.status = error.status_code
            return known
        case _:
            return None


def _too_much() -> TooLarge:
    fields, files = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, settings.DATA_UPLOAD_MAX_NUMBER_FILES
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // (1024 * 1024)
    return TooLarge(f"A form has at most {fields:,} fields, {files} files, and {most} MiB of text in them.")


def _printable(name: str) -> str:
    """Return a parameter's name as a header may carry it."""
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in name[:60])
