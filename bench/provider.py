"""A provider of bots that costs little: takes each message after some milliseconds, and remembers what came when."""

import asyncio
import json
import re
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

import uvloop

TEXT = re.compile(rb'"text":"([\w-]+)"')
CHAT = re.compile(rb'"chat_id":"?(-?\d+)')
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Taken:
    """One message: the bot it came by, what it said, when it was taken."""

    path: str
    text: str
    at: float


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self, taken: list[tuple[str, str, float]], delay: float) -> None:
        self._taken = taken
        self._delay = delay
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take every request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            found = LENGTH.search(head)
            whole = end + 4 + (int(found.group(1)) if found else 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            self._take(head.split(b" ", 2)[1].decode(), body)

    def _take(self, path: str, body: bytes) -> None:
        if path == "/taken":
            self._answer(self._taken)
        elif path == "/count":
            self._answer(len(self._taken))
        else:
            found, chat = TEXT.search(body), CHAT.search(body)
            self._taken.append((path, found.group(1).decode() if found else "", time.time()))
            told = {
                "ok": True,
                "result": {
                    "message_id": len(self._taken),
                    "chat": {"id": int(chat.group(1)) if chat else 0},
                    "date": 1,
                },
            }
            asyncio.get_running_loop().call_later(self._delay, self._answer, told)

    def _answer(self, told: Any) -> None:
        body = json.dumps(told).encode()
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def taken(port: int) -> list[Taken]:
    """Return everything a provider took so far."""
    return [Taken(*one) for one in _ask(port, "/taken")]


def count(port: int) -> int:
    """Return how many messages a provider took so far."""
    return int(_ask(port, "/count"))


def _ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return json.load(answer)


async def _serve(port: int, delay: float) -> None:
    seen: list[tuple[str, str, float]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(seen, delay), "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
