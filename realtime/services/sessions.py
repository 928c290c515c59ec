"""What a connection leaves behind so that its successor, in any process, can go on where it stopped."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import structlog
from redis import RedisError
from redis.asyncio import Redis

from realtime import transport
from realtime.services.sockets import Socket
from realtime.transport import Position

KEPT_SECONDS = 300
SAVED_AT_ONCE = 500

log = structlog.get_logger(__name__)

Remembered = Mapping[str, dict[str, Position]]  # identifier -> stream -> where it began to listen


class Sessions:
    """
    Keeps the identifiers of extended connections under their ``sid``: a secret, used once, good for five minutes.

    Losing one costs a client nothing but subscribing again, so Redis may be away.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._changed: dict[Socket, None] = {}
        self._work = asyncio.Event()

    def save(self, socket: Socket) -> None:
        """Keep what a socket listens to; soon, and many in one round trip."""
        if socket.sid:
            self._changed[socket] = None
            self._work.set()

    async def take(self, sid: str) -> Remembered | None:
        """Return what was left under a sid and remove it; None when there is nothing."""
        try:
            raw = await self._redis.getdel(_key(sid))
            return _decode(json.loads(raw)) if raw else None
        except (RedisError, OSError, ValueError) as error:
            log.info("session_not_restored", reason=type(error).__name__)
            return None

    async def run(self) -> None:
        """Save until cancelled."""
        while True:
            await self._work.wait()
            some = list(self._changed)[:SAVED_AT_ONCE]
            for socket in some:
                del self._changed[socket]
            if not self._changed:
                self._work.clear()
            await self._try([("SET", _key(s.sid), _encode(s), "EX", KEPT_SECONDS) for s in some if not s.is_closed])

    async def renew(self, sockets: list[Socket]) -> None:
        """Keep the sessions of live sockets from expiring."""
        keys = [_key(socket.sid) for socket in sockets if socket.sid]
        for start in range(0, len(keys), SAVED_AT_ONCE):
            await self._try([("EXPIRE", key, KEPT_SECONDS) for key in keys[start : start + SAVED_AT_ONCE]])

    async def _try(self, commands: list[tuple[Any, ...]]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            log.info("sessions_not_saved", count=len(commands), reason=type(error).__name__)


def _key(sid: str) -> str:
    """Return the key of a session; hashed, because Redis shows keys in its logs."""
    return f"{transport.PREFIX}:session:{hashlib.sha256(sid.encode()).hexdigest()}"


def _encode(socket: Socket) -> str:
    return json.dumps(
        {
            identifier: {
                stream: [position.epoch, position.offset]
                for stream in subscription.grant.streams
                for position in [subscription.started_at(stream)]
            }
            for identifier, subscription in socket.subscriptions.items()
            if not subscription.is_lost
        }
    )


def _decode(kept: Any) -> Remembered:
    return {
        identifier: {stream: Position(str(epoch), int(offset)) for stream, (epoch, offset) in streams.items()}
        for identifier, streams in kept.items()
    }
