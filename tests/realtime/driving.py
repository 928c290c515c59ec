"""Drives the cable's consumer without a server: an event loop of its own, and clients that look synchronous."""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from asgiref.testing import ApplicationCommunicator

from realtime.consumers import CableConsumer
from realtime.services import process
from realtime.services.hub import Hub

Answer = TypeVar("Answer")
SOON = 60.0
WHO_IS_ONLINE = ("presence.update", "presence")
QUIET = 0.15


class Stage:
    """An event loop in a thread: one process of the cable."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._clients: list[Client] = []
        self.hub: Hub = self.run(self._hub())
        self.run(asyncio.wait_for(self.hub.switchboard.link.up.wait(), SOON))

    def run(self, work: Coroutine[Any, Any, Answer], seconds: float = 2 * SOON) -> Answer:
        """Do something in the loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def client(self, *protocols: str, sid: str = "", headers: list[tuple[bytes, bytes]] | None = None) -> "Client":
        """Return a client that has connected."""
        client = Client(self, protocols, sid, headers or [])
        self._clients.append(client)
        return client

    def close(self) -> None:
        """End everything."""
        for client in self._clients:
            client.hang_up()
        self.run(process.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SOON)
        self._loop.close()

    async def _hub(self) -> Hub:
        return process.hub()


class Client:
    """A client of the cable."""

    def __init__(self, stage: Stage, protocols: tuple[str, ...], sid: str, headers: list[tuple[bytes, bytes]]) -> None:
        self._stage = stage
        self._gone = False
        scope = {
            "type": "websocket",
            "path": "/cable",
            "query_string": f"sid={sid}".encode() if sid else b"",
            "headers": headers,
            "subprotocols": list(protocols),
        }
        self._talk: ApplicationCommunicator = stage.run(self._open(scope))
        self.handshake = self.message()

    async def _open(self, scope: dict[str, Any]) -> ApplicationCommunicator:
        talk = ApplicationCommunicator(CableConsumer.as_asgi(), scope)
        await talk.send_input({"type": "websocket.connect"})
        return talk

    def message(self, seconds: float = SOON) -> dict[str, Any]:
        """Return the next thing the consumer tells the server."""
        return self._stage.run(self._talk.receive_output(seconds))

    def text(self, seconds: float = SOON) -> str:
        """Return the next frame as it is, without pings."""
        while True:
            message = self.message(seconds)
            assert message["type"] == "websocket.send", message
            if not message["text"].startswith('{"type":"ping"'):
                return str(message["text"])

    def frame(self, seconds: float = SOON) -> dict[str, Any]:
        """Return the next frame, without pings and who is online."""
        while True:
            frame: dict[str, Any] = json.loads(self.text(seconds))
            if not (isinstance(frame.get("message"), dict) and frame["message"].get("event") in WHO_IS_ONLINE):
                return frame

    def frames(self, count: int) -> list[dict[str, Any]]:
        """Return some frames."""
        return [self.frame() for _ in range(count)]

    def is_silent(self, seconds: float = QUIET) -> bool:
        """Whether nothing but pings comes for a while; what does come is gone then."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not self.has_something(left):
                return True
            if '"type":"ping"' not in self.message().get("text", ""):
                return False
        return True

    def has_something(self, seconds: float) -> bool:
        """Whether anything comes within a while; it can still be read."""
        silent: bool = self._stage.run(self._talk.receive_nothing(seconds))
        return not silent

    def say(self, **frame: Any) -> None:
        """Send a frame."""
        self.say_text(json.dumps(frame))

    def say_text(self, text: str) -> None:
        """Send text as it is."""
        self._stage.run(self._talk.send_input({"type": "websocket.receive", "text": text}))

    def say_bytes(self, content: bytes) -> None:
        """Send a binary frame."""
        self._stage.run(self._talk.send_input({"type": "websocket.receive", "bytes": content}))

    def subscribe(self, identifier: str, **more: Any) -> dict[str, Any]:
        """Subscribe, and return the answer."""
        self.say(command="subscribe", identifier=identifier, **more)
        return self.frame()

    def hang_up(self) -> None:
        """Break the connection."""
        if not self._gone:
            self._gone = True
            self._stage.run(self._hang_up())

    async def _hang_up(self) -> None:
        await self._talk.send_input({"type": "websocket.disconnect", "code": 1006})
        await self._talk.wait(SOON)


def room(token: str, **more: Any) -> str:
    """Return the identifier clients subscribe with."""
    return json.dumps({"channel": "RoomChannel", "pubsub_token": token, **more}, separators=(",", ":"))
