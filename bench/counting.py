"""A server that costs little: it takes requests that are whole, and can be asked what came and when."""

import asyncio
import json
import re
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)


class Counting(ABC, asyncio.Protocol):
    """One connection; what was ``seen`` is shared by all."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen
        self._received = b""
        self._transport: Any = None

    @abstractmethod
    def take(self, path: str, request: bytes) -> None:
        """Note a request, and answer it or not."""

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
            request, self._received = self._received[:whole], self._received[whole:]
            self._take(head.split(b" ", 2)[1].decode(), request)

    def write(self, answer: bytes) -> None:
        """Answer, if somebody still listens."""
        if not self._transport.is_closing():
            self._transport.write(answer)

    def tell(self, told: Any) -> None:
        """Answer with JSON."""
        body = json.dumps(told).encode()
        self.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def _take(self, path: str, request: bytes) -> None:
        if path == "/seen":
            self.tell(self.seen)
        elif path == "/count":
            self.tell(len(self.seen))
        else:
            self.take(path, request)


async def serve(make: Callable[[list[Any]], Counting], port: int) -> None:
    """Take requests until the process ends."""
    seen: list[Any] = []
    server = await asyncio.get_running_loop().create_server(lambda: make(seen), "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


def seen(port: int) -> list[list[Any]]:
    """Return all that such a server noted so far."""
    found: list[list[Any]] = _ask(port, "/seen")
    return found


def count(port: int) -> int:
    """Return how many requests such a server noted so far."""
    return int(_ask(port, "/count"))


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Return once something holds, which may be asked of such a server. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError("What was measured did not come to its end.")


def _ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return json.load(answer)
