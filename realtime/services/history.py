"""Reading the logs of streams: what is missing, and whether it is still complete."""

import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from realtime import transport
from realtime.services import limits
from realtime.transport import NOWHERE, Position

# A client says when it began in whole seconds.
SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One kept publication."""

    offset: int
    published_at: int  # unix milliseconds
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """One stream a client wants to catch up with, up to ``base``; ``known`` is None when it has no position."""

    stream: str
    base: Position
    known: Position | None


@dataclass(frozen=True, slots=True)
class Missed:
    """One publication a client has missed."""

    stream: str
    epoch: str
    entry: Entry


class History:
    """Reads the logs of streams. Everything here raises redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def tops(self, streams: Sequence[str]) -> list[Position]:
        """
        Return where each stream stands, and keep those positions from expiring while somebody listens.

        It also notes when this Redis was first used, if nobody has: one that lost its data is asked here first.
        """
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(transport.BORN_KEY, _now_ms(), nx=True)
            for stream in streams:
                pipeline.hmget(transport.top_key(stream), ["epoch", "offset"])
                pipeline.expire(transport.top_key(stream), transport.KEPT_TOP_SECONDS)
            replies = await pipeline.execute()
        return [_position(reply) for reply in replies[1::2]]

    async def tails(self, wanted: Sequence[tuple[str, int, int]]) -> list[list[Entry] | None]:
        """Return the publications after an offset up to another, of each stream; None when they are not all kept."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for stream, after, upto in wanted:
                pipeline.xrange(transport.log_key(stream), f"{after + 1}-0", f"{upto}-0", count=limits.MOST_REPLAYED)
            replies = await pipeline.execute()
        tails = [[_entry(raw) for raw in reply] for reply in replies]
        return [
            tail if len(tail) == upto - after else None for tail, (_, after, upto) in zip(tails, wanted, strict=True)
        ]

    async def rotate(self, stream: str, seen: Position, fresh_epoch: str) -> Position:
        """Give a stream that has lost publications we saw a new epoch; return where it stands."""
        keys = [transport.log_key(stream), transport.top_key(stream)]
        arguments: list[str | int] = [seen.epoch, seen.offset, fresh_epoch, _now_ms(), transport.KEPT_TOP_SECONDS]
        reply: Any = await self._redis.eval(transport.ROTATE_SCRIPT, 2, *keys, *arguments)
        return _position(reply)

    async def missed(self, asks: Sequence[Ask], since: float | None) -> list[Missed] | None:
        """
        Return everything a client has missed, oldest first; None when anything of it cannot be given any more.

        ``since`` (unix seconds, the client's clock) stands in where it has no position.
        """
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.get(transport.BORN_KEY)
            for ask in asks:
                pipeline.hmget(transport.top_key(ask.stream), ["epoch", "offset", "at", "born"])
                first = f"{ask.known.offset + 1}-0" if ask.known else "-"
                last = f"{ask.base.offset}-0"
                pipeline.xrange(transport.log_key(ask.stream), first, last)
            born, *replies = await pipeline.execute()
        since_ms = None if since is None else min(int(since * 1000), _now_ms())
        found: list[list[Missed]] = []
        for ask, top, raw in zip(asks, replies[::2], replies[1::2], strict=True):
            log = _Log(ask, _Top(_position(top), int(top[2] or 0), int(top[3] or 0)), [_entry(each) for each in raw])
            entries = log.after(ask.known) if ask.known else log.since(since_ms, int(born or 0))
            if entries is None:
                return None
            found.append([Missed(ask.stream, ask.base.epoch, entry) for entry in entries])
        return _merge(found)


@dataclass(frozen=True, slots=True)
class _Top:
    """What is remembered of a stream beside its log."""

    position: Position
    published_at: int  # when it was last published to
    broken_at: int  # when its epoch began, if an earlier one was lost; 0 when this is the first


class _Log:
    """What the log of one stream holds up to a position, and what that proves."""

    def __init__(self, ask: Ask, top: _Top, entries: list[Entry]) -> None:
        self._base = ask.base
        self._top = top
        self._entries = entries

    def after(self, known: Position) -> list[Entry] | None:
        """Return what follows a client's position; None when it is not all there."""
        if known == NOWHERE and not self._top.broken_at:
            known = Position(self._base.epoch, 0)
        if known.epoch != self._base.epoch:
            return None
        if self._base == NOWHERE:
            return []
        if self._top.position.epoch != known.epoch or known.offset > self._top.position.offset:
            return None
        # A position beyond ours was seen in another process; its publication is on its way here.
        return self._entries if len(self._entries) == max(0, self._base.offset - known.offset) else None

    def since(self, since_ms: int | None, born: int) -> list[Entry] | None:
        """Return what was published since a moment; None when something older than the log may belong to it."""
        if since_ms is None:
            return []
        if max(born, self._top.broken_at) > since_ms + SECOND_MS:
            return None
        if self._base.offset == 0:
            return []
        if self._top.position.epoch != self._base.epoch or not self._reaches_back(since_ms):
            return None
        return [entry for entry in self._entries if entry.published_at >= since_ms]

    def _reaches_back(self, since_ms: int) -> bool:
        if not self._entries:
            return self._top.published_at < since_ms
        return self._entries[0].offset == 1 or self._entries[0].published_at < since_ms


def _merge(found: Sequence[Sequence[Missed]]) -> list[Missed] | None:
    """Return all streams in one, by time; within a stream the offsets decide, whatever the clocks said."""
    if sum(map(len, found)) > limits.MOST_REPLAYED:
        return None
    return list(heapq.merge(*found, key=lambda missed: missed.entry.published_at))


def _position(reply: Sequence[Any]) -> Position:
    return Position(reply[0].decode(), int(reply[1] or 0)) if reply[0] else NOWHERE


def _entry(raw: Any) -> Entry:
    entry_id, fields = raw
    return Entry(int(entry_id.partition(b"-")[0]), int(fields[b"t"]), fields[b"p"])


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
