"""
Calls to providers over HTTP: one request, one answer, whatever the other side does.

``Exchange`` makes many at a time inside an event loop; ``ask`` and ``fetch`` make one, where nobody has a loop. No
redirects, no proxies of the environment, at most 1 MiB of an answer, and an end to every call.
"""

import asyncio
import errno
import ssl
import sys
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import IO, Any

import httpcore
import httpx

from inboxes.channels.outgoing import HttpOrder, Reply
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT, OUR_FAULT, Accident, Result, note_fault
from inboxes.transport.dialling import Blocked, Dialler, PlainDialler
from inboxes.transport.wire import Written, write

# httpcore looks for it at every lock it takes. Where it is not installed, the whole path would be searched each time.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # Python's own way to say that there is none

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 30.0
MOST_BYTES = 1024 * 1024
MOST_REDIRECTS = 3  # of files, which providers keep elsewhere
PORTS = {"http": 80, "https": 443}
EXPECTED = (httpx.HTTPError, httpx.InvalidURL, OSError)  # whatever else is raised is a defect
# No descriptors, memory or ports are left here: the other side has nothing to do with it.
OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}


class TooLarge(Exception):
    """A file was longer than was asked for."""


class Exchange:
    """
    Makes calls from inside one event loop; connections are kept for the next ones.

    There is no pool: at every call, httpcore's asks each idle connection, and there are hundreds, if it still stands.
    """

    def __init__(self) -> None:
        self._dialler = Dialler()
        self._idle: defaultdict[tuple[str, bytes], deque[tuple[float, _Connection]]] = defaultdict(deque)

    async def exchange(self, order: HttpOrder, *, livemode: bool) -> Result:
        """Make one call. Raises nothing but CancelledError, and RuntimeError for the sandbox, which calls nobody."""
        _refuse_sandbox(livemode)
        trail = _Trail()
        try:
            written = write(order)
            async with asyncio.timeout(order.seconds):
                return await self._call(written, order.seconds, trail)
        except Exception as failure:  # noqa: BLE001  every one is an answer, to be judged by the engine
            return _accident(failure, was_begun=trail.was_begun)

    async def close(self) -> None:
        """Close every connection."""
        for idle in self._idle.values():
            for _, connection in idle:
                await connection.aclose()
        self._idle.clear()
        self._dialler.close()

    async def _call(self, written: Written, seconds: float, trail: "_Trail") -> Reply:
        url = _parsed(written.url)
        idle = self._idle[url.scheme, url.netloc]
        connection = await _taken(idle) or _Connection(url, self._dialler)
        try:
            reply = await _call(connection, url, written, seconds, trail)
        except BaseException:
            await connection.aclose()
            raise
        idle.append((time.monotonic(), connection))
        return reply


def ask(order: HttpOrder, *, livemode: bool) -> Result:
    """Make one call and wait for its answer. Raises RuntimeError for the sandbox."""
    _refuse_sandbox(livemode)
    trail = _Trail()
    try:
        with _opened(order, trail) as (response, until):
            return _reply(response, _read(response, until))
    except Exception as failure:  # noqa: BLE001  every one is an answer, to be judged by whoever asked
        return _accident(failure, was_begun=trail.was_begun)


def fetch(order: HttpOrder, file: IO[bytes], *, most_bytes: int, livemode: bool) -> Result:
    """
    Write what a call is answered with into ``file``; only an answer that is no file has a body.

    Redirects are followed, with the credentials left behind. Raises TooLarge, RuntimeError for the sandbox.
    """
    _refuse_sandbox(livemode)
    trail = _Trail()
    try:
        with _opened(order, trail, redirects=True) as (response, until):
            if not response.is_success:
                return _reply(response, _read(response, until))
            size = 0
            for piece in response.iter_bytes():
                size += file.write(piece)
                _check(size, most_bytes, until)
            return _reply(response, b"")
    except TooLarge:
        raise
    except Exception as failure:  # noqa: BLE001  as above
        return _accident(failure, was_begun=trail.was_begun)


class _Trail:
    """How far a call got; listens to the client's own account of it."""

    def __init__(self) -> None:
        self.was_begun = False

    def note(self, name: str, _info: Any) -> None:
        if name.endswith("send_request_headers.started"):
            self.was_begun = True

    async def note_async(self, name: str, info: Any) -> None:
        self.note(name, info)


class _Connection(httpx.AsyncHTTPTransport):
    """httpx's own, with a single connection instead of its pool, and a look at what it dials."""

    def __init__(self, url: httpx.URL, dialler: Dialler) -> None:
        origin = httpcore.Origin(url.raw_scheme, url.raw_host, url.port or PORTS[url.scheme])
        self._pool: Any = httpcore.AsyncHTTPConnection(
            origin, ssl_context=_tls(), keepalive_expiry=IDLE_SECONDS, retries=0, network_backend=dialler
        )

    @property
    def is_usable(self) -> bool:
        """Whether another call may be made: neither side has ended it."""
        return self._pool.is_available() and not self._pool.has_expired()


class _PlainTransport(httpx.HTTPTransport):
    """The same outside of an event loop."""

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=_tls(), http1=True, retries=0, network_backend=PlainDialler())


