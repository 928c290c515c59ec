"""Brings one subscription up to date: what it missed, then what was held back, then live."""

import asyncio

import structlog
from redis import RedisError

from realtime.cable import frames
from realtime.cable.protocol import HistoryRequest
from realtime.services import metrics
from realtime.services.feeds import Feed
from realtime.services.history import Ask, History, Missed
from realtime.services.outbox import Frame
from realtime.services.subscriptions import Subscription

AHEAD_SECONDS = 2.0
LOOK_SECONDS = 0.02

log = structlog.get_logger(__name__)


async def replay(history: History, subscription: Subscription, feeds: list[Feed], wanted: HistoryRequest) -> None:
    """
    Send a subscription what it missed and let it go live.

    All of it or nothing: when anything of any stream is gone the client gets ``reject_history`` and no frame.
    """
    subscription.is_catching_up = True
    subscription.hold()
    asks = [_ask(subscription, feed, wanted) for feed in feeds]
    missed = None if subscription.is_lost else await _missed(history, feeds, asks, wanted.since)
    metrics.resumes.labels("rejected" if missed is None else "complete").inc()
    for each in missed or ():
        tail = frames.position_tail(each.stream, each.epoch, each.entry.offset)
        text = f"{subscription.head}{each.entry.payload.decode(errors='replace')}{tail}"
        await subscription.outbox.put_patiently(Frame(text))
    answer = frames.reject_history if missed is None else frames.confirm_history
    subscription.say(answer(subscription.identifier))
    known = {ask.stream: ask.known.offset for ask in asks if ask.known} if missed is not None else {}
    await subscription.release(known)
    subscription.is_catching_up = False


async def _missed(history: History, feeds: list[Feed], asks: list[Ask], since: float | None) -> list[Missed] | None:
    """Return what was missed; None when it cannot be given."""
    behind = [ask for ask in asks if ask.known != ask.base]
    if not behind:
        return []  # most who come back after a restart: they cost Redis nothing
    try:
        missed = await history.missed(behind, since)
    except (RedisError, OSError) as error:
        log.info("history_unreadable", reason=type(error).__name__)
        return None
    return missed if missed is not None and await _reached(feeds, asks) else None


def _ask(subscription: Subscription, feed: Feed, wanted: HistoryRequest) -> Ask:
    """A client without a position of its own has got nothing since the first connection of this session."""
    known = wanted.positions.get(feed.stream) or subscription.origin.get(feed.stream)
    return Ask(feed.stream, subscription.base[feed.stream], known)


async def _reached(feeds: list[Feed], asks: list[Ask]) -> bool:
    """Wait until this process has heard what the client has already seen through another one."""
    try:
        async with asyncio.timeout(AHEAD_SECONDS):
            for feed, ask in zip(feeds, asks, strict=True):
                # It happens once in a long while: an event for each publication would cost more than this.
                while ask.known and ask.known.epoch == feed.epoch and ask.known.offset > feed.offset:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        return False
    return True
