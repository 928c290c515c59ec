"""The connections to Redis. What is kept there is a hint, a limit or a live stream: never the only copy."""

from functools import cache

import redis
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
