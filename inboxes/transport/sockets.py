"""Plain connections to mail servers: only to addresses that may be dialled, and never for longer than was asked."""

import errno
import socket
import ssl
import threading
import time
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Self

from core import guard


class Watchdog:
    """
    Ends a conversation that takes too long in all, however slowly the other side drips.

    ``with Watchdog(8.0) as watchdog: watchdog.watch(connection)``, as soon as there is one: the handshake of TLS drips
    as well as anything that follows. It holds on to the connection itself, whatever object stands for it later.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._bite)
        self._timer.daemon = True
        self._lock = threading.Lock()  # of the two that follow
        self._watched: list[socket.socket] = []
        self._has_bitten = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._watched:
                connection.close()
            self._watched.clear()

    def watch(self, connection: socket.socket) -> None:
        """End this connection when the time is over, or at once if it is."""
        with self._lock:
            self._watched.append(connection.dup())
            if self._has_bitten:
                self._end()

    def _bite(self) -> None:
        with self._lock:
            self._has_bitten = True
            self._end()

    def _end(self) -> None:
        for connection in self._watched:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """
    Return a connection to the first address of a host that answers and may be dialled.

    Raises OSError; BlockedAddress where no address may be dialled, NoPublicAddress where that, or whether there is
    one, is not to be told; TimeoutError after so many ``seconds``.
    """
    until = time.monotonic() + seconds
    try:
        found = [host] if guard.is_literal(host) else guard.addresses_within(host, seconds)
    except UnicodeError:
        raise OSError(errno.EINVAL, "This is no name of a host.") from None
    except socket.gaierror as failure:
        if failure.errno in guard.NO_ANSWER or guard.is_told_apart(host):
            raise
        raise guard.NoPublicAddress from None
    allowed = [address for address in found if not guard.is_blocked(address)]
    if not allowed and not guard.is_told_apart(host):
        raise guard.NoPublicAddress
    if not allowed:
        raise guard.BlockedAddress(errno.EACCES, "The address is not public.")
    for address in allowed[:-1]:
        with suppress(OSError):
            return _dialled(address, port, until)
    return _dialled(allowed[-1], port, until)


def wrong_with_host(failure: BaseException | None) -> str:
    """Return what a failed connection says against the host that was named; empty where it says nothing."""
    if isinstance(failure, guard.NoPublicAddress):
        return "no_public_address"
    return "private_address" if isinstance(failure, guard.BlockedAddress) else ""


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
