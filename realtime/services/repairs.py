"""Settles feeds: finds where their streams stand, reads what was missed, and says who cannot be helped."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence

import structlog
from redis import RedisError

from realtime.services import metrics
from realtime.services.feeds import Feed
from realtime.services.history import Entry, History
from realtime.services.subscriptions import Subscription
from realtime.transport import NO_EPOCH, Position

FEEDS_AT_ONCE = 100
RETRY_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Repairs:
    """
    Settles feeds, many in one round trip.

    ``on_lost`` gets the subscriptions of a stream whose missing publications are gone: data was lost in Redis, or
    more was missed than is kept.
    """

    def __init__(self, history: History, on_lost: Callable[[Sequence[Subscription]], None]) -> None:
        self._history = history
        self._on_lost = on_lost
        self._unsettled: dict[Feed, None] = {}
        self._work = asyncio.Event()

    def add(self, feed: Feed) -> None:
        """Settle a feed soon."""
        self._unsettled[feed] = None
        self._work.set()

    def discard(self, feed: Feed) -> None:
        """Nobody listens to it any more."""
        self._unsettled.pop(feed, None)

    async def run(self) -> None:
        """Settle until cancelled."""
        while True:
            await self._work.wait()
            batch = list(self._unsettled)[:FEEDS_AT_ONCE]
            for feed in batch:
                self.discard(feed)
                feed.is_settled = False  # nothing is handed on while its position is compared
            try:
                await self._settle(batch)
            except (RedisError, OSError) as error:
                log.info("feeds_unsettled", feeds=len(batch), reason=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                self._put_back(batch)
            if not self._unsettled:
                self._work.clear()

    def _put_back(self, batch: Iterable[Feed]) -> None:
        """Look again at those about which more was heard meanwhile, or nothing was found out."""
        for feed in batch:
            if not feed.is_settled and feed.interest:
                self.add(feed)

    async def _settle(self, batch: Sequence[Feed]) -> None:
        tops = await self._history.tops([feed.stream for feed in batch])
        behind = [
            (feed, top) for feed, top in zip(batch, tops, strict=True) if not feed.is_new and _is_behind(feed, top)
        ]
        tails = await self._tails(behind)
        for feed, top in zip(batch, tops, strict=True):
            await self._bring_up(feed, top, tails.get(feed))
            feed.settle()

    async def _tails(self, behind: Sequence[tuple[Feed, Position]]) -> dict[Feed, list[Entry] | None]:
        if not behind:
            return {}
        found = await self._history.tails([(feed.stream, feed.offset, top.offset) for feed, top in behind])
        return {feed: tail for (feed, _), tail in zip(behind, found, strict=True)}

    async def _bring_up(self, feed: Feed, top: Position, tail: list[Entry] | None) -> None:
        if feed.is_new:
            feed.begin(top)
        elif top == feed.position:
            metrics.repairs.labels("nothing_missed").inc()
        elif tail is not None:
            feed.epoch = top.epoch
            await feed.catch_up(tail)
            metrics.repairs.labels("caught_up").inc()
        else:
            await self._lose(feed, top)

    async def _lose(self, feed: Feed, top: Position) -> None:
        """Start the stream anew; one that was rewound gets a new epoch first, so that no number is used twice."""
        if top.epoch == feed.epoch and top.offset < feed.offset:
            top = await self._history.rotate(feed.stream, feed.position, secrets.token_hex(4))
        lost = feed.lose(top)
        metrics.repairs.labels("lost").inc()
        log.info("stream_lost", stream=feed.stream, subscriptions=len(lost))
        self._on_lost(lost)


def _is_behind(feed: Feed, top: Position) -> bool:
    """Whether the stream went on in the same epoch; one that nobody had published to begins its first."""
    same_epoch = feed.epoch in (top.epoch, NO_EPOCH)
    return same_epoch and top.offset > feed.offset
