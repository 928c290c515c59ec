"""
The ASGI application: HTTP goes to Django's WSGI handler in threads, ``/cable`` to its consumer.

``DEXRA_ROLE`` says what this process serves: ``web`` (HTTP), ``cable`` (the websocket and what operators ask for)
or ``all``.
"""

import gc
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from dexra.bridge import Bridge
from dexra.draining import Drain
from dexra.wsgi import application as django_application  # sets Django up, for the imports below
from realtime.consumers import CableConsumer
from realtime.services import process

ROLES = ("web", "cable", "all")
CABLE_PATHS = frozenset({"/cable", "/cable/"})
OPERATORS_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
OPERATORS_THREADS = 2  # of their own: what is wrong must be told while every other thread waits for the database

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Application:
    """Serves one process; see the module's text."""

    def __init__(self, role: str) -> None:
        if role not in ROLES:
            raise ValueError(f"DEXRA_ROLE is one of {', '.join(ROLES)}, not {role!r}.")
        self._role = role
        self._http = _bridge(settings.HTTP_THREADS)
        self._for_operators = _bridge(OPERATORS_THREADS)
        self._cable = CableConsumer.as_asgi()
        self._drain: Drain | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, one socket, or the life of the server."""
        if scope["type"] == "http":
            await self._serve_http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
        else:
            await self._live(receive, send)

    async def _serve_http(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/healthz":  # answered by the loop itself: it lives even when every thread is busy
            await _answer(send, 200, b'{"status": "ok"}', b"application/json")
        elif path == "/readyz" and process.is_draining():
            await _answer(send, 503, b"This process is being stopped")
        elif path in CABLE_PATHS or (self._role == "cable" and path not in OPERATORS_PATHS):
            await _answer(send, 404, b"Page not found")
        elif path in OPERATORS_PATHS:
            await self._for_operators(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _serve_socket(self, scope: Message, receive: Receive, send: Send) -> None:
        self._watch_signals()
        if self._role == "web" or scope["path"] not in CABLE_PATHS:
            await receive()
            await send({"type": "websocket.close"})
        else:
            await self._cable(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._watch_signals()
        if self._role != "web":
            process.hub()
        gc.freeze()  # what was loaded to serve stays loaded: the collector need not look through it ever again
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def close(self) -> None:
        """Stop what runs beside the requests."""
        if self._drain is not None:
            self._drain.uninstall()
        await process.stop()
        for bridge in (self._http, self._for_operators):
            bridge.executor.shutdown(wait=False)

    def _watch_signals(self) -> None:
        """Drain before a stop. Servers without a lifespan (daphne) get here with their first socket."""
        if self._drain is None:
            self._drain = Drain(lambda: process.drain(settings.CABLE_DRAIN_SECONDS))
            self._drain.install()


class _WithoutSecrets(logging.Filter):
    """Leaves out uvicorn's note of every handshake: it holds the query, and with it ``sid`` and tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep everything else."""
        return '"WebSocket %s"' not in str(record.msg)


def _bridge(threads: int) -> Bridge:
    return Bridge(
        django_application,
        workers=threads,
        longest_body=settings.MAX_ATTACHMENT_BYTES + settings.MAX_BODY_BYTES,
        longest_text=settings.MAX_BODY_BYTES,
        longest_at=settings.MAX_CALLBACK_BYTES,
    )


async def _answer(send: Send, status: int, body: bytes, kind: bytes = b"text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


logging.getLogger("uvicorn.error").addFilter(_WithoutSecrets())
application = Application(os.environ.get("DEXRA_ROLE", "all"))
