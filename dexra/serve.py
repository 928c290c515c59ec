"""Serves Dexra: ``python -m dexra.serve --role web|cable|all --host HOST --port PORT``."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from realtime.services import limits

# Far beyond what browsers and proxies send; nginx takes 32 KiB.
LARGEST_HEAD_BYTES = 65_536
HEAD_SECONDS = 20.0
GRACE_SECONDS = 15  # for requests that are being answered when the process is stopped
# A client that does not take its last frames keeps its connection, and the memory of it, no longer than this.
ABORT_SECONDS = 5.0


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
    server = Server(uvicorn.Config("dexra.asgi:application", host=arguments.host, port=arguments.port, **_options()))
    server.run()
    return 0 if server.started else 1


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
    return parser


if __name__ == "__main__":
    sys.exit(main())
