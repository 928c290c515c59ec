"""What tests say to adapters, and the recorded payloads they let them read."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from inboxes.channels.base import Channel
from inboxes.channels.incoming import Callback, Incoming
from inboxes.channels.outgoing import Button, HttpOrder, Media, Outgoing, Reply
from inboxes.transport import http

PAYLOADS = Path(__file__).parent.parent / "inboxes" / "payloads"
RECEIVED_AT = datetime(2026, 11, 20, 20, 0, 7, tzinfo=UTC)
RETRY_KEY = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def recorded(provider: str, name: str) -> bytes:
    """Return a recorded body, as it came."""
    found = next((PAYLOADS / provider).glob(f"{name}.*"))
    return found.read_bytes().strip()


def names_of(provider: str) -> list[str]:
    """Return the names of all recorded bodies of a provider."""
    return sorted(path.stem for path in (PAYLOADS / provider).iterdir())


def called(body: bytes, *, url: str = "https://dexra.test/inbound/x/y", **more: Any) -> Callback:
    """Return a callback with this body, received at ``RECEIVED_AT``."""
    return Callback("POST", url, body, more.get("headers", {}), more.get("query", {}), RECEIVED_AT)


def told(
    channel: Channel, settings: Mapping[str, Any], provider: str, name: str, query: Mapping[str, str] | None = None
) -> list[Incoming]:
    """Return what a channel reads in a recorded body."""
    read: Iterable[Incoming] = channel.read(called(recorded(provider, name), query=query or {}), settings)
    return list(read)


def outgoing(address: str, text: str = "Hello", **fields: Any) -> Outgoing:
    """Return a message to somebody."""
    return Outgoing(
        **{"id": "msg_abc", "retry_key": RETRY_KEY, "address": address, "type": "text", "text": text, **fields}
    )


def choice(title: str, button_id: str) -> Button:
    """Return a button that answers."""
    return Button(title, id=button_id)


def link(title: str, url: str) -> Button:
    """Return a button that opens a page."""
    return Button(title, url=url)


def file(kind: str, url: str = "https://files.test/a", **fields: Any) -> Media:
    """Return a file to be sent."""
    return Media(kind, url, **fields)


def asked(order: HttpOrder | None) -> Reply:
    """Make a call to a fake provider and return its answer."""
    assert order is not None
    reply = http.ask(order, livemode=True)
    assert isinstance(reply, Reply), reply
    return reply


def answered(status: int, said: Any = None, **headers: str) -> Reply:
    """Return what a provider answered: JSON, or bytes as they are."""
    body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
