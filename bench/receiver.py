"""A customer's server that costs little: answers every POST at once, or never, and remembers what came when."""

import asyncio
import json
import re
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

import uvloop

MARK = re.compile(rb'"message_text":"([\w-]+)"')
ID = re.compile(rb"\r\nwebhook-id: ?(\S+)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: where it was sent, the event's id, what its message said, when it was whole."""

    path: str
    event_id: str
    text: str
    at: float


class Receiver(asyncio.Protocol):
    """One connection; a path that begins with ``/hang`` is never answered."""

    def __init__(self, arrivals: list[tuple[str, str, str, float]]) -> None:
        self._arrivals = arrivals
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            found = LENGTH.search(head)
            whole = end + 4 + (int(found.group(1)) if found else 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        if path == "/arrivals":
            told = json.dumps(self._arrivals).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
            return
        if path == "/count":
            told = str(len(self._arrivals)).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
            return
        event, text = ID.search(head), MARK.search(body)
        self._arrivals.append(
            (path, event.group(1).decode() if event else "", text.group(1).decode() if text else "", time.time())
        )
        if not path.startswith("/hang"):
            self._transport.write(ANSWER)


def arrivals(port: int) -> list[Arrival]:
    """Return everything a receiver got so far."""
    return [Arrival(*one) for one in _ask(port, "/arrivals")]


def count(port: int) -> int:
    """Return how many requests a receiver got so far."""
    return int(_ask(port, "/count"))


def _ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return json.load(answer)


async def _serve(port: int) -> None:
    seen: list[tuple[str, str, str, float]] = []
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(seen), "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
