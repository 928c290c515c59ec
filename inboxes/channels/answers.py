"""What any provider's answer or callback says before anybody asks which provider it is."""

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

from inboxes.channels.incoming import Incoming
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import Reply

NEVER_TAKEN = {408, 425, 429}  # definitely not done, and worth another try
SHOWN = 300


def object_of(body: bytes) -> dict[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def within(said: Any, *path: str) -> Any:
    """Return what is at the end of a path of names in JSON; None where the path leads nowhere."""
    for name in path:
        if not isinstance(said, dict):
            return None
        said = said.get(name)
    return said


def callback_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object a callback consists of. Raises ValueError for anything else."""
    try:
        said = json.loads(body)
    except RecursionError:
        raise ValueError("The callback is nested too deeply.") from None
    if not isinstance(said, dict):
        raise ValueError("The callback is no JSON object.")  # noqa: TRY004  of what a provider says, not of a caller's
    return said


@contextmanager
def of_its_shape() -> Iterator[None]:
    """Turn what goes wrong while reading a callback that is not shaped as the provider's are into a ValueError."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError, OSError) as wrong:
        raise ValueError(f"The callback is not shaped as expected: {wrong!r}.") from wrong


def sound(told: Iterable[Incoming]) -> list[Incoming]:
    """Return what a callback says. Raises ValueError where a text is no text, or a number no number."""
    found = list(told)
    for each in found:
        _check(each)
    return found


def _check(told: Any) -> None:
    for field in fields(told):
        value = getattr(told, field.name)
        if isinstance(field.type, type):
            expected = (int, float) if field.type is float else field.type
            if not isinstance(value, expected) or (isinstance(value, float) and not math.isfinite(value)):
                raise ValueError(f"{field.name} of {type(told).__name__} cannot be {value!r:.50}.")
        for inner in value if isinstance(value, list | tuple) else (value,):
            if is_dataclass(inner):
                _check(inner)


def by_status(reply: Reply, detail: str = "", provider_code: str = "") -> Outcome:
    """
    Return what an answer means by its HTTP status alone.

    Taken, though nobody knows under which id; refused for good; not taken, come back; or, with 5xx, nobody knows.
    """
    detail = (detail or f"HTTP {reply.status}")[:SHOWN]
    provider_code = provider_code or str(reply.status)
    if 200 <= reply.status < 300:
        return Sent("")
    if reply.status in NEVER_TAKEN:
        return Deferred("rate_limited", detail, provider_code, reply.retry_after, pauses="account")
    if 300 <= reply.status < 500:
        return Rejected("invalid_for_provider", detail, provider_code)
    return Uncertain(detail=detail)


def first_of(table: Iterable[tuple[str, Rejected]], words: str) -> Rejected | None:
    """Return the first refusal whose key occurs in a provider's words, whatever their case."""
    lowered = words.lower()
    return next((refusal for key, refusal in table if key in lowered), None)
