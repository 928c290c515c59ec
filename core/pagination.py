"""Cursor pages: stable under inserts, opaque to clients, the same for every list."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from core.errors import Invalid, Problem, invalid

LARGEST_PAGE = 100
DEFAULT_PAGE = 20

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of rows and where the next one starts."""

    rows: list[Row]
    next_cursor: str | None

    def as_json(self, serialize: Callable[[Row], Mapping[str, Any]]) -> dict[str, Any]:
        """Return ``{"data", "has_more", "next_cursor"}``."""
        return {
            "data": [serialize(row) for row in self.rows],
            "has_more": self.next_cursor is not None,
            "next_cursor": self.next_cursor,
        }


def read_limit(params: Mapping[str, str]) -> int:
    """Return ``limit`` (1-100, default 20). Raises Invalid."""
    text = params.get("limit", str(DEFAULT_PAGE))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= LARGEST_PAGE and len(text) < 4):
        raise Invalid(
            Problem(
                "limit",
                "out_of_range",
                f"limit is a number from 1 to {LARGEST_PAGE}.",
                LARGEST_PAGE,
            )
        )
    return int(text)


def page(rows: QuerySet[Row], params: Mapping[str, str], *, field: str = "id", oldest_first: bool = False) -> Page[Row]:
    """
    Return the page of ``rows`` that ``limit`` and ``cursor`` ask for, newest first unless told.

    ``field`` is a unique whole-number column; the cursor holds the last value seen. Raises Invalid.
    """
    limit = read_limit(params)
    after = _read_cursor(params.get("cursor"))
    if after is not None:
        rows = rows.filter(**{f"{field}__{'gt' if oldest_first else 'lt'}": after})
    found = list(rows.order_by(field if oldest_first else f"-{field}")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return Page(found, _write_cursor(getattr(found[-1], field)) if more else None)


def _write_cursor(value: int) -> str:
    return urlsafe_b64encode(f"c{value}".encode()).decode().rstrip("=")


def _read_cursor(text: str | None) -> int | None:
    if not text:
        return None
    try:
        plain = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (NotBase64, ValueError):
        plain = ""
    if not plain.startswith("c") or not plain[1:].isdigit() or len(plain) > 20:
        raise invalid("cursor", "cursor is not one this list gave out; leave it out to start again.")
    return min(int(plain[1:]), 2**63 - 1)
