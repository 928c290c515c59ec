"""A browser that speaks the client API, and the files its answers are compared with."""

import json
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from contacts.models import ContactSession
from core import crypto
from inboxes.models import Inbox

GOLDEN = Path(__file__).parent / "golden"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TOKEN = re.compile(r"[1-9A-HJ-NP-Za-km-z]{24}")
# Values that differ from run to run; their type is kept.
NUMBERS = frozenset(
    {"id", "message_id", "account_id", "inbox_id", "contact_id", "created_at", "agent_last_seen_at"}
)  # fmt: skip


class Browser:
    """One origin that talks to one inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self.root = f"/public/api/v1/inboxes/{inbox.identifier}"
        self.web = Client()

    def get(self, path: str = "", **query: Any) -> Any:
        """GET a path below the inbox."""
        return self.web.get(self.root + path, query)

    def send(self, method: str, path: str = "", body: Any = None, **headers: Any) -> Any:
        """Send JSON to a path below the inbox."""
        data = "" if body is None else json.dumps(body)
        return self.web.generic(method, self.root + path, data, content_type="application/json", **headers)

    def post(self, path: str = "", body: Any = None, **headers: Any) -> Any:
        """POST JSON."""
        return self.send("POST", path, body, **headers)

    def patch(self, path: str = "", body: Any = None) -> Any:
        """PATCH JSON."""
        return self.send("PATCH", path, body)


@pytest.fixture
def browser(inbox: Inbox) -> Browser:
    """Somebody's browser at Acme's inbox."""
    return Browser(inbox)


@pytest.fixture
def me(session: ContactSession) -> str:
    """The path of the person's own session."""
    return f"/contacts/{session.source_id}"


@pytest.fixture
def talk(me: str, conversation: Any) -> str:
    """The path of the person's conversation."""
    return f"{me}/conversations/{conversation.number}"


@pytest.fixture
def at_once() -> Callable[[Sequence[Callable[[], Any]]], list[Any]]:
    """Make calls at the same moment, each in a thread of its own, and return what they got."""

    def run(calls: Sequence[Callable[[], Any]]) -> list[Any]:
        start, got = threading.Barrier(len(calls)), list[Any]()

        def make(call: Callable[[], Any]) -> None:
            start.wait()
            got.append(call())
            connection.close()

        threads = [threading.Thread(target=make, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == len(calls)
        return got

    return run


def signed(inbox: Inbox, identifier: str) -> dict[str, str]:
    """Return the pair that proves to be ``identifier``."""
    return {"identifier": identifier, "identifier_hash": crypto.hmac_hex(inbox.hmac_token, identifier)}


@pytest.fixture
def golden() -> Callable[..., None]:
    """
    Compare an answer, keys in order, with ``golden/<name>.json``; what changes from run to run is replaced.

    ``where`` is the place in a list that is compared, ``also`` one more number that changes.
    """

    def compare(name: str, response: HttpResponse, *, where: str = "", also: str = "") -> None:
        assert response.status_code == 200
        body = json.loads(response.content)
        shown = steady(body[int(where)] if where else body, volatile=NUMBERS | {also})
        expected = json.loads((GOLDEN / f"{name}.json").read_text())
        assert json.dumps(shown, indent=1) == json.dumps(expected, indent=1)

    return compare


def steady(value: Any, name: str = "", *, volatile: frozenset[str] = NUMBERS) -> Any:
    """Return a value without what changes from run to run."""
    if isinstance(value, dict):
        return {key: steady(inner, key, volatile=volatile) for key, inner in value.items()}
    if isinstance(value, list):
        return [steady(inner, name, volatile=volatile) for inner in value]
    if name in volatile and isinstance(value, int) and value:
        return "<number>"
    if isinstance(value, str):
        for pattern, word in ((UUID, "<uuid>"), (MOMENT, "<moment>"), (TOKEN, "<token>")):
            if pattern.fullmatch(value):
                return word
        return re.sub(r"/files/[1-9A-HJ-NP-Za-km-z]{24}$", "/files/<token>", value)
    return value
