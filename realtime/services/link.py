"""The one pub/sub connection of this process: which channels it listens to, and that it really hears."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import structlog
from redis import RedisError
from redis.asyncio import Connection, Redis

from realtime import transport
from realtime.services import metrics, store

BEAT_SECONDS = 2.0
DEAF_SECONDS = 6.0
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 2.0
CHANNELS_AT_ONCE = 500

log = structlog.get_logger(__name__)


class Link:
    """
    Listens to channels through one connection, for as long as it takes.

    ``on_open(channel)`` is called whenever Redis has acknowledged a channel, also after every reconnect: what was
    published before that may not have been heard. ``on_closed()`` is called when the connection is lost.
    A message of our own every two seconds proves that publishing reaches us; without one the connection is
    replaced, because a half-open one is silent for ever.
    """

    def __init__(
        self,
        name: str,
        redis: Redis,
        *,
        on_message: Callable[[str, bytes], None],
        on_open: Callable[[str], None],
        on_closed: Callable[[], None],
    ) -> None:
        self.up = asyncio.Event()
        self._redis = redis
        self._on_message = on_message
        self._on_open = on_open
        self._on_closed = on_closed
        self._beat_channel = transport.channel(f"beat:{name}")
        self._wanted: set[str] = {self._beat_channel}
        self._sent: set[str] = set()
        self._acknowledged: set[str] = set()
        self._changed = asyncio.Event()
        self._connection: Connection | None = None
        self._heard_at = 0.0

    def want(self, channel: str) -> None:
        """Listen to a channel; ``on_open`` says when."""
        self._wanted.add(channel)
        if channel in self._acknowledged:
            self._on_open(channel)
        self._changed.set()

    def unwant(self, channel: str) -> None:
        """Stop listening to a channel."""
        self._wanted.discard(channel)
        self._changed.set()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        retry_in = FIRST_RETRY_SECONDS
        while True:
            try:
                await self._connect()
                retry_in = FIRST_RETRY_SECONDS
                await self._work()
            except (RedisError, OSError, ValueError, EOFError) as error:
                log.warning("cable_without_redis", reason=f"{type(error).__name__}: {error}")
            finally:
                await self._disconnect()
            await asyncio.sleep(retry_in * random.uniform(0.5, 1.5))  # noqa: S311  jitter
            retry_in = min(retry_in * 2, LONGEST_RETRY_SECONDS)

    async def _connect(self) -> None:
        self._connection = store.subscriber()
        await self._connection.connect()  # type: ignore[no-untyped-call]
        self._heard_at = asyncio.get_running_loop().time()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._sent.clear()
        self._acknowledged.clear()
        if self.up.is_set():
            self.up.clear()
            metrics.link_up.set(0)
            self._on_closed()
        if connection is not None:
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)

    async def _work(self) -> None:
        """Read, subscribe and beat until one of them fails."""
        self._changed.set()
        tasks = [asyncio.create_task(work()) for work in (self._read, self._subscribe, self._beat, self._watch)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        connection = self._open_connection()
        clock = asyncio.get_running_loop().time
        while True:
            reply: Any = await connection.read_response(disconnect_on_error=False)
            self._heard_at = clock()
            kind, channel, content = reply[0], reply[1].decode(), reply[2]
            if kind == b"message":
                if channel != self._beat_channel:
                    self._on_message(channel, content)
                    await asyncio.sleep(0)  # the sockets' writers come first, so that queues stay short
            elif kind == b"subscribe":
                self._acknowledge(channel)

    def _acknowledge(self, channel: str) -> None:
        self._acknowledged.add(channel)
        if channel == self._beat_channel:
            self.up.set()
            metrics.link_up.set(1)
        elif channel in self._wanted:
            self._on_open(channel)
        else:
            self._changed.set()

    async def _subscribe(self) -> None:
        connection = self._open_connection()
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._send(connection, "SUBSCRIBE", self._wanted - self._sent)
            # A channel whose subscription is under way is left until it stands: acknowledgements carry no numbers.
            await self._send(connection, "UNSUBSCRIBE", self._acknowledged - self._wanted)

    async def _send(self, connection: Connection, command: str, channels: set[str]) -> None:
        names = tuple(channels)
        for start in range(0, len(names), CHANNELS_AT_ONCE):
            some = names[start : start + CHANNELS_AT_ONCE]
            if command == "SUBSCRIBE":
                self._sent.update(some)
            else:
                self._sent.difference_update(some)
                self._acknowledged.difference_update(some)
            await connection.send_command(command, *some, check_health=False)

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError):
                await self._redis.publish(self._beat_channel, b"")
            await asyncio.sleep(BEAT_SECONDS)

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while clock() - self._heard_at < DEAF_SECONDS:  # noqa: ASYNC110  silence is no event
            await asyncio.sleep(BEAT_SECONDS / 2)
        raise ConnectionError("nothing was heard, not even ourselves")

    def _open_connection(self) -> Connection:
        assert self._connection is not None
        return self._connection
