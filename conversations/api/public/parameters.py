"""
What a request says, read the way Rails reads it.

Query string and body are one set of names, nested in brackets (``custom_attributes[plan]=pro``,
``submitted_values[][title]=x``). A name that should hold a text and holds an object or a list counts as absent, and so
does everything in a body that is neither JSON nor a form.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from core import bodies
from core.errors import DomainError, Invalid, Problem, TooLarge

JSON_TYPES = frozenset({"application/json", "text/x-json", "application/jsonrequest", "application/vnd.api+json"})
FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART_TYPE = "multipart/form-data"
DEEPEST = 100  # Ruby's JSON reader stops here too
DEEPEST_NAME = 32
REPLACEMENT = "\ufffd"


class Parameters:
    """Everything a request says; ``files`` are the uploads it brings."""

    def __init__(self, values: Mapping[str, Any], files: Iterable["UploadedFile[bytes]"] = ()) -> None:
        self._values = values
        self.files = list(files)

    def text(self, name: str) -> str | None:
        """Return a scalar as text (numbers and booleans too); None when it is absent. Raises Invalid for a NUL."""
        value = self._values.get(name)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        if not isinstance(value, str):
            return None
        _refuse_unstorable(name, value)
        return value

    def texts(self, *names: str) -> dict[str, str]:
        """Return those of the names that are there."""
        found = {name: self.text(name) for name in names}
        return {name: text for name, text in found.items() if text is not None}

    def object(self, name: str) -> dict[str, Any] | None:
        """Return an object; None when it is absent or something else. Raises Invalid for a NUL anywhere in it."""
        value = self.raw(name)
        return value if isinstance(value, dict) else None

    def raw(self, name: str) -> Any:
        """Return whatever a name holds. Raises Invalid for a NUL anywhere in it."""
        value = self._values.get(name)
        _refuse_unstorable(name, value)
        return value

    def below(self, name: str) -> "Parameters":
        """Return the parameters wrapped in an object of that name."""
        return Parameters(self.object(name) or {})


def read(request: HttpRequest) -> Parameters:
    """Return what a request says; the query string wins over the body. Raises DomainError (400), TooLarge."""
    try:
        values, files = _body(request)
        query = request.META.get("QUERY_STRING", "")
        if query:
            values = {**values, **_nested(_pairs(query))}
    except RequestDataTooBig:
        raise TooLarge(
            f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // (1024 * 1024)} MiB."
        ) from None
    except (ValueError, RecursionError, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        raise DomainError("The request could not be read.") from None
    return Parameters(values, files)


def _body(request: HttpRequest) -> tuple[dict[str, Any], list["UploadedFile[bytes]"]]:
    kind = request.content_type or ""
    if kind in JSON_TYPES:
        return _json(request.body), []
    if kind == FORM_TYPE:
        return _nested(_pairs(request.body.decode("utf-8", "replace"))), []
    return _multipart(request) if kind == MULTIPART_TYPE else ({}, [])


def _multipart(request: HttpRequest) -> tuple[dict[str, Any], list["UploadedFile[bytes]"]]:
    """Return the form and its files; Django has streamed them to disk when they are large."""
    request.encoding = "utf-8"  # whatever the client says: a strange codec must not get to read it
    form: QueryDict
    if request.method == "POST":
        form, files = request.POST, request.FILES
    else:  # Django itself reads forms for POST alone
        form, files = request.parse_file_upload(request.META, request)
    pairs = [(name, text) for name, texts in form.lists() for text in texts]
    return _nested(_clean_pairs(pairs)), [*files.getlist("attachments[]"), *files.getlist("attachments")]


def _json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    text = body.decode("utf-8-sig")
    value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    # Only an escape can smuggle in half a surrogate pair, and only braces can nest: most bodies need no second look.
    if "\\u" in text or text.count("{") + text.count("[") > DEEPEST:
        value = _clean(value, DEEPEST)
    return value if isinstance(value, dict) else {}


def _refuse_unstorable(name: str, value: Any) -> None:
    """Raise Invalid for what PostgreSQL cannot hold: a NUL, for halves of surrogate pairs are mended already."""
    if not bodies.is_storable(value):
        raise Invalid(Problem(name, "invalid_characters", f"{name} must not contain a NUL character."))


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _clean(value: Any, depth: int) -> Any:
    """Return a value without halves of surrogate pairs (a cut emoji). Raises RecursionError for too deep a nesting."""
    if isinstance(value, str):
        return _mended(value)
    if isinstance(value, dict | list) and not depth:
        raise RecursionError
    if isinstance(value, dict):
        return {_clean(key, depth): _clean(inner, depth - 1) for key, inner in value.items()}
    return [_clean(inner, depth - 1) for inner in value] if isinstance(value, list) else value


def _pairs(encoded: str) -> list[tuple[str, str]]:
    most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    return _clean_pairs(parse_qsl(encoded, keep_blank_values=True, errors="replace", max_num_fields=most))


def _clean_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(_mended(name), _mended(text)) for name, text in pairs]


def _mended(text: str) -> str:
    return bodies.HALF_A_PAIR.sub(REPLACEMENT, text)


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the object that names in brackets spell. Raises ValueError for a name nested too deeply."""
    values: dict[str, Any] = {}
    for name, text in pairs:
        head, bracket, rest = name.partition("[")
        keys = [head, *rest.removesuffix("]").split("][")] if bracket else [head]
        if len(keys) > DEEPEST_NAME:
            raise ValueError("a name is nested too deeply")
        _place(values, keys, text)
    return values


def _place(into: dict[str, Any], keys: list[str], text: str) -> None:
    key, *rest = keys
    if not rest:
        into[key] = text
    elif rest[0]:
        if not isinstance(into.get(key), dict):
            into[key] = {}
        _place(into[key], rest, text)
    else:
        if not isinstance(into.get(key), list):
            into[key] = []
        _append(into[key], rest[1:], text)


def _append(items: list[Any], keys: list[str], text: str) -> None:
    """Add to a list: a text, or a value of the object being spelled, which ends where one of its names comes again."""
    if not keys:
        items.append(text)
        return
    if not items or not isinstance(items[-1], dict) or keys[0] in items[-1]:
        items.append({})
    _place(items[-1], keys, text)
