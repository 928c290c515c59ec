"""Listens for hints inside an event loop; without Redis there is the poll."""

import asyncio
from collections.abc import Callable

import structlog
from django.conf import settings
from redis import RedisError
from redis.asyncio import Redis

CONNECT_SECONDS = 1.0
PROOF_SECONDS = 15
RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


async def listen(channel: str, on_hint: Callable[[], None]) -> None:
    """Call ``on_hint`` at each hint of a channel, until cancelled."""
    while True:
        try:
            await _listen_once(channel, on_hint)
        except (RedisError, OSError) as error:
            log.info("engine_without_hints", channel=channel, reason=type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen_once(channel: str, on_hint: Callable[[], None]) -> None:
    redis = Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS, health_check_interval=PROOF_SECONDS
    )
    async with redis, redis.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(channel)
        while True:
            if await subscription.get_message(timeout=PROOF_SECONDS) is not None:
                on_hint()
