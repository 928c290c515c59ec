"""The client that sends deliveries: one request, one answer, whatever the other side does."""

import asyncio
import math
import resource
import socket
import ssl
import time
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import structlog
from aiohttp import (
    ClientHttpProxyError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
)
from aiohttp.connector import Connection
from django.conf import settings
from yarl import URL

from core import guard
from webhooks.transport import answers, failures
from webhooks.transport.exchange import USER_AGENT, Answer, Outgoing
from webhooks.transport.resolver import Resolver
from webhooks.transport.targets import parsed
from webhooks.transport.wire import RECEIVED_AT_ONCE, Connector

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 90.0
MOST_OPEN = 4000  # connections; beyond it, or half of the descriptors there are, none is kept for later
# A connection that lay idle may be closed by the other side at the very moment it is used; that shows at once.
STALE_SECONDS = 1.0
MOST_TRIES = 3
PROXY_SECONDS = 2.0
PROXY_REFUSES = 407
GRUMBLE_SECONDS = 5.0

log = structlog.get_logger(__name__)


class _Trail:
    """How far a request got, and what kept it; ``is_new`` when it had a connection made for it."""

    __slots__ = ("detail", "is_blocked", "is_new", "remote_ip", "response", "was_sent")

    def __init__(self) -> None:
        self.is_new = self.was_sent = self.is_blocked = False
        self.remote_ip = self.detail = ""
        self.response: ClientResponse | None = None


_trail: ContextVar[_Trail] = ContextVar("webhook_trail")


class _Response(ClientResponse):
    """Notes whom it comes from: once it is there, its connection is somebody else's."""

    async def start(self, connection: Connection) -> ClientResponse:
        trail = _trail.get()
        trail.was_sent = True
        if connection.transport and (peer := connection.transport.get_extra_info("peername")):
            trail.remote_ip = peer[0]
        return await super().start(connection)


