"""One open socket: its commands, one after the other, its subscriptions, its way out and its end."""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from realtime.cable import frames, protocol
from realtime.cable.protocol import Command
from realtime.errors import Malformed
from realtime.services import limits, metrics
from realtime.services.outbox import NORMAL, Frame, Outbox, Send
from realtime.services.subscriptions import Subscription

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
TOO_BIG = 1009

log = structlog.get_logger(__name__)

Obey = Callable[["Socket", Command], Awaitable[None]]


class Socket:
    """
    One open socket.

    ``obey`` does what a command asks. ``abandon`` ends the connection without any more words: for a client that
    does not even read its last frame. ``origin`` is that of the page; None for what is no page.
    """

    __slots__ = ("_abandon", "_backlog", "_deadline", "_errors", "_filled_at", "_obey", "_pending", "_runner",
                 "_tokens", "extended", "id", "is_closed", "is_leaving", "origin", "outbox", "sid",
                 "subscriptions")  # fmt: skip

    def __init__(
        self, send: Send, obey: Obey, abandon: Callable[[], None], *, extended: bool, origin: str | None = None
    ) -> None:
        self.id = secrets.token_hex(6)
        self.sid = secrets.token_hex(16) if extended else ""
        self.extended = extended
        self.origin = origin
        self.subscriptions: dict[str, Subscription] = {}
        self.outbox = Outbox(send, self._too_slow)
        self.is_leaving = False
        self.is_closed = False
        self._obey = obey
        self._abandon = abandon
        self._backlog: deque[Command] = deque()
        self._pending: set[str] = set()  # identifiers whose subscribe waits or is being done
        self._runner: asyncio.Task[None] | None = None
        self._errors = 0
        self._tokens = float(limits.COMMAND_BURST)
        self._filled_at = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def put(self, text: str) -> None:
        """Send a frame that must arrive."""
        self.outbox.put(Frame(text))

    def ping(self, frame: Frame) -> None:
        """Send a heartbeat, unless the client does not take anything; and see whether it is too slow."""
        if self.outbox.is_idle:
            self.outbox.put(frame)
        else:
            self.outbox.check()

    def receive(self, text: str | None) -> None:
        """Take a frame from the client; None stands for a binary one. Never raises, whatever was sent."""
        if self.is_leaving:
            return
        if text is None:
            self._count_error("binary")
        elif len(text) > limits.LARGEST_FRAME_BYTES:
            self.part("invalid_request", reconnect=True, code=TOO_BIG)
        else:
            try:
                self._enqueue(protocol.parse(text))
            except Malformed as error:
                self._count_error(error.kind)

    def part(self, reason: str, *, reconnect: bool, code: int = NORMAL) -> None:
        """Say why, and close; what waits to be sent goes first, unless the client is too slow anyway."""
        if self.is_leaving:
            return
        self.is_leaving = True
        metrics.disconnects.labels(reason).inc()
        last = Frame(frames.disconnect(reason, reconnect=reconnect))
        self.outbox.finish(last, code, discard=reason == "too_slow")
        self._deadline = asyncio.get_running_loop().call_later(limits.FAREWELL_SECONDS, self._abandon)

    def close(self) -> None:
        """Let go of everything: the connection is gone."""
        self.is_leaving = self.is_closed = True
        if self._deadline is not None:
            self._deadline.cancel()
        if self._runner is not None:
            self._runner.cancel()
        self._backlog.clear()
        self.outbox.stop()

    def _enqueue(self, command: Command) -> None:
        if command.name == "subscribe":
            if command.identifier in self._pending:  # clients repeat themselves twice a second until answered
                metrics.ignored_commands.labels("repeated_subscribe").inc()
                return
            self._pending.add(command.identifier)
        elif command.name == "unsubscribe":
            self._pending.discard(command.identifier)
        if len(self._backlog) >= limits.MOST_WAITING_COMMANDS:
            self._pending.discard(command.identifier)
            self._count_error("too_fast")
            return
        self._backlog.append(command)
        if self._runner is None:
            self._runner = asyncio.create_task(self._work_off())

    async def _work_off(self) -> None:
        """Do the commands in the order they came in, at most so many a second."""
        try:
            while self._backlog and not self.is_leaving:
                await self._take_token()
                command = self._backlog.popleft()
                try:
                    await self._obey(self, command)
                finally:
                    if command.name == "subscribe":
                        self._pending.discard(command.identifier)
        except Exception:
            log.exception("cable_command_failed")
            self.part("remote", reconnect=True)
        finally:
            self._runner = None

    async def _take_token(self) -> None:
        now = asyncio.get_running_loop().time()
        earned = (now - self._filled_at) * limits.COMMANDS_PER_SECOND
        self._tokens = min(self._tokens + earned, float(limits.COMMAND_BURST)) - 1
        self._filled_at = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / limits.COMMANDS_PER_SECOND)

    def _count_error(self, kind: str) -> None:
        metrics.protocol_errors.labels(kind).inc()
        self._errors += 1
        if self._errors >= limits.MOST_PROTOCOL_ERRORS:
            self.part("invalid_request", reconnect=True, code=POLICY_VIOLATION)

    def _too_slow(self) -> None:
        metrics.slow_sockets.inc()
        self.part("too_slow", reconnect=True, code=POLICY_VIOLATION)
