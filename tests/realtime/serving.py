"""Starts real servers of the cable, and talks to them through plain sockets."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240.0
SOON = 30.0


class Server:
    """One server on a port of its own, with the tests' database."""

    def __init__(
        self, name: str, log: Path, *, role: str = "all", port: int = 0, processes: str = "1", **environment: str
    ) -> None:
        self.name = name
        self.port = port or free_port()
        self._log = log
        self._clients: list[RawSocket] = []
        command = {
            "uvicorn": ["-m", "dexra.serve", "--role", role, "--port", str(self.port), "--processes", processes],
            "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "--websocket-max-message-size",
                       "65536", "dexra.asgi:application"],
        }[name]  # fmt: skip
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": _test_database(), "DATABASE_OWNER_URL": "",
                     "DEXRA_ROLE": role, "DEXRA_CABLE_DRAIN_SECONDS": "1", **environment},
                stdout=out,
                stderr=out,
            )  # fmt: skip
        self._await_start()

    @property
    def output(self) -> str:
        """Everything it has logged."""
        return self._log.read_text()

    def connect(self, *protocols: str, path: str = "/cable", receive_buffer: int = 0) -> "RawSocket":
        """Return an open websocket."""
        client = RawSocket(self.port, protocols, path, receive_buffer)
        self._clients.append(client)
        return client

    def get(self, path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a plain GET."""
        return self.request(f"GET {path} HTTP/1.1", *headers)

    def request(self, line: str, *headers: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer to a request."""
        head = "\r\n".join([line, "Host: localhost", "Connection: close", *headers, "", ""])
        with socket.create_connection(("127.0.0.1", self.port), timeout=SOON) as connection:
            connection.sendall(head.encode() + body)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        start, _, content = answer.partition(b"\r\n\r\n")
        status, *lines = start.decode("latin-1").split("\r\n")
        named = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(status.split(" ")[1]), named, content

    def terminate(self, seconds: float = 60.0) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Stop it without asking, and let go of the clients."""
        for client in self._clients:
            client.break_off()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SOON)

    def _await_start(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.kill()
        raise AssertionError(f"{self.name} did not start:\n{self.output}")


class Closed(Exception):
    """The server closed the connection."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class RawSocket:
    """A websocket that does only what it is told: no background reader, no automatic anything but pongs."""

    def __init__(self, port: int, protocols: tuple[str, ...], path: str, receive_buffer: int) -> None:
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(SOON)
        self._socket.connect(("127.0.0.1", port))
        self._talk = ClientProtocol(
            parse_uri(f"ws://127.0.0.1:{port}{path}"),
            subprotocols=[Subprotocol(name) for name in protocols] or None,
            max_size=None,
        )
        self._talk.send_request(self._talk.connect())
        self._flush()
        self._frames: list[Frame] = []
        self.response: Response = self._await_response()

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self.response.headers.get("Sec-WebSocket-Protocol")

    def say(self, **frame: Any) -> None:
        """Send a frame."""
        self.say_text(json.dumps(frame))

    def say_text(self, text: str) -> None:
        """Send text as it is."""
        self._talk.send_text(text.encode())
        self._flush()

    def say_bytes(self, content: bytes) -> None:
        """Send a binary frame."""
        self._talk.send_binary(content)
        self._flush()

    def text(self, seconds: float = SOON) -> str:
        """Return the next text frame, pings included. Raises Closed, TimeoutError."""
        self._socket.settimeout(seconds)
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if frame.opcode is Opcode.TEXT:
                    return bytes(frame.data).decode()
                if frame.opcode is Opcode.CLOSE:
                    raise Closed(self._talk.close_rcvd.code if self._talk.close_rcvd else None)
            self._read()

    def frame(self, seconds: float = SOON) -> dict[str, Any]:
        """Return the next frame, without pings and who is online."""
        while True:
            frame: dict[str, Any] = json.loads(self.text(seconds))
            if frame.get("type") == "ping":
                continue
            if isinstance(frame.get("message"), dict) and frame["message"].get("event") == "presence.update":
                continue
            return frame

    def subscribe(self, identifier: str, **more: Any) -> dict[str, Any]:
        """Subscribe, and return the answer."""
        self.say(command="subscribe", identifier=identifier, **more)
        return self.frame()

    def break_off(self) -> None:
        """Close the connection without a word."""
        self._socket.close()

    def _await_response(self) -> Response:
        while True:
            events = self._talk.events_received()
            self._frames += [event for event in events if isinstance(event, Frame)]
            for event in events:
                if isinstance(event, Response):
                    return event
            if content := self._socket.recv(65536):
                self._talk.receive_data(content)
            else:
                self._talk.receive_eof()

    def _read(self) -> None:
        try:
            content = self._socket.recv(65536)
        except ConnectionResetError:
            content = b""
        if not content:
            raise Closed(None)
        self._talk.receive_data(content)
        self._frames += [event for event in self._talk.events_received() if isinstance(event, Frame)]
        self._flush()

    def _flush(self) -> None:
        with contextlib.suppress(ConnectionError):  # the answer to a close may come too late
            for chunk in self._talk.data_to_send():
                self._socket.sendall(chunk)


def _test_database() -> str:
    """Return the address of the database the tests use, as the application sees it."""
    database: dict[str, Any] = settings.DATABASES["default"]
    fields = {
        "host": database["HOST"], "port": database["PORT"], "user": database["USER"],
        "password": database["PASSWORD"], "dbname": settings.DATABASES["default"]["TEST"]["NAME"],
    }  # fmt: skip
    return " ".join(f"{name}='{value}'" for name, value in fields.items() if value)
