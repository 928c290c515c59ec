"""What happens between the signal to stop and the stop: clients are sent off first."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType

import structlog

SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger(__name__)


class Drain:
    """
    Stands before the server's own signal handlers: the first signal drains and is then passed on, a second one
    ends the process at once.

    It works the same under every server, because none of them (uvicorn, daphne) can be told to drain.
    """

    def __init__(self, drain: Callable[[], Awaitable[None]]) -> None:
        self._drain = drain
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._servers_handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def install(self) -> None:
        """Take the signals over; does nothing where they are not ours to take (``runserver`` with its reloader)."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                self._servers_handlers[number] = handler
                signal.signal(number, self._hear)

    def uninstall(self) -> None:
        """Give the signals back."""
        for number, handler in self._servers_handlers.items():
            if signal.getsignal(number) == self._hear:
                signal.signal(number, handler)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self._task is not None or self._loop.is_closed():
            os._exit(128 + number)
        self._loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._stop(number))

    async def _stop(self, number: int) -> None:
        try:
            await self._drain()
        except Exception:
            log.exception("drain_failed")
        self._servers_handlers[number](number, None)
