"""Reading bodies: strictly, and nothing that PostgreSQL could not hold."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.http import QueryDict
from rest_framework.parsers import BaseParser

from core.errors import DomainError, Invalid, Problem, invalid

DEEPEST = 32
LARGEST_NUMBER = 10**30
MOST_PROBLEMS = 20
MOST_OF_A_PATH = 200
HALF_A_PAIR = re.compile("[\ud800-\udfff]")


class StrictJSON(BaseParser):
    """
    JSON as in RFC 8259: UTF-8, no NaN, every number finite.

    Raises DomainError (400) for what is not JSON, and Invalid, naming the field, for JSON that could not be stored.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002  DRF's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        """Return what the body says."""
        return read(stream.read())


def read(text: bytes) -> Any:
    """Return what a JSON text says. Raises DomainError, Invalid."""
    try:
        value = json.loads(text.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError) as why:
        raise DomainError(f"The body is not valid JSON: {_reason(why)}.", code="malformed_json") from None
    if problems := list(_problems(value, "", 0)):
        raise Invalid(*problems[:MOST_PROBLEMS])
    return value


def is_storable(value: Any) -> bool:
    """Whether PostgreSQL can hold a value of JSON: no text in it, keys too, has a NUL or half of a surrogate pair."""
    if isinstance(value, str):
        return "\x00" not in value and (value.isascii() or HALF_A_PAIR.search(value) is None)
    if isinstance(value, Mapping):
        return all(is_storable(name) and is_storable(inner) for name, inner in value.items())
    return not isinstance(value, list | tuple) or all(map(is_storable, value))


def read_part(name: str, text: str) -> Any:
    """Return what one part of a form says in JSON. Raises Invalid, naming the part."""
    try:
        return read(text.encode())
    except DomainError as wrong:
        raise invalid(name, f"In a form, {name} is written as JSON. {wrong.message}", code="malformed_json") from None


def fingerprint(form: QueryDict) -> bytes:
    """Return what a form says, its files too, whatever boundary it was sent with."""
    parts = [(name, _shown(part)) for name in sorted(form) for part in form.getlist(name)]
    return json.dumps(parts).encode()


def _shown(part: Any) -> Any:
    if isinstance(part, str):
        return part
    found = hashlib.sha256()
    for chunk in part.chunks():
        found.update(chunk)
    part.seek(0)
    return [part.name, found.hexdigest()]


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number in JSON")


def _reason(why: Exception) -> str:
    match why:
        case json.JSONDecodeError():
            return f"{why.msg} at character {why.pos}"
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case RecursionError():
            return "it is nested too deeply"
        case _:
            return "a number has too many digits" if "digits" in str(why) else str(why)


def _problems(value: Any, field: str, depth: int) -> Iterator[Problem]:
    """Yield what is wrong below one value, each with its path: ``user.tags.0``."""
    if not isinstance(value, dict | list):
        if wrong := _wrong(value):
            yield Problem(field or "body", *wrong)
    elif depth == DEEPEST:
        yield Problem(field, "too_deep", f"Objects are nested at most {DEEPEST} levels deep.", DEEPEST)
    else:
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            place = f"{field}.{name}"[:MOST_OF_A_PATH] if field else str(name)[:MOST_OF_A_PATH]
            if isinstance(name, str) and not is_storable(name):
                yield Problem(field or "body", "invalid_characters", "A key has NUL or a lone surrogate in it.")
            else:
                yield from _problems(inner, place, depth + 1)


def _wrong(value: Any) -> tuple[str, str] | None:
    """Return the code and the message of what is wrong with a text or a number."""
    if isinstance(value, str):
        is_fine = is_storable(value)
        return None if is_fine else ("invalid_characters", "Text is Unicode without NUL or lone surrogates.")
    if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
        return "too_large", "Numbers have at most 30 digits before the point."
    return None
