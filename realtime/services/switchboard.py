"""The streams this process listens to: who needs which, and what comes in for them."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from redis.asyncio import Redis

from realtime import transport
from realtime.services import limits, metrics
from realtime.services.feeds import Feed
from realtime.services.history import History
from realtime.services.link import Link
from realtime.services.repairs import Repairs
from realtime.services.subscriptions import Subscription

CHECKED_AT_ONCE = 500

log = structlog.get_logger(__name__)


class Switchboard:
    """
    Connects streams to subscriptions.

    A stream is listened to while somebody needs it and a few seconds longer, because clients come back. After
    every reconnect to Redis each feed is compared with its stream; ``on_lost`` gets the subscriptions for which
    something is missing for good, ``on_hint`` whatever comes through channels that are no streams.
    """

    def __init__(
        self,
        redis: Redis,
        history: History,
        *,
        name: str,
        on_lost: Callable[[Sequence[Subscription]], None],
        on_hint: Callable[[str], object],
    ) -> None:
        self.link = Link(name, redis, on_message=self._hear, on_open=self._opened, on_closed=self._closed)
        self.repairs = Repairs(history, on_lost)
        self._on_hint = on_hint
        self._feeds: dict[str, Feed] = {}  # by channel

    def take(self, stream: str, listener: Callable[[bytes], None] | None = None) -> Feed:
        """Return the feed of a stream; it stays until it has been given back."""
        channel = transport.channel(stream)
        feed = self._feeds.get(channel)
        if feed is None:
            feed = self._feeds[channel] = Feed(stream, self.repairs.add, listener=listener)
            metrics.streams.set(len(self._feeds))
            self.link.want(channel)
        feed.interest += 1
        return feed

    def feed(self, stream: str) -> Feed:
        """Return the feed of a stream that somebody has taken."""
        return self._feeds[transport.channel(stream)]

    def give_back(self, feed: Feed) -> None:
        """Need a feed no more."""
        feed.interest -= 1
        if not feed.interest:
            asyncio.get_running_loop().call_later(limits.LINGER_SECONDS, self._drop, feed)

    async def check(self) -> None:
        """Compare all feeds with their streams, in case something went missing without a sound."""
        feeds = list(self._feeds.values())
        for start in range(0, len(feeds), CHECKED_AT_ONCE):
            for feed in feeds[start : start + CHECKED_AT_ONCE]:
                feed.unsettle()
            await asyncio.sleep(0.1)

    def _drop(self, feed: Feed) -> None:
        channel = transport.channel(feed.stream)
        if feed.interest or self._feeds.get(channel) is not feed:
            return
        del self._feeds[channel]
        metrics.streams.set(len(self._feeds))
        self.repairs.discard(feed)
        self.link.unwant(channel)

    def _hear(self, channel: str, sealed: bytes) -> None:
        feed = self._feeds.get(channel)
        if feed is None:
            self._on_hint(channel)
            return
        try:
            feed.receive(transport.unseal(sealed))
        except Exception:  # one publication must not silence all the others
            log.exception("publication_not_handed_on", stream=feed.stream)

    def _opened(self, channel: str) -> None:
        """Redis sends what is published from here on; what was published before has to be looked up."""
        feed = self._feeds.get(channel)
        if feed is None:
            self._on_hint(channel)
        else:
            feed.is_settled = False
            self.repairs.add(feed)

    def _closed(self) -> None:
        for feed in self._feeds.values():
            feed.is_settled = False
