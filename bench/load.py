"""A load generator that costs little: raw HTTP/1.1 over keep-alive sockets, one epoll loop, prepared bytes."""

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

READ_BYTES = 65536


@dataclass
class Result:
    """What came back: seconds of each answer, by arrival, and how many were not 2xx."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0
    took: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.seconds) / self.took if self.took else 0.0

    def note(self, status: int, took: float) -> None:
        """Count one answer."""
        if 200 <= status < 300:
            self.seconds.append(took)
        else:
            self.failures += 1

    def percentile(self, share: float) -> float:
        """Return the time below which that share of answers stayed, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return one request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += ["Content-Type: application/json"] if body else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection:
    """One client that waits for each answer before it asks again."""

    def __init__(self, port: int, make: Callable[[], bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.make = make
        self.received = b""
        self.asked_at = 0.0

    def ask(self) -> None:
        self.received, self.asked_at = b"", time.perf_counter()
        self.socket.sendall(self.make())

    def read(self) -> int | None:
        """Return the status once the answer is whole."""
        chunk = self.socket.recv(READ_BYTES)
        if not chunk:
            raise ConnectionError("The server closed a connection in the middle of the load.")
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        return int(head[9:12]) if len(body) >= length else None


def run(port: int, makers: list[Callable[[], bytes]], *, seconds: float) -> Result:
    """Ask from ``len(makers)`` connections at once, each as fast as it is answered, for that long."""
    result, selector = Result(), selectors.DefaultSelector()
    connections = [Connection(port, make) for make in makers]
    started = time.perf_counter()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask()
    while selector.get_map():
        for key, _ in selector.select(timeout=10):
            connection = key.data
            status = connection.read()
            if status is None:
                continue
            result.note(status, time.perf_counter() - connection.asked_at)
            if time.perf_counter() - started < seconds:
                connection.ask()
            else:
                selector.unregister(connection.socket)
                connection.socket.close()
    result.took = time.perf_counter() - started
    return result
