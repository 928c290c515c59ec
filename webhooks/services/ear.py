"""Listens for the hint that something is due; without Redis there is the poll."""

import asyncio
from collections.abc import Callable

import structlog
from django.conf import settings
from redis import RedisError
from redis.asyncio import Redis

from webhooks.services.hints import CHANNEL

CONNECT_SECONDS = 1.0
PROOF_SECONDS = 15
RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


async def listen(on_hint: Callable[[], None]) -> None:
    """Call ``on_hint`` at each hint, until cancelled."""
    while True:
        try:
            await _listen_once(on_hint)
        except (RedisError, OSError) as error:
            log.info("webhooks_without_hints", reason=type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)


async def _listen_once(on_hint: Callable[[], None]) -> None:
    redis = Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS, health_check_interval=PROOF_SECONDS
    )
    async with redis, redis.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(CHANNEL)
        while True:
            if await subscription.get_message(timeout=PROOF_SECONDS) is not None:
                on_hint()
