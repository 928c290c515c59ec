"""Plain connections to mail servers: only to addresses that may be dialled, and never for longer than was asked."""

import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Self

from core import guard


class Watchdog:
    """Ends a conversation that takes too long in all, however slowly the other side drips."""

    def __init__(self, seconds: float, connection: Callable[[], socket.socket | None]) -> None:
        self._connection = connection
        self._timer = threading.Timer(seconds, self._bite)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._timer.cancel()

    def _bite(self) -> None:
        if (connection := self._connection()) is not None:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS has a farewell that waits for an answer


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """
    Return a connection to the first address of a host that answers and may be dialled.

    Raises OSError; BlockedAddress where no address may be dialled, TimeoutError after so many ``seconds``.
    """
    until = time.monotonic() + seconds
    try:
        found = [host] if guard.is_literal(host) else guard.addresses_of(host)
    except UnicodeError:
        raise OSError(errno.EINVAL, "This is no name of a host.") from None
    allowed = [address for address in found if not guard.is_blocked(address)]
    if not allowed:
        raise guard.BlockedAddress(errno.EACCES, "The address is not public.")
    for address in allowed[:-1]:
        with suppress(OSError):
            return _dialled(address, port, until)
    return _dialled(allowed[-1], port, until)


def secured(connection: socket.socket, host: str) -> ssl.SSLSocket:
    """Return a connection with TLS, its certificate checked against the host's name. Raises OSError, ssl.SSLError."""
    return tls().wrap_socket(connection, server_hostname=host)


def may_say_secrets(connection: socket.socket) -> bool:
    """Whether a password may be said: through TLS, or inside a network that the operator lists."""
    return isinstance(connection, ssl.SSLSocket) or guard.is_listed(str(connection.getpeername()[0]))


@cache
def tls() -> ssl.SSLContext:
    """Return how TLS is spoken: with certificates of authorities this machine trusts, and no others."""
    return ssl.create_default_context()


def _dialled(address: str, port: int, until: float) -> socket.socket:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("There was no connection in time.")
    return socket.create_connection((address, port), left)
