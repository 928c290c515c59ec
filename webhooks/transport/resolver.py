"""Names of customers' servers, looked up beside the loop so that a slow name server delays nobody else's."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiohttp.abc import AbstractResolver, ResolveResult

from core.guard import NO_ANSWER, addresses_of

SECONDS = 5.0
THREADS = 32
MOST_NAMES = 10_000
FRESH_SECONDS = 60.0
# An old answer is better than none: while a new one does not come, it is used, and soon.
KEPT_SECONDS = 3600.0
PATIENCE_SECONDS = 0.5
FAILED_SECONDS = 10.0
LONGEST_FAILED_SECONDS = 300.0  # a name that is never answered is asked for less and less often
SUSPICIOUS_NAMES = 3  # without an answer in a row, and it is our own resolver that is away

LookUp = Callable[[str], Sequence[str]]


class NameFailed(OSError):
    """A name led to no address; ``is_ours`` when the ``reason`` says nothing about the name."""

    def __init__(self, name: str, reason: str, *, is_ours: bool) -> None:
        super().__init__(socket.EAI_NONAME, f"{name}: {reason}")
        self.reason = reason
        self.is_ours = is_ours


@dataclass(slots=True)
class _Name:
    """What is known of a name; times are seconds of the loop."""

    addresses: Sequence[str] = ()
    failure: str = "no answer yet"
    found_at: float = 0.0
    fresh_until: float = 0.0
    unanswered: int = 0  # lookups in a row
    lookup: asyncio.Task[None] | None = None
    asked_at: float = 0.0
    has_thread: bool = False  # the lookup; or it waits for one


class Resolver(AbstractResolver):
    """
    Looks up names in threads and remembers what it found; lives in one loop.

    A name has one thread at most, however many ask for it, and nobody waits longer than ``seconds``; the thread goes
    on, and what it finds serves the next who asks. The end of the process waits for none of them.
    """

    def __init__(self, look_up: LookUp = addresses_of, *, seconds: float = SECONDS, threads: int = THREADS) -> None:
        self._look_up = look_up
        self._seconds = seconds
        self._threads = asyncio.Semaphore(threads)
        self._loop = asyncio.get_running_loop()
        self._names: dict[str, _Name] = {}
        self._unanswered: set[str] = set()  # names, since the last answer about any

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  the interface's; both are always asked for
    ) -> list[ResolveResult]:
        """Return where a name leads, in both families. Raises NameFailed."""
        name = self._names.get(host) or self._remember(host)
        now = self._loop.time()
        if name.fresh_until <= now:
            if name.found_at + KEPT_SECONDS < now:
                name.addresses = ()
            await self._wait_for_news(host, name)
        if not name.addresses:
            raise NameFailed(host, name.failure, is_ours=self._is_our_fault(host, name))
        return [_result(host, address, port) for address in name.addresses]

    async def close(self) -> None:
        """Wait for no answer any more."""
        lookups = [name.lookup for name in self._names.values() if name.lookup is not None]
        for lookup in lookups:
            lookup.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)

    def _remember(self, host: str) -> _Name:
        if len(self._names) >= MOST_NAMES:
            oldest = next((known for known, name in self._names.items() if name.lookup is None), None)
            self._names.pop(oldest or "", None)
        name = self._names[host] = _Name()
        return name

    async def _wait_for_news(self, host: str, name: _Name) -> None:
        if name.lookup is None:
            name.asked_at, name.has_thread = self._loop.time(), False
            name.lookup = self._loop.create_task(self._ask(host, name))
        patience = PATIENCE_SECONDS if name.addresses else self._seconds
        left = name.asked_at + patience - self._loop.time()
        done, _ = await asyncio.wait({name.lookup}, timeout=max(left, 0.0))
        if not done and not name.addresses:
            name.failure = f"no answer within {self._seconds:g} s"
            if name.has_thread:
                self._unanswered.add(host)

    async def _ask(self, host: str, name: _Name) -> None:
        try:
            async with self._threads:
                name.has_thread = True
                found = await self._in_thread(host)
        finally:
            name.lookup = None
        self._note(host, name, found)

    def _in_thread(self, host: str) -> "asyncio.Future[Sequence[str] | Exception]":
        answer: asyncio.Future[Sequence[str] | Exception] = self._loop.create_future()

        def run() -> None:
            try:
                found: Sequence[str] | Exception = self._look_up(host)
            except Exception as failure:  # noqa: BLE001  it is the answer, and noted
                found = failure
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(_tell, answer, found)

        threading.Thread(target=run, daemon=True, name="webhooks-dns").start()
        return answer

    def _note(self, host: str, name: _Name, found: Sequence[str] | Exception) -> None:
        now = self._loop.time()
        if isinstance(found, OSError) and found.errno in NO_ANSWER:
            self._unanswered.add(host)
            name.failure = _reason(found)
            name.fresh_until = now + min(FAILED_SECONDS * 2**name.unanswered, LONGEST_FAILED_SECONDS)
            name.unanswered = min(name.unanswered + 1, 16)
            return
        self._unanswered.clear()
        name.unanswered = 0
        if isinstance(found, Exception) or not found:
            name.addresses, name.failure, name.fresh_until = (), _reason(found), now + FAILED_SECONDS
        else:
            name.addresses, name.found_at, name.fresh_until = found, now, now + FRESH_SECONDS

    def _is_our_fault(self, host: str, name: _Name) -> bool:
        if name.lookup is not None and not name.has_thread:
            return True
        return host in self._unanswered and len(self._unanswered) >= SUSPICIOUS_NAMES


def _tell(answer: "asyncio.Future[Sequence[str] | Exception]", found: Sequence[str] | Exception) -> None:
    if not answer.done():  # nobody waits any more
        answer.set_result(found)


def _reason(found: Sequence[str] | Exception) -> str:
    """Return why a lookup led nowhere."""
    if not isinstance(found, Exception):
        return "no address"
    return str(getattr(found, "strerror", None) or found)


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)
