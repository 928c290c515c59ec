"""How often somebody may try to log in: counted in Redis, open when Redis is away."""

import hashlib

import structlog
from django.conf import settings
from redis import RedisError

from core import redis as redis_connections

WINDOW_SECONDS = 300
TRIES = 10  # of one person from one address
TRIES_FROM_ADDRESS = 50  # many people may share one
ACCOUNT_WINDOW_SECONDS = 900
TRIES_FOR_ACCOUNT = 100  # of one person from wherever: a guesser may have many addresses

log = structlog.get_logger(__name__)


def count_try(email: str, ip: str) -> int:
    """Count one try; return how many seconds to wait because there were too many, or 0."""
    if not settings.RATE_LIMITS:
        return 0
    try:
        return max(
            _wait(_key("both", ip, email), TRIES, WINDOW_SECONDS),
            _wait(_key("address", ip), TRIES_FROM_ADDRESS, WINDOW_SECONDS),
            _wait(_key("account", email), TRIES_FOR_ACCOUNT, ACCOUNT_WINDOW_SECONDS),
        )
    except RedisError as error:
        log.warning("login_limits_open", reason=type(error).__name__)
        return 0


def _wait(key: str, allowed: int, window: int) -> int:
    with redis_connections.client().pipeline() as pipeline:
        pipeline.set(key, 0, ex=window, nx=True)
        pipeline.incr(key)
        pipeline.ttl(key)
        _, tries, seconds = pipeline.execute()
    return max(int(seconds), 1) if tries > allowed else 0


def _key(*words: str) -> str:
    """Return the key of a limit; whose it is stays unreadable."""
    return f"dexra:login:{hashlib.sha256('|'.join(words).encode()).hexdigest()[:32]}"
