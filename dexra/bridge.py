"""
Carries HTTP requests from the event loop to Django's WSGI handler in a few threads.

A body is read whole before a thread is taken (in memory, beyond 64 KiB in a file), so that no slow client holds one of
the few threads. Whole answers are handed back in one piece; long ones (files) are pulled chunk by chunk, no faster than
the client takes them.
"""

import asyncio
import contextvars
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import quote

from a2wsgi.wsgi import build_environ

# A client that neither sends nor takes a byte for this long loses its request.
CLIENT_SECONDS = 30.0
# A whole body has this long, and a second more for each 64 KiB: whoever sends a byte a minute is not waited for.
BODY_SECONDS = 30.0
BODY_BYTES_A_SECOND = 64 * 1024
IN_MEMORY_BYTES = 64 * 1024
# Bodies that are kept in files at one time, at most 41 MiB each.
MOST_LONG_BODIES = 64
ASCII = bytes(range(33, 127))
NOWHERE: Mapping[str, int] = MappingProxyType({})

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(OSError):
    """The client went away in the middle of its request; Django knows what to do with an OSError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Django answered: a whole body, or one still to be pulled from ``rest``."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: Iterator[bytes] | None = None
    close: Callable[[], None] | None = None


class TooSlow(Exception):
    """The client takes too long over its body."""


CLOSING = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
TIMED_OUT = Answer(408, CLOSING, b"Too slow")
BUSY = Answer(503, [*CLOSING, (b"retry-after", b"5")], b"Too many long bodies at a time; try again")


class Bridge:
    """
    Serves HTTP by a WSGI application in ``workers`` threads.

    ``longest_body`` is the limit of a request with files in bytes, ``longest_text`` that of any other, ``longest_at``
    what holds instead below a path; a longer one is not read, and the application is told its length.
    """

    def __init__(
        self, application: Callable[..., Iterable[bytes]], *, workers: int, longest_body: int, longest_text: int,
        longest_at: Mapping[str, int] = NOWHERE,
    ) -> None:  # fmt: skip
        self._application = application
        self._longest_body, self._longest_text, self._longest_at = longest_body, longest_text, longest_at
        self._long_bodies = 0
        self.executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="http")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers, query = _without_impostors(scope["headers"]), _ascii(scope["query_string"])
        scope = {**scope, "headers": headers, "query_string": query}
        expected, longest = self._expected(scope["path"], dict(headers))
        is_long = IN_MEMORY_BYTES < expected <= longest
        if is_long and self._long_bodies >= MOST_LONG_BODIES:
            await self._deliver(BUSY, send)
            return
        body: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  closed below
        self._long_bodies += is_long  # until its file is gone, not only until it is read
        try:
            length = await _read(receive, body, expected, longest)
            environ: dict[str, Any] = dict(build_environ(scope, body))  # type: ignore[arg-type]  # it wants a reader
            environ["CONTENT_LENGTH"] = str(length)
            await self._deliver(await self._in_thread(self._ask, environ), send)
        except TooSlow:
            await self._deliver(TIMED_OUT, send)
        except ClientGone:
            return
        finally:
            body.close()
            self._long_bodies -= is_long

    def _expected(self, path: str, headers: dict[bytes, bytes]) -> tuple[int, int]:
        """Return how many bytes a body will have, if nobody says as many as it may, and how many it may."""
        has_files = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        usual = self._longest_body if has_files else self._longest_text
        longest = next((limit for at, limit in self._longest_at.items() if path.startswith(at)), usual)
        announced = headers.get(b"content-length", b"")
        if announced.isdigit():
            return int(announced), longest
        return (longest if b"transfer-encoding" in headers else 0), longest

    def _ask(self, environ: dict[str, Any]) -> Answer:
        """Let Django answer; runs in a thread."""
        heads: list[tuple[int, list[tuple[bytes, bytes]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            encoded = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]
            heads.append((int(status[:3]), encoded))

        chunks: Any = self._application(environ, start_response)
        if getattr(chunks, "streaming", True):
            return Answer(*heads[0], b"", iter(chunks), getattr(chunks, "close", None))
        try:
            return Answer(*heads[0], b"".join(chunks))
        finally:
            chunks.close()

    async def _deliver(self, answer: Answer, send: Send) -> None:
        """Pass an answer on to the server, a chunk at a time where there are several."""
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.rest is None:
            await _hand_over(send, start, {"type": "http.response.body", "body": answer.body})
            return
        try:
            await _hand_over(send, start)
            while (chunk := await self._in_thread(next, answer.rest, None)) is not None:
                await _hand_over(send, {"type": "http.response.body", "body": chunk, "more_body": True})
            await _hand_over(send, {"type": "http.response.body", "body": b""})
        finally:
            if answer.close is not None:
                await self._in_thread(answer.close)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        run = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self.executor, run, work, *arguments)


async def _read(receive: Receive, body: IO[bytes], expected: int, longest: int) -> int:
    """
    Read a body and return its length; one that is announced to be too long is not read, one that grows too long is
    left there. Raises TooSlow, ClientGone.
    """
    if expected > longest or not expected:
        return expected
    is_long = expected > IN_MEMORY_BYTES
    try:
        async with asyncio.timeout(BODY_SECONDS + expected / BODY_BYTES_A_SECOND):
            length = await _copy(_patient(receive) if is_long else receive, body, longest)
    except TimeoutError:
        raise TooSlow from None
    body.seek(0)
    return length


async def _copy(receive: Receive, body: IO[bytes], longest: int) -> int:
    """Read a body into ``body`` until it ends or is too long; return its length. Raises ClientGone."""
    length, more = 0, True
    while more and length <= longest:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("the client left before its request was complete")
        piece, more = message.get("body", b""), message.get("more_body", False)
        length += body.write(piece)
    return length


def _patient(receive: Receive) -> Receive:
    """Wait for each piece of a long body, but not for ever."""

    async def receive_piece() -> Message:
        async with asyncio.timeout(CLIENT_SECONDS):
            return await receive()

    return receive_piece


async def _hand_over(send: Send, *messages: Message) -> None:
    """Wait for the client to take a piece of its answer, but not for ever. Raises ClientGone."""
    try:
        async with asyncio.timeout(CLIENT_SECONDS):
            for message in messages:
                await send(message)
    except OSError as gone:  # a TimeoutError is one
        raise ClientGone("the client does not take its answer") from gone


def _ascii(query: bytes) -> bytes:
    """Return a query string whose stray bytes are percent-encoded; a URL has no others (RFC 3986 section 2)."""
    return query if query.isascii() else quote(query, safe=ASCII).encode()


def _without_impostors(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers without those that WSGI could not tell from others: ``X_Real_Ip`` from ``X-Real-Ip``."""
    return [(name, value) for name, value in headers if b"_" not in name]