async def _taken(idle: deque[tuple[float, _Connection]]) -> _Connection | None:
    """Return the last used that still stands, if there is one; those that nobody needed for a while are closed."""
    while idle and idle[0][0] < time.monotonic() - IDLE_SECONDS:
        await idle.popleft()[1].aclose()
    while idle:
        if (connection := idle.pop()[1]).is_usable:
            return connection
        await connection.aclose()
    return None


async def _call(connection: _Connection, url: httpx.URL, written: Written, seconds: float, trail: _Trail) -> Reply:
    timeout = httpx.Timeout(seconds, connect=min(seconds / 2, CONNECT_SECONDS))
    request = httpx.Request(
        written.method, url, headers=dict(written.headers), content=written.body or None,
        extensions={"timeout": timeout.as_dict(), "trace": trail.note_async},
    )  # fmt: skip
    response = await connection.handle_async_request(request)
    assert isinstance(response.stream, httpx.AsyncByteStream)
    pieces, size = [], 0
    try:
        async for piece in response.stream:
            pieces.append(piece)
            size += len(piece)
            if size >= MOST_BYTES:
                break
    finally:
        await response.stream.aclose()
    return _reply(response, b"".join(pieces))


@contextmanager
def _opened(order: HttpOrder, trail: _Trail, *, redirects: bool = False) -> Iterator[tuple[httpx.Response, float]]:
    """Begin a call; gives its answer, and until when it may take (monotonic seconds)."""
    written, until = write(order), time.monotonic() + order.seconds
    client = httpx.Client(transport=_PlainTransport(), trust_env=False, max_redirects=MOST_REDIRECTS)
    with client, client.stream(
        written.method, written.url, content=written.body or None, headers=dict(written.headers),
        timeout=httpx.Timeout(order.seconds, connect=min(order.seconds / 2, CONNECT_SECONDS)),
        follow_redirects=redirects, extensions={"trace": trail.note},
    ) as response:  # fmt: skip
        yield response, until


def _read(response: httpx.Response, until: float) -> bytes:
    pieces, size = [], 0
    for piece in response.iter_raw():
        pieces.append(piece)
        size += len(piece)
        if size >= MOST_BYTES:
            break
        _check(0, 0, until)
    return b"".join(pieces)


def _check(size: int, most_bytes: int, until: float) -> None:
    if size > most_bytes:
        raise TooLarge(f"The file has more than {most_bytes} bytes.")
    if time.monotonic() > until:
        raise httpx.ReadTimeout("The answer took too long.")


def _reply(response: httpx.Response, raw: bytes) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, _unpacked(raw, headers.get("content-encoding", ""))[:MOST_BYTES], headers)


def _unpacked(raw: bytes, encoding: str) -> bytes:
    """Return an answer that was packed though nobody asked for that, or as much of it as is taken."""
    if encoding not in {"gzip", "deflate"}:
        return raw
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, MOST_BYTES)
    except zlib.error:
        return raw


def _accident(failure: Exception, *, was_begun: bool) -> Accident:
    """
    Return what a failure means: once a request has begun to leave, nobody can say how much of it arrived.

    Nor after a defect of ours, which is not for the provider to be blamed for: it is told to operators.
    """
    detail = _detail(failure)
    is_defect = not isinstance(failure, EXPECTED)
    if is_defect:
        note_fault("http", failure)
    if was_begun or is_defect:
        return Accident(AMBIGUOUS, detail)
    is_ours = any(isinstance(each, OSError) and each.errno in OURS for each in _causes(failure))
    return Accident(OUR_FAULT if is_ours or isinstance(failure, httpx.PoolTimeout) else NOT_SENT, detail)


def _detail(failure: Exception) -> str:
    """Return what happened in words of ours: those of the libraries name URLs, and URLs hold tokens."""
    causes = list(_causes(failure))
    if any(isinstance(each, Blocked) for each in causes):
        return "The address is not public."
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return "The TLS handshake failed."
    for kinds, words in IN_WORDS:
        if isinstance(failure, kinds):
            return words
    return f"The call failed ({type(failure).__name__})."


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__


@lru_cache(maxsize=1024)
def _parsed(url: str) -> httpx.URL:
    """Return a URL that is called again and again, taken apart. Raises InvalidURL, UnsupportedProtocol."""
    if (parsed := httpx.URL(url)).scheme in PORTS:
        return parsed
    raise httpx.UnsupportedProtocol("This is no address of the web.")


def _refuse_sandbox(livemode: bool) -> None:  # noqa: FBT001  private, and named by its only argument
    if not livemode:
        raise RuntimeError("A sandbox was about to call a provider.")


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


IN_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((httpx.ConnectTimeout,), "No connection was made in time."),
    ((httpx.ConnectError,), "No connection could be made."),
    ((httpx.TooManyRedirects,), "There were too many redirects."),
    ((httpx.TimeoutException, TimeoutError), "There was no answer in time."),
    ((httpx.ReadError, httpx.WriteError, httpx.CloseError), "The connection was reset."),
    ((httpx.RemoteProtocolError,), "The answer was cut off, or was no HTTP."),
)
