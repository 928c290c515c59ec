"""The connections to Redis. What is kept there is a hint, a limit or a live stream: never the only copy."""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0


@cache
def client() -> redis.Redis:
    """
    Return this process's client for short commands.

    It gives up quickly: every caller has a way to go on without Redis.
    """
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        health_check_interval=30,
    )


def async_client() -> redis.asyncio.Redis:
    """Return a new client for one event loop; the caller closes it."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=None,  # a subscriber waits as long as it takes; redis-py 8 would cut it after 5 s
        # A socket file has no peer that could vanish silently, and redis-py refuses the setting there.
        **({} if settings.REDIS_URL.startswith("unix://") else {"socket_keepalive": True}),
    )
