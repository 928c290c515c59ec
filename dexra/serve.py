"""
Serves Dexra: ``python -m dexra.serve --role web|cable|all --host HOST --port PORT --processes N``.

How many processes serve HTTP is ``DEXRA_WEB_PROCESSES``, else two where there are two cores; a cable is one.
"""

import argparse
import asyncio
import gc
import os
import socket
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import environ
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dexra import crew, listening
from dexra.processes import BASE_DIR
from realtime.services import limits

# Far beyond what browsers and proxies send; nginx takes 32 KiB.
LARGEST_HEAD_BYTES = 65_536
HEAD_SECONDS = 20.0
GRACE_SECONDS = 15  # for requests that are being answered when the process is stopped
# A client that does not take its last frames keeps its connection, and the memory of it, no longer than this.
ABORT_SECONDS = 5.0
MOST_PROCESSES = 64


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which does not wait for ever for a request's head, nor take one of any size."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._patience.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, while the head is not too long."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        """Begin to wait for the next head."""
        self._patience.cancel()
        self._begin_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        self._patience.cancel()
        super().on_headers_complete()

    def _begin_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)


class CableProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket, which really lets go of the connection some seconds after the application has."""

    async def run_asgi(self) -> None:
        """Run the application for one socket."""
        try:
            await super().run_asgi()
        finally:
            asyncio.get_running_loop().call_later(ABORT_SECONDS, self.transport.abort)


class Server(uvicorn.Server):
    """uvicorn's server, which ends with exit code 0 when it was told to end."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  uvicorn's signature
        """Stop. The signal is not noted: uvicorn would raise it again after a clean stop."""
        self.should_exit = True


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    arguments = _parser().parse_args(argv)
    os.environ["DEXRA_ROLE"] = arguments.role
    config = uvicorn.Config("dexra.asgi:application", host=arguments.host, port=arguments.port, **_options())
    try:
        processes = arguments.processes or wanted_processes(arguments.role)
        return _serve(config) if processes == 1 else _serve_together(config, processes)
    except (listening.Unusable, OSError) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1


def wanted_processes(role: str) -> int:
    """Return how many processes serve together where the command line does not say. Raises Unusable."""
    if role == "cable":
        return 1
    environ.Env.read_env(BASE_DIR / ".env")
    text = os.environ.get("DEXRA_WEB_PROCESSES") or str(_default_processes())
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_PROCESSES):
        raise listening.Unusable(f"DEXRA_WEB_PROCESSES={text} is not a number from 1 to {MOST_PROCESSES}.")
    return int(text)


def _default_processes() -> int:
    """Two, for PostgreSQL needs cores as well; only Linux spreads a port's connections over processes."""
    return min(2, len(os.sched_getaffinity(0))) if sys.platform == "linux" else 1


def _serve(config: uvicorn.Config, *sockets: socket.socket) -> int:
    """Serve in this process; return the exit code."""
    server = Server(config)
    server.run(list(sockets) or None)
    return 0 if server.started else 1


def _serve_together(config: uvicorn.Config, processes: int) -> int:
    """Serve in several processes; return the exit code. Raises Unusable, OSError."""
    listening.refuse_taken(config.host, config.port)
    with crew.shared_socket(config.host, config.port) as reserved, crew.counted_together() as counts:
        port = reserved.getsockname()[1]
        config.load()  # the product itself, here, for all of them
        gc.freeze()  # the collector is not to touch, and thereby copy, what they share
        return crew.Crew(lambda: _serve(config, crew.shared_socket(config.host, port)), processes, counts).run()


def _options() -> dict[str, Any]:
    return {
        "loop": "auto",
        "lifespan": "on",
        "http": HttpProtocol,
        "ws": CableProtocol,
        "ws_max_size": limits.LARGEST_FRAME_BYTES,
        "ws_per_message_deflate": False,
        "access_log": False,
        "proxy_headers": False,  # whom to believe is Django's setting
        "log_config": None,  # Django's settings have it
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "server_header": False,
        "backlog": 4096,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dexra.serve", description=__doc__)
    parser.add_argument("--role", choices=("web", "cable", "all"), default="all")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--processes", type=int, choices=range(1, MOST_PROCESSES + 1), metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
