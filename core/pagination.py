"""Cursor pages: stable under inserts, opaque to clients, the same for every list."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from core.errors import Invalid, Problem, invalid

LARGEST_PAGE = 100
DEFAULT_PAGE = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = re.compile(r"m(\d{1,16})\.(\d{1,19})", re.ASCII)

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


def read_limit(params: Mapping[str, str], default: int = DEFAULT_PAGE) -> int:
    """Return ``limit`` (1-100, 20 unless told otherwise). Raises Invalid."""
    text = params.get("limit", str(default))
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


def page(
    rows: QuerySet[Row], params: Mapping[str, str], *, field: str = "id", oldest_first: bool = False,
    default: int = DEFAULT_PAGE,
) -> Page[Row]:  # fmt: skip
    """
    Return the page of ``rows`` that ``limit`` and ``cursor`` ask for, newest first unless told.

    ``field`` is a unique whole-number column; the cursor holds the last value seen. Raises Invalid.
    """
    limit = read_limit(params, default)
    after = _read_cursor(params.get("cursor"))
    if after is not None:
        rows = rows.filter(**{f"{field}__{'gt' if oldest_first else 'lt'}": after})
    found = list(rows.order_by(field if oldest_first else f"-{field}")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return Page(found, _write_cursor(getattr(found[-1], field)) if more else None)


def page_by_moment(rows: QuerySet[Row], params: Mapping[str, str], *, field: str) -> Page[Row]:
    """
    Return the page that ``limit`` and ``cursor`` ask for of rows sorted by a moment, the latest first.

    Several rows may share a moment; their ids decide then. Raises Invalid.
    """
    limit = read_limit(params)
    after = _read_moment(params.get("cursor"))
    if after is not None:
        moment, row = after
        rows = rows.filter(Q(**{f"{field}__lt": moment}) | Q(**{field: moment, "id__lt": row}))
    found = list(rows.order_by(f"-{field}", "-id")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    return Page(found, _write_moment(getattr(found[-1], field), found[-1].pk) if more else None)


def _write_moment(moment: datetime, row: int) -> str:
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    return urlsafe_b64encode(f"m{micros}.{row}".encode()).decode().rstrip("=")


def _read_moment(text: str | None) -> tuple[datetime, int] | None:
    if not text:
        return None
    said = MOMENT.fullmatch(_plain(text))
    if said is None:
        raise _unknown_cursor()
    return EPOCH + timedelta(microseconds=int(said[1])), min(int(said[2]), 2**63 - 1)


def _write_cursor(value: int) -> str:
    return urlsafe_b64encode(f"c{value}".encode()).decode().rstrip("=")


def _read_cursor(text: str | None) -> int | None:
    if not text:
        return None
    plain = _plain(text)
    if not plain.startswith("c") or not plain[1:].isdigit() or len(plain) > 20:
        raise _unknown_cursor()
    return min(int(plain[1:]), 2**63 - 1)


def _plain(text: str) -> str:
    """Return what a cursor spells, empty for what is none."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (NotBase64, ValueError):
        return ""


def _unknown_cursor() -> Invalid:
    return invalid("cursor", "cursor is not one this list gave out; leave it out to start again.")
