"""
A customer's server that writes down what it gets and answers by a script, however badly.

``with Receiver(answer(503), answer()) as receiver:`` fails once and takes everything after that: the last answer of a
script is given again and again. It runs in a thread of its own, so that tests with and without an event loop use it.
"""

import asyncio
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

SOON = 60.0
AT_ONCE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int  # 1 for the first connection that was opened
    at: float = field(default_factory=time.time)  # seconds, as ``webhook-timestamp`` counts them

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


# --- what it may answer ----------------------------------------------------------------------


def answer(
    status: int = 200, body: bytes = b"", *, delay: float = 0.0, headers: Mapping[str, str] | None = None
) -> Act:
    """Answer properly, after ``delay`` seconds."""
    named = {"Content-Length": str(len(body)), **(headers or {})}
    reply = head(status, named) + body

    async def act(writer: asyncio.StreamWriter) -> None:
        if delay:
            await asyncio.sleep(delay)
        writer.write(reply)
        await writer.drain()

    return act


def redirect(to: str, status: int = 302) -> Act:
    """Send the caller somewhere else."""
    return answer(status, b"over there", headers={"Location": to})


def gone() -> Act:
    """Ask never to be called again."""
    return answer(410)


def slow_down(after: str, status: int = 429) -> Act:
    """Ask to be left alone; ``after`` is seconds or an HTTP date."""
    return answer(status, headers={"Retry-After": after})


def hang(seconds: float = 3600.0) -> Act:
    """Take the request and say nothing."""

    async def act(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)

    return act


def held(may: threading.Event, act: Act) -> Act:
    """Do something once that is allowed, after a minute at most."""

    async def wait(writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(may.wait, 60)
        await act(writer)

    return wait


def hang_up() -> Act:
    """Close the connection without a word."""
    return raw(b"")


def reset() -> Act:
    """Slam the door: the caller gets a TCP reset."""

    async def act(writer: asyncio.StreamWriter) -> None:
        accepted: socket.socket = writer.get_extra_info("socket")
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return act


def raw(written: bytes) -> Act:
    """Write these bytes, whatever they are, and close."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(written)
        writer.close()
        await writer.wait_closed()

    return act


def half_a_line() -> Act:
    """Stop in the middle of the status line."""
    return raw(b"HTTP/1.1 20")


def garbage() -> Act:
    """Speak something that is not HTTP."""
    return raw(b"\x00\xff\x00\xffSSH-2.0-nothing to see here\r\n\r\n")


def cut_off(body: bytes = b"half of it") -> Act:
    """Promise twice as long a body as is sent."""
    return raw(head(200, {"Content-Length": str(2 * len(body))}) + body)


def endless(size: int = 1024**3, status: int = 200) -> Act:
    """Send a body of ``size`` bytes, for as long as the caller listens."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, {"Content-Length": str(size)}))
        for _ in range(size // AT_ONCE):
            writer.write(b"x" * AT_ONCE)
            await writer.drain()

    return act


def dripping(pause: float = 0.05, status: int = 200) -> Act:
    """Send the body byte by byte, and never the last one."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, {"Content-Length": "100000"}))
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(pause)

    return act


def flood(piece: bytes, before: bytes = b"") -> Act:
    """Send the same piece on and on, as fast as it is taken."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(before)
        while True:
            writer.write(piece * (AT_ONCE // len(piece)))
            await writer.drain()

    return act


def gzip_bomb(size: int = 16 * 1024**2) -> Act:
    """Send a few kilobytes that unpack to ``size`` bytes."""
    return answer(200, gzip.compress(b"0" * size), headers={"Content-Encoding": "gzip"})


# --- the server ------------------------------------------------------------------------------


class Receiver:
    """Listens on the loopback from ``with`` to its end; ``tls`` makes it speak HTTPS."""

    def __init__(self, *script: Act, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self._host = host
        self._tls = tls
        self._scripts: dict[str, list[Act]] = {"": list(script) or [answer()]}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._arrived = threading.Condition()
        self._is_listening = threading.Event()
        self._talks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_listening.wait(SOON)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join(SOON)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.at("/hook")

    def at(self, path: str, host: str = "") -> str:
        """Return the URL of a path, under another name of this machine if one is given."""
        return f"{'https' if self._tls else 'http'}://{host or self._host}:{self.port}{path}"

    def script(self, *script: Act, path: str = "") -> None:
        """Answer so from now on, on one path only if one is given."""
        self._scripts[path] = list(script)

    def to(self, path: str) -> list[Request]:
        """Return what arrived at a path."""
        return [request for request in list(self.requests) if request.path == path]

    def wait_for(self, count: int, seconds: float = SOON) -> list[Request]:
        """Return all requests once there are ``count``. Raises AssertionError."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, seconds), (
                f"{len(self.requests)} of {count} requests came within {seconds} s"
            )
            return list(self.requests)

    async def _serve(self) -> None:
        self._loop, self._is_over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._talk, self._host, 0, ssl=self._tls, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._is_listening.set()
        await self._is_over.wait()
        await asyncio.sleep(0.01)  # whoever was let in a moment ago must begin before it can be ended
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._answer_all(reader, writer, self.connections)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self._talks.discard(talk)
            writer.transport.abort()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while not writer.is_closing():
            request = await read_request(reader, connection)
            with self._arrived:
                self.requests.append(request)
                self._arrived.notify_all()
            await self.act_for(request)(writer)

    def act_for(self, request: Request) -> Act:
        """Return what is done about a request."""
        script = self._scripts.get(request.path) or self._scripts[""]
        return script.pop(0) if len(script) > 1 else script[0]


async def read_request(reader: asyncio.StreamReader, connection: int) -> Request:
    """Return the next request of a connection. Raises IncompleteReadError at its end."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *named = lines.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in named)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, connection)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return the status line and headers of an answer."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
