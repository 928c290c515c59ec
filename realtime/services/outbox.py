"""
What waits to be sent to one socket, bounded in bytes, frames and time.

The server's ``send`` returns at once while the socket takes what it is given, and waits while it does not. So a frame
is handed over on the spot, and only when that would wait does a task go on with it: a broadcast makes no tasks
(which halves its cost), and the queue fills only for clients that do not read. Then the replaceable frames (presence,
typing, pings) go first, and if that is not enough the client is too slow.
"""

import asyncio
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any

from realtime.services import limits

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
MUST_ARRIVE = ""
NORMAL = 1000


class Frame:
    """One text frame, shared by all the sockets it goes to; ``key`` names what a later one of its kind replaces."""

    __slots__ = ("key", "message", "size")

    def __init__(self, text: str, *, key: str = MUST_ARRIVE, size: int = 0) -> None:
        self.message: Mapping[str, Any] = {"type": "websocket.send", "text": text}
        self.size = size or len(text)
        self.key = key


class Outbox:
    """The way out to one socket. It belongs to the event loop it was made in."""

    __slots__ = ("_bytes", "_close_code", "_is_closing", "_is_writing", "_loop", "_oldest_at", "_on_slow", "_queue",
                 "_room", "_send", "_writer")  # fmt: skip

    def __init__(self, send: Send, on_slow: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._send = send
        self._on_slow = on_slow
        self._queue: deque[tuple[float, Frame]] = deque()
        self._bytes = 0
        self._oldest_at = 0.0  # when the frame that is being written came in
        self._is_writing = False
        self._writer: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        self._is_closing = False
        self._close_code = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything has been written."""
        return not self._is_writing

    def put(self, frame: Frame) -> None:
        """Send a frame after those that wait; a client that has become too slow by it is reported."""
        if self._is_closing:
            return
        now = self._loop.time()
        self._queue.append((now, frame))
        self._bytes += frame.size
        if not self._is_writing:
            self._start()
        elif self._is_over(now):
            self._relieve(now)

    async def put_patiently(self, frame: Frame) -> None:
        """Send a frame once there is room: for histories, which are as long as they are."""
        while not self._is_closing and (
            self._bytes > limits.OUTBOX_BYTES // 2 or len(self._queue) >= limits.OUTBOX_FRAMES // 2
        ):
            self._room = self._room or asyncio.Event()
            self._room.clear()
            await self._room.wait()
        self.put(frame)

    def check(self) -> None:
        """Report a client that has not taken anything for too long; called with every ping."""
        now = self._loop.time()
        if self._is_writing and not self._is_closing and self._is_over(now):
            self._relieve(now)

    def overflow(self) -> None:
        """Report the client as too slow: what is held back for it elsewhere has grown too long."""
        if not self._is_closing:
            self._on_slow()

    def finish(self, last: Frame, code: int, *, discard: bool = False) -> None:
        """Send what waits (unless it is to be discarded), one last frame, and the close."""
        if self._is_closing:
            return
        self._is_closing = True
        self._close_code = code
        if discard:
            self._queue.clear()
        self._queue.append((self._loop.time(), last))
        if not self._is_writing:
            self._start()
        if self._room is not None:
            self._room.set()

    def stop(self) -> None:
        """Send nothing any more: the socket is gone."""
        self._is_closing = True
        self._queue.clear()
        if self._writer is not None:
            self._writer.cancel()
        if self._room is not None:
            self._room.set()

    def _start(self) -> None:
        """Write until the socket takes no more; from there on a task does."""
        self._is_writing = True
        writing = self._write()
        try:
            waits_for = writing.send(None)
        except StopIteration:
            return
        self._writer = self._loop.create_task(_continue(writing, waits_for))

    async def _write(self) -> None:
        try:
            while self._queue:
                self._oldest_at, frame = self._queue.popleft()
                self._bytes -= frame.size
                await self._send(frame.message)
                if self._room is not None and self._bytes <= limits.OUTBOX_BYTES // 4:
                    self._room.set()
            if self._close_code:
                await self._close(self._close_code)
        except Exception:  # noqa: BLE001  servers say "gone" in many ways; the disconnect message follows
            self._is_closing = True
            self._queue.clear()
        finally:
            self._is_writing = False
            self._writer = None

    async def _close(self, code: int) -> None:
        try:
            await self._send({"type": "websocket.close", "code": code})
        except Exception:  # noqa: BLE001  daphne takes no codes but 1000 and those from 3000 on
            await self._send({"type": "websocket.close", "code": NORMAL})

    def _is_over(self, now: float) -> bool:
        return (
            self._bytes > limits.OUTBOX_BYTES
            or len(self._queue) > limits.OUTBOX_FRAMES
            or now - self._oldest_at > limits.OUTBOX_SECONDS
        )

    def _relieve(self, now: float) -> None:
        """Drop what has been replaced, then what may be; if that is not enough, this client is too slow."""
        newest = {frame.key: frame for _, frame in self._queue}
        self._keep_only(lambda frame: newest[frame.key] is frame)
        if self._is_over(now):
            self._keep_only(lambda _: False)
        if self._is_over(now):
            self._on_slow()

    def _keep_only(self, wanted: Callable[[Frame], bool]) -> None:
        self._queue = deque(item for item in self._queue if item[1].key == MUST_ARRIVE or wanted(item[1]))
        self._bytes = sum(frame.size for _, frame in self._queue)


@types.coroutine
def _continue(begun: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine whose first step was taken outside a task, and which waits for something now."""
    while True:
        try:
            step = begun.send, (yield waits_for)
        except BaseException as thrown:  # noqa: BLE001  it is passed on: cancellation above all
            step = begun.throw, thrown
        try:
            waits_for = step[0](step[1])
        except StopIteration:
            return
