"""
The API reference as a machine reads it: ``/openapi.json``, OpenAPI 3.1, made from the views themselves.

A view says what is its own (``extend_schema``); what all of them share (errors, headers, paging, keys) is added here.
The examples are real answers, kept in ``examples.json`` by ``tests/dexra/test_openapi.py``
(``DEXRA_WRITE_EXAMPLES=1`` writes them anew).
"""

import json
from collections.abc import Iterable
from functools import cache
from inspect import getdoc
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

from accounts.services.idempotency import LONGEST_KEY
from core.shapes import Error

SERVERS, CLIENTS = "/v1/", "/client/v1/"
EXAMPLES = Path(__file__).parent / "examples.json"
ABOUT = """
Everything a business does with Dexra, from its own servers: people, conversations, messages, inboxes, events,
webhooks.

Send your secret key as `Authorization: Bearer dx_sk_...`; the key alone chooses the environment, live or sandbox.
Ids are typed and opaque (`usr_`, `conv_`, `msg_`, `evt_`, `inb_`); a person is also found by your own id. Times are
ISO 8601 in UTC. Lists are pages: ask for the next one with `cursor`. Whatever you send that is not understood is
named in `ignored_parameters`. Browsers and apps never have that key: they open a session (`/client/v1`, below), and
the guide has the compatible client API and the websocket.
"""
TAGS = {
    "Account": "Whose key is this?",
    "Users": "The people on the other side: your customers.",
    "Conversations": "One person talking to your business through one inbox.",
    "Messages": "What is said.",
    "Sending": "Say something to somebody on any channel, and see what became of it.",
    "Templates": "Messages prepared before: yours, and those that a provider has to approve.",
    "Inboxes": "Where conversations come in: one address of your business on one channel.",
    "Webhooks": "Your servers are told what happens: endpoints, deliveries, every attempt, and what you missed.",
    "Sandbox": "Only in the sandbox: play people, see what would be sent, rehearse what goes wrong, begin anew.",
    "Events": "What happened, in order, for 30 days; and how to catch up after a gap.",
    "Client": "What the SDK speaks, from browsers and apps: one person's conversations, opened by a session's token.",
}
# What each status is called, and what it means.
ERRORS = {
    "400": ("BadRequest", "The body is not JSON, or the request makes no sense."),
    "401": ("NotAuthenticated", "No key, or none that is known."),
    "403": ("NotAllowed", "The key lacks the scope, or the person is blocked."),
    "404": ("NotFound", "No such thing in this environment."),
    "409": ("Conflict", "It exists in a state that forbids this, or the Idempotency-Key is in use this very moment."),
    "410": ("Gone", "It was merged, erased, or is older than the log; `Link` names what took its place, if anything."),
    "413": ("TooLarge", "More bytes than are accepted here."),
    "415": ("UnsupportedMediaType", "The body is not JSON, nor a form where one is taken."),
    "422": ("Invalid", "Some fields are wrong; `errors` names every one."),
    "429": ("TooMany", "Slow down: `Retry-After` says for how many seconds."),
    "503": ("Unavailable", "Something below is away; try again."),
}
HEADERS = {
    "Request-Id": ("string", "Name it when you ask for help."),
    "Dexra-Version": ("string", "The version of the API that answered."),
    "Dexra-Ignored-Parameters": ("string", "Parameters you sent that mean nothing here."),
    "Idempotent-Replayed": ("string", "`true` when this is the stored answer to the same request."),
    "Retry-After": ("integer", "Seconds."),
    "Link": ("string", 'What took its place: `<...>; rel="successor-version"`.'),
    "X-RateLimit-Limit": ("integer", "Requests a minute."),
    "X-RateLimit-Remaining": ("integer", "How many are left in this minute."),
    "X-RateLimit-Reset": ("integer", "When the minute ends, in unix seconds."),
    "RateLimit-Policy": ("string", "The same as the IETF draft writes it."),
    "RateLimit": ("string", "The same as the IETF draft writes it."),
}
RATE_LIMIT = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit")
ALWAYS = ("Request-Id", "Dexra-Version")
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request said twice with the same key has one effect; the answer is kept for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular's own
    """How the key is sent."""

    target_class = "accounts.authentication.BearerKey"
    name = "secretKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        """Return the scheme of RFC 6750."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "dx_sk_live_... or dx_sk_test_..."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular's own
    """How a browser's or an app's token is sent."""

    target_class = "contacts.authentication.BearerSession"
    match_subclasses = True
    name = "sessionToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        """Return the scheme of RFC 6750."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "dxs_..."}


