"""
The cable: how long a broadcast takes to reach the last of 2,000 sockets, and what a frame and a socket cost.

The clients are raw sockets in one epoll loop of this process; they offer no compression. Server CPU and memory are
read from /proc, so the figures do not depend on how busy the machine is; wall times do.
"""

import base64
import json
import os
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import product
from realtime.services import broker
from realtime.services.broker import Publication

PAYLOAD_TEXT = "x" * 700  # about the size of a message.created frame


class Client:
    """One subscribed socket that counts the frames it gets."""

    def __init__(self, port: int, identifier: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                "GET /cable HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                "Sec-WebSocket-Protocol: actioncable-v1-json\r\n\r\n"
            ).encode()
        )
        self.received = b""
        self.read_until(b"\r\n\r\n")
        self.send(json.dumps({"command": "subscribe", "identifier": identifier}).encode())
        self.read_until(b"confirm_subscription")
        self.socket.setblocking(False)

    def read_until(self, marker: bytes) -> None:
        """Read until the marker was seen."""
        self.socket.settimeout(20)
        while marker not in self.received:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("The server closed a socket.")
            self.received += chunk
        self.received = b""

    def send(self, text: bytes) -> None:
        """Send one masked text frame (RFC 6455 section 5.2)."""
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))
        head = bytes([0x81, 0x80 | len(text)]) if len(text) < 126 else b"\x81\xfe" + len(text).to_bytes(2, "big")
        self.socket.sendall(head + mask + masked)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run showed."""

    sockets: int
    last_reached_ms: list[float]
    missing: int
    cpu_us_per_frame: float
    kilobytes_per_socket: float


def connect(port: int, identifier: str, count: int) -> list[Client]:
    """Open that many subscribed sockets."""
    return [Client(port, identifier) for _ in range(count)]


def fan_out(port: int, pid: int, identifier: str, stream: str, *, sockets: int, rounds: int) -> Figures:
    """Broadcast ``rounds`` times to that many sockets of one stream."""
    connect(port, identifier, 50)  # the first sockets pay for what all share
    before = product.memory_bytes(pid)
    clients = connect(port, identifier, sockets)
    time.sleep(2)
    kilobytes = (product.memory_bytes(pid) - before) / sockets / 1000
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    _round(clients, selector, stream, "warm-up")
    cpu, reached, missing = product.cpu_seconds(pid), [], 0
    for number in range(rounds):
        took, lost = _round(clients, selector, stream, f"round-{number}")
        reached.append(took * 1000)
        missing += lost
    spent = product.cpu_seconds(pid) - cpu
    for client in clients:
        client.socket.close()
    return Figures(sockets, sorted(reached), missing, spent / (rounds * sockets) * 1e6, kilobytes)


def _round(clients: Sequence[Client], selector: selectors.BaseSelector, stream: str, mark: str) -> tuple[float, int]:
    """Publish once; return the seconds until the last socket had it and how many never did."""
    payload = json.dumps({"event": "message.created", "data": {"mark": mark, "content": PAYLOAD_TEXT}}).encode()
    wanted, waiting = mark.encode(), set(clients)
    for client in clients:
        client.received = b""
    started = last = time.perf_counter()
    broker.publish([Publication(stream, payload, f"bench:{mark}:{os.urandom(4).hex()}")])
    while waiting and time.perf_counter() - started < 10:
        for key, _ in selector.select(timeout=0.5):
            client = key.data
            client.received += client.socket.recv(65536)
            if client in waiting and wanted in client.received:
                waiting.discard(client)
                last = time.perf_counter()
    time.sleep(0.3)
    return last - started, len(waiting)
