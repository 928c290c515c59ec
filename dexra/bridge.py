"""
Carries HTTP requests from the event loop to Django's WSGI handler in a few threads.

Short bodies are read before a thread is taken and whole answers are handed back in one piece, so that most requests
cross between loop and thread once each way. Long bodies stream through a2wsgi's ``Body``; long answers (files) are
pulled chunk by chunk, no faster than the client takes them. No thread ever waits for a client that has left.
"""

import asyncio
import contextvars
import io
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote

from a2wsgi.wsgi import Body, build_environ

# A client that neither sends nor takes a byte for this long loses its request.
CLIENT_SECONDS = 30.0
SHORT_BODY_BYTES = 64 * 1024
ASCII = bytes(range(33, 127))

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


class Bridge:
    """Serves HTTP by a WSGI application in ``workers`` threads; bodies have at most ``longest_body`` bytes."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, workers: int, longest_body: int) -> None:
        self._application = application
        self._longest_body = longest_body
        self.executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="http")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        loop, receive = asyncio.get_running_loop(), _patient(receive)
        headers, query = _without_impostors(scope["headers"]), _ascii(scope["query_string"])
        scope = {**scope, "headers": headers, "query_string": query}
        try:
            short, length = await _short_body(scope, receive, self._longest_body)
            environ: dict[str, Any] = dict(build_environ(scope, short or Body(loop, receive)))  # type: ignore[arg-type]
            if length is not None:
                environ["CONTENT_LENGTH"] = str(length)
            answer = await self._in_thread(self._ask, environ)
            await self._deliver(answer, send)
        except ClientGone:
            return

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
        send = _patient_send(send)
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            while answer.rest and (chunk := await self._in_thread(next, answer.rest, None)) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": answer.body})
        finally:
            if answer.close is not None:
                await self._in_thread(answer.close)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        run = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self.executor, run, work, *arguments)


async def _short_body(scope: Message, receive: Receive, longest: int) -> tuple[IO[bytes] | None, int | None]:
    """
    Return a body that is short, or whose length nobody announced, read whole; and its length in that case.

    A body without a length (``Transfer-Encoding: chunked``) is kept in a file beyond 64 KiB, because WSGI wants to
    know the length first. One that grows beyond all limits is cut there; its length then says so.
    """
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"")
    chunked = b"transfer-encoding" in headers
    if not chunked and (not announced.isdigit() or int(announced) > SHORT_BODY_BYTES):
        return (None, None) if announced else (io.BytesIO(), None)
    kept: IO[bytes] = tempfile.SpooledTemporaryFile(SHORT_BODY_BYTES) if chunked else io.BytesIO()  # noqa: SIM115  Django reads it later
    length, more = 0, True
    while more and length <= longest:
        message = await receive()
        piece, more = message.get("body", b""), message.get("more_body", False)
        length += kept.write(piece)
    kept.seek(0)
    return kept, length if chunked else None


def _patient(receive: Receive) -> Receive:
    """Wait for the body, but not for ever, and not for a client that has left."""

    async def receive_body() -> Message:
        async with asyncio.timeout(CLIENT_SECONDS):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("the client left before its request was complete")
        return message

    return receive_body


def _patient_send(send: Send) -> Send:
    """Wait for the client to take its answer, but not for ever."""

    async def send_answer(message: Message) -> None:
        try:
            async with asyncio.timeout(CLIENT_SECONDS):
                await send(message)
        except OSError as gone:  # a TimeoutError is one
            raise ClientGone("the client does not take its answer") from gone

    return send_answer


def _ascii(query: bytes) -> bytes:
    """Return a query string whose stray bytes are percent-encoded; a URL has no others (RFC 3986 section 2)."""
    return query if query.isascii() else quote(query, safe=ASCII).encode()


def _without_impostors(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers without those that WSGI could not tell from others: ``X_Real_Ip`` from ``X-Real-Ip``."""
    return [(name, value) for name, value in headers if b"_" not in name]