class Schema(AutoSchema):
    """Describes one endpoint: its docstring is the text, and every error it may answer is there."""

    def get_summary(self) -> str:
        """Return the first sentence of the method's docstring."""
        return self._text.partition("\n\n")[0].replace("\n", " ").removesuffix(".")

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular does
        """Return the rest of it."""
        return self._text.partition("\n\n")[2]

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        """Return the name of a shape as a client would call it."""
        name: str = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Shape")

    def _get_parameters(self) -> list[dict[str, Any]]:
        shared = [{"$ref": "#/components/parameters/IdempotencyKey"}] if self._takes_key else []
        return [*super()._get_parameters(), *shared]

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        self.resolve_serializer(Error, "response")  # a component, whether or not a view names it
        answers = super()._get_response_bodies(direction)
        success = {code: answer for code, answer in answers.items() if code < "400"}
        for code, answer in success.items():
            answer["description"] = {"201": "Made.", "202": "Accepted."}.get(code, "Done.")
            answer["headers"] = _headers([*ALWAYS, "Dexra-Ignored-Parameters", *RATE_LIMIT, *self._own_headers])
        codes = {*self._common_errors, *(code for code in answers if code >= "400")}
        return success | {code: {"$ref": f"#/components/responses/{ERRORS[code][0]}"} for code in sorted(codes)}

    @property
    def _text(self) -> str:
        return getdoc(getattr(self.view, self.method.lower())) or ""

    @property
    def _own_headers(self) -> tuple[str, ...]:
        return ("Idempotent-Replayed",) if self._takes_key else ()

    @property
    def _takes_key(self) -> bool:
        """Whether it may be said twice with the same Idempotency-Key; clients say client_message_id instead."""
        repeats_anyhow = getattr(self.view, "is_idempotent", False)
        return self.method == "POST" and self.path.startswith(SERVERS) and not repeats_anyhow

    @property
    def _common_errors(self) -> set[str]:
        codes = {"400", "401", "403", "422", "429", "503"}
        if "{" in self.path:
            codes.add("404")
        if self._takes_key:
            codes.add("409")
        return codes | {"413", "415"} if self.method in {"POST", "PUT", "PATCH"} else codes


def only_native(endpoints: Iterable[Any]) -> list[Any]:
    """Leave out the doors of others' making (a hook of drf-spectacular)."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith((SERVERS, CLIENTS))]


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what all endpoints share, and the examples (a hook of drf-spectacular)."""
    parts = result["components"]
    parts["parameters"] = {"IdempotencyKey": IDEMPOTENCY_KEY}
    parts["headers"] = {name: {"description": text, "schema": {"type": kind}} for name, (kind, text) in HEADERS.items()}
    parts["responses"] = {name: _error(code, text) for code, (name, text) in ERRORS.items()}
    result["info"]["description"] = ABOUT.strip()
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    _illustrate(result, json.loads(EXAMPLES.read_text()) if EXAMPLES.exists() else {})
    _tidy(result)
    return result


@cache
def document() -> dict[str, Any]:
    """Return the whole description."""
    generator: Any = SchemaGenerator  # untyped
    found: dict[str, Any] = generator().get_schema(request=None, public=True)
    return found


def serve(request: HttpRequest) -> JsonResponse:  # noqa: ARG001  Django's signature
    """``/openapi.json``, for any tool on any page."""
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
    return JsonResponse({**document(), "servers": [{"url": settings.BASE_URL}]}, headers=headers)


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _error(code: str, text: str) -> dict[str, Any]:
    extra = {"409": ("Retry-After",), "410": ("Link",), "429": ("Retry-After", *RATE_LIMIT), "503": ("Retry-After",)}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": text, "headers": _headers(["Request-Id", *extra.get(code, ())]), "content": content}


def _illustrate(result: dict[str, Any], examples: dict[str, Any]) -> None:
    """Put the recorded request and answer of each operation beside its schemas, and an error beside each error."""
    for methods in result["paths"].values():
        for operation in methods.values():
            recorded = examples.get(operation["operationId"])
            if recorded is None:
                continue
            if "request" in recorded and "requestBody" in operation:
                operation["requestBody"]["content"]["application/json"]["example"] = recorded["request"]
            answer = operation["responses"][str(recorded["status"])]
            if "content" in answer:
                answer["content"]["application/json"]["example"] = recorded["response"]
    for name, answer in result["components"]["responses"].items():
        if name in examples:
            answer["content"]["application/json"]["example"] = examples[name]["response"]


def _tidy(part: Any) -> None:
    """Take out drf-spectacular's own notes, and write code as Markdown does."""
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
        if isinstance(part.get("description"), str):
            part["description"] = part["description"].replace("``", "`")
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _tidy(inner)
