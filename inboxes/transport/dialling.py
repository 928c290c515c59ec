"""Where calls to providers go: names are looked up, every address is checked, and that very address is dialled."""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from core import guard

LOOKUP_THREADS = 8
LOOKUP_SECONDS = 10.0


class Blocked(httpcore.ConnectError):
    """None of a host's addresses may be dialled."""


class Dialler(httpcore.AsyncNetworkBackend):
    """Opens connections from inside an event loop, to addresses that may be dialled only."""

    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()
        self._lookups = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="providers-dns")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that answers. Raises ConnectError, ConnectTimeout."""
        addresses = [host] if guard.is_literal(host) else await self._look_up(host)
        return await self._first(allowed(host, addresses), port, timeout, local_address, socket_options)

    def close(self) -> None:
        """Wait for no name server any more."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str) -> Sequence[str]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._lookups, guard.addresses_of, host)
        except (OSError, UnicodeError) as failure:
            raise httpcore.ConnectError(f"{host}: {failure}") from failure

    async def _first(self, addresses: Sequence[str], port: int, *options: Any) -> httpcore.AsyncNetworkStream:
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, *options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(addresses[-1], port, *options)


class PlainDialler(httpcore.NetworkBackend):
    """The same outside of an event loop."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers. Raises ConnectError, ConnectTimeout."""
        try:
            addresses = [host] if guard.is_literal(host) else guard.addresses_within(host, timeout or LOOKUP_SECONDS)
        except TimeoutError as failure:
            raise httpcore.ConnectTimeout(f"{host}: its name server says nothing.") from failure
        except (OSError, UnicodeError) as failure:
            raise httpcore.ConnectError(f"{host}: {failure}") from failure
        *first, last = allowed(host, addresses)
        for address in first:
            try:
                return self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._backend.connect_tcp(last, port, timeout, local_address, socket_options)


def allowed(host: str, addresses: Sequence[str]) -> Sequence[str]:
    """Return those of a host's addresses that may be dialled. Raises Blocked when there is none."""
    found = [address for address in addresses if not guard.is_blocked(address)]
    if not found:
        raise Blocked(f"{host} is not at a public address.")
    return found
