"""Requests of the client under test, from tests that have no loop of their own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from tests.webhooks import receivers
from tests.webhooks.receivers import Receiver
from webhooks.transport.client import Sender
from webhooks.transport.exchange import Answer, Outgoing

BODY = '{"type":"message_in","data":{"message_text":"héllo"}}'.encode()
HEADERS = {"Content-Type": "application/json", "webhook-id": "evt_1", "X-Custom": "ours"}


def run(story: Callable[[Sender], Awaitable[Any]], *, runner: Callable[..., Any] = asyncio.run, **options: Any) -> Any:
    """Run a story with a sender of its own."""

    async def whole() -> Any:
        sender = Sender(**options)
        try:
            return await story(sender)
        finally:
            await sender.close()

    return runner(whole())


def sent(url: str, *, body: bytes = BODY, seconds: float = 15.0) -> Answer:
    """Send one request and return what came of it."""
    return run(lambda sender: sender.send(Outgoing(url, HEADERS, body, seconds)))


def answered(receiver: Receiver, act: receivers.Act, seconds: float = 15.0) -> Answer:
    """Return what comes of a request that is answered so."""
    receiver.script(act)
    return sent(receiver.url, seconds=seconds)


def unused_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
