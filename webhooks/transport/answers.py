"""What is kept of an answer: as much as may be shown to whoever owns the endpoint."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MOST_BYTES = 16 * 1024
MOST_HEADERS = 40
LONGEST_VALUE = 500
SENSITIVE = re.compile(r"authori[sz]ation|cookie|credential|password|secret|token|api-?key", re.IGNORECASE)
REDACTED = "[redacted]"


def text(body: bytes) -> str:
    """Return a body as text that PostgreSQL takes; what is no UTF-8 shows as a replacement character."""
    return body.decode(errors="replace").replace("\0", "\ufffd")


def shown(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers without credentials, cut to a size worth keeping; of one that is repeated, every value."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        if SENSITIVE.search(name):
            found[name] = REDACTED
        elif name in found:
            found[name] = f"{found[name]}, {_clean(value)}"[:LONGEST_VALUE]
        elif len(found) < MOST_HEADERS:
            found[name] = _clean(value)
    return found


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds ``Retry-After`` asks for, given in seconds or as a date; None when it asks for nothing."""
    asked = headers.get("Retry-After", "").strip()
    if not asked:
        return None
    if asked.isascii() and asked.isdigit():
        return float(asked[:10])
    until = _moment(asked)
    if until is None:
        return None
    # By the other side's clock, if it says what that shows.
    now = _moment(headers.get("Date", ""))
    return max(0.0, until - (time.time() if now is None else now))


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _clean(value: str) -> str:
    """Return a header's value as text that PostgreSQL takes; aiohttp hands bytes that are no UTF-8 on as surrogates."""
    if not value.isascii():
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value[:LONGEST_VALUE].replace("\0", "\ufffd")
