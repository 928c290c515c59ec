"""The door of ``/cable``: one consumer for each socket, which only carries messages to and fro."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from realtime.cable import protocol
from realtime.services import commands, process, subscribing
from realtime.services.sockets import Socket

Message = Mapping[str, Any]
RESTORE_HEADER = b"x-anycable-restore-sid"
ORIGIN_HEADER = b"origin"
LONGEST_SID = 64


class CableConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """
    One socket.

    Channels' layer and its per-message thread hop (`aclose_old_connections`) are left out: events come through
    the hub, and nothing here touches the database.
    """

    channel_layer_alias = "the cable uses no channel layer"

    def __init__(self) -> None:
        self.socket: Socket | None = None
        self._was_abandoned = False

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Serve the socket until it is gone."""
        self._task = asyncio.current_task()
        self._hub = process.hub()
        try:
            await super().__call__(scope, receive, send)
        except asyncio.CancelledError:
            if self.socket is not None and not self._was_abandoned:
                self.socket.part("server_restart", reconnect=True)
            if not self._was_abandoned:
                raise
        finally:
            if self.socket is not None:
                self._hub.leave(self.socket)

    async def dispatch(self, message: Message) -> None:
        """Carry one message from the server to its method."""
        if message["type"] == "websocket.receive" and self.socket is not None:
            self.socket.receive(message.get("text"))
        elif message["type"] == "websocket.connect":
            await self._connect()
        elif message["type"] == "websocket.disconnect":
            raise StopConsumer

    async def _connect(self) -> None:
        """Accept, and welcome; a process that cannot serve refuses the handshake, which clients retry."""
        if not await self._hub.is_ready():
            await self.base_send({"type": "websocket.close"})
            raise StopConsumer
        subprotocol = protocol.negotiate(self.scope.get("subprotocols", ()))
        await self.base_send({"type": "websocket.accept", "subprotocol": subprotocol})
        self.socket = Socket(
            self.base_send,
            partial(commands.obey, self._hub),
            self._abandon,
            extended=subprotocol == protocol.EXTENDED,
            origin=self._header(ORIGIN_HEADER),
        )
        await subscribing.welcome(self._hub, self.socket, self._sid())
        self._hub.enter(self.socket)

    def _abandon(self) -> None:
        """End a connection whose client does not even take its last frames."""
        self._was_abandoned = True
        if self._task is not None:
            self._task.cancel()

    def _sid(self) -> str:
        """Return the id of the session the client wants back: a query parameter, or a header."""
        asked = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get("sid", [""])[-1]
        asked = self._header(RESTORE_HEADER) or asked
        return asked if len(asked) <= LONGEST_SID else ""

    def _header(self, wanted: bytes) -> str | None:
        """Return a header's value, the last one's of several."""
        found = [value for name, value in self.scope.get("headers", ()) if name == wanted]
        return found[-1].decode("latin-1") if found else None
