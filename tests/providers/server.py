"""
What every fake provider stands on: a real HTTP server on the loopback, in a thread of its own.

A provider subclasses ``Provider`` and says in ``reply`` what it answers when all is well, keeping what it took. Tests
make it misbehave: ``meets(reset())`` breaks down at the next request before it takes it, ``meets(reset(), taken=True)``
after, which is what nobody outside can tell apart. What a server may do wrong is in ``tests.webhooks.receivers``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.webhooks.receivers import (
    Act,
    Receiver,
    Request,
    answer,
    cut_off,
    dripping,
    endless,
    garbage,
    half_a_line,
    hang,
    hang_up,
    held,
    raw,
    reset,
)

__all__ = [
    "Act", "Provider", "Request", "answer", "answer_json", "cut_off", "dripping", "endless", "form_of", "garbage",
    "half_a_line", "hang", "hang_up", "held", "query_of", "raw", "reset",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accident:
    """Something that goes wrong at one request; ``taken`` after the provider did what it was asked."""

    act: Act
    taken: bool


class Provider(Receiver):
    """
    A provider that does what it is asked and says so, until it is told to have an accident.

    ``requests`` holds every request, whole; ``url`` with no path is its base.
    """

    def __init__(self) -> None:
        super().__init__()
        self._accidents: list[Accident] = []
        self._lasting: Accident | None = None

    @property
    def base(self) -> str:
        """What its base URL is set to."""
        return self.at("")

    def reply(self, request: Request) -> Act:
        """Do what is asked and return the answer; each provider's own."""
        return answer_json({})

    def meets(self, *acts: Act, taken: bool = False) -> None:
        """Have accidents at the next requests, one each; ``taken``: after doing what was asked."""
        self._accidents += [Accident(act, taken) for act in acts]

    def keeps_meeting(self, act: Act | None, *, taken: bool = False) -> None:
        """Have the same accident at every request from now on; None: no more."""
        self._lasting = None if act is None else Accident(act, taken)

    def act_for(self, request: Request) -> Act:
        """Return what is done about a request."""
        accident = self._accidents.pop(0) if self._accidents else self._lasting
        if accident is None:
            return self.reply(request)
        if accident.taken:
            self.reply(request)
        return accident.act


def answer_json(body: Any, status: int = 200, *, delay: float = 0.0, headers: Mapping[str, str] | None = None) -> Act:
    """Answer with JSON, after ``delay`` seconds."""
    named = {"Content-Type": "application/json", **(headers or {})}
    return answer(status, json.dumps(body).encode(), delay=delay, headers=named)


def form_of(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form-encoded body, in their order, empty ones too."""
    return parse_qsl(request.body.decode(), keep_blank_values=True)


def query_of(request: Request) -> dict[str, str]:
    """Return the fields of a request's query."""
    return dict(parse_qsl(urlsplit(request.path).query, keep_blank_values=True))