class Sender:
    """
    Sends to customers' servers, from inside one event loop and for as long as that lives.

    Connections are kept for the next request, unless so many are open that new ones might find no descriptor.
    """

    def __init__(self, *, resolver: Resolver | None = None) -> None:
        self._resolver = resolver or Resolver()
        self._proxy = URL(settings.WEBHOOK_PROXY) if settings.WEBHOOK_PROXY else None
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._sockets: set[socket.socket] = set()
        self._most_open = _most_open()
        self._keeping = self._session(keepalive_timeout=IDLE_SECONDS)
        self._closing = self._session(force_close=True)
        self._is_closed = False
        self._grumbled_at = -math.inf

    async def send(self, outgoing: Outgoing) -> Answer:
        """Make one request and say what came of it. Raises nothing but CancelledError."""
        started = time.perf_counter()
        for left in reversed(range(MOST_TRIES)):
            trail = _Trail()
            token = _trail.set(trail)
            try:
                answer = await self._try(outgoing, trail, started)
            finally:
                _trail.reset(token)
            if not left or not _was_stale(answer, trail):
                return answer
        raise AssertionError("the last try is returned")

    async def close(self) -> None:
        """Close every connection; what is being sent fails as our fault."""
        self._is_closed = True
        await self._keeping.close()
        await self._closing.close()
        await self._resolver.close()

    async def _try(self, outgoing: Outgoing, trail: _Trail, started: float) -> Answer:
        session = self._keeping if len(self._sockets) < self._most_open else self._closing
        body, error = b"", ""
        try:
            url = parsed(outgoing.url)
            if self._proxy:
                _refuse_private(url)
            trail.response = await session.post(
                url,
                data=outgoing.body,
                headers=outgoing.headers,
                timeout=_timeout(outgoing.seconds),
                allow_redirects=False,
            )
            body = await _read(trail.response)
        except Exception as failure:  # noqa: BLE001  every one is an answer, to be judged by the engine
            error = await self._blame(failure, trail)
            trail.is_blocked = error == failures.BLOCKED_ADDRESS
            trail.detail = failures.detail(failure)
            if not self._proxy:
                error, trail.detail = failures.told(error, trail.detail, _host(outgoing.url))
        milliseconds = round((time.perf_counter() - started) * 1000)
        return self._answer(trail, error, body, milliseconds)

    async def _blame(self, failure: Exception, trail: _Trail) -> str:
        error = failures.named(failure, was_sent=trail.was_sent)
        if self._is_closed:
            return failures.OUR_FAULT
        if self._proxy and not trail.was_sent and not await self._is_well(self._proxy, failure):
            error = failures.OUR_FAULT
        now = time.monotonic()
        if error == failures.OUR_FAULT and now > self._grumbled_at + GRUMBLE_SECONDS:
            self._grumbled_at = now  # once for the many that fail alike
            log.warning("webhook_transport_fault", failure=f"{type(failure).__name__}: {failure}"[:300])
        return error

    async def _is_well(self, proxy: URL, failure: Exception) -> bool:
        """Whether a failure to connect is of the server behind the proxy: then the proxy itself can be reached."""
        if isinstance(failure, InvalidURL | ClientHttpProxyError):
            return True
        if getattr(failure, "host", None) == proxy.host:
            return False
        with suppress(OSError):
            async with asyncio.timeout(PROXY_SECONDS):
                _, writer = await asyncio.open_connection(proxy.host, proxy.port)
            writer.close()
            return True
        return False

    def _answer(self, trail: _Trail, error: str, body: bytes, milliseconds: int) -> Answer:
        response = trail.response
        if self._proxy and response is not None and response.status == PROXY_REFUSES:
            error = failures.OUR_FAULT
        if error == failures.OUR_FAULT:
            return Answer(None, error, milliseconds, is_ours=True)
        remote_ip = "" if self._proxy else trail.remote_ip
        if response is None:
            return Answer(None, error, milliseconds, remote_ip, detail=trail.detail, is_blocked=trail.is_blocked)
        error = error or failures.of_status(response.status)
        return Answer(
            status=response.status,
            error_class=error,
            milliseconds=milliseconds,
            remote_ip=remote_ip,
            headers=answers.shown(response.headers),
            body="" if error == failures.REDIRECT else answers.text(body),
            retry_after=answers.retry_after(response.headers) if error else None,
        )

    def _session(self, **options: Any) -> ClientSession:
        connector = Connector(
            limit=0,  # whoever sends decides how many there are at a time
            resolver=self._resolver,
            use_dns_cache=False,  # the resolver remembers by itself
            ssl=self._tls,
            socket_factory=self._socket,
            **options,
        )
        return ClientSession(
            connector=connector,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            skip_auto_headers=("Accept", "Content-Type"),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            proxy=self._proxy,
            read_bufsize=answers.MOST_BYTES,
            response_class=_Response,
        )

    def _socket(self, dialled: tuple[Any, ...]) -> socket.socket:
        """Return a socket for an address that is about to be dialled. Raises BlockedAddress, OSError."""
        made = socket.socket(*dialled[:3]) if self._proxy else guard.guarded_socket(dialled)
        if len(self._sockets) >= self._most_open:
            self._sockets = {known for known in self._sockets if known.fileno() >= 0}
        self._sockets.add(made)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_AT_ONCE)
        trail = _trail.get()
        trail.is_new, trail.remote_ip = True, dialled[4][0]
        return made


async def _read(response: ClientResponse) -> bytes:
    """Return the body as it came over the wire, or the first 16 KiB of it; the connection is then closed."""
    content, parts, left = response.content, [], answers.MOST_BYTES
    try:
        while left > 0 and not content.at_eof():
            part = await content.read(left)
            parts.append(part)
            left -= len(part)
    finally:
        if not response.closed:
            response.close()
    return parts[0] if len(parts) == 1 else b"".join(parts)


@lru_cache(maxsize=64)
def _timeout(seconds: float) -> ClientTimeout:
    return ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS, ceil_threshold=math.inf)


def _most_open() -> int:
    """Return how many connections may be open before none is kept any more."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_OPEN if descriptors == resource.RLIM_INFINITY else min(MOST_OPEN, descriptors // 2)


def _host(url: str) -> str:
    try:
        return parsed(url).raw_host or ""
    except ValueError:
        return ""


def _refuse_private(url: URL) -> None:
    """Check what a proxy is asked for: it resolves names itself, and must refuse private ones by itself, too."""
    host = url.raw_host or ""
    if guard.is_literal(host) and guard.is_blocked(host):
        raise InvalidURL(url, "is not public")


def _was_stale(answer: Answer, trail: _Trail) -> bool:
    """Whether a kept connection ended before a word of an answer: the receiver most likely never saw the request."""
    is_silent = answer.status is None and answer.error_class == failures.CONNECTION_RESET
    return is_silent and trail.was_sent and not trail.is_new and answer.milliseconds < STALE_SECONDS * 1000
