"""Rate limits: fixed one-minute windows kept in Redis, open when Redis is away."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings
from redis import RedisError

from core import redis as redis_connections

WINDOW_SECONDS = 60
# A caller that met an absent Redis waits this long before asking it again, so that an outage costs no latency.
PATIENCE_SECONDS = 1.0

log = structlog.get_logger(__name__)

# One round trip for all the limits of a request: count each, expire new windows.
COUNT_SCRIPT = """
local counts = {}
for i, key in ipairs(KEYS) do
  counts[i] = redis.call('INCR', key)
  if counts[i] == 1 then redis.call('EXPIRE', key, ARGV[1]) end
end
return counts
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``allowed`` of something a minute; ``name`` says whose."""

    name: str
    allowed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is left of the tightest limit."""

    limit: int
    remaining: int
    reset_after: int  # seconds until the window ends
    exceeded: str = ""  # the name of the limit that was passed

    @property
    def headers(self) -> dict[str, str]:
        """Both families: the common ``X-RateLimit-*`` and the IETF draft's ``RateLimit``."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(int(time.time()) + self.reset_after),
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_after}',
        }


class _Circuit:
    """Remembers for a moment that Redis did not answer."""

    open_until = 0.0


def count(limits: Sequence[Limit], *, now: float | None = None) -> Verdict | None:
    """Count one request against every limit; None when limits are off or Redis is away (then all may pass)."""
    if not settings.RATE_LIMITS or not limits or time.monotonic() < _Circuit.open_until:
        return None
    moment = time.time() if now is None else now
    window, passed = divmod(int(moment), WINDOW_SECONDS)
    keys = [f"dexra:limit:{limit.name}:{window}" for limit in limits]
    try:
        counts = _script(keys)
    except RedisError:
        _Circuit.open_until = time.monotonic() + PATIENCE_SECONDS
        log.warning("rate_limits_open", reason="redis away")
        return None
    return _tightest(limits, counts, WINDOW_SECONDS - passed)


def _script(keys: list[str]) -> list[int]:
    counts: list[int] = redis_connections.client().eval(COUNT_SCRIPT, len(keys), *keys, str(WINDOW_SECONDS + 5))
    return counts


def _tightest(limits: Sequence[Limit], counts: Sequence[int], reset_after: int) -> Verdict:
    left, limit = min(
        ((limit.allowed - used, limit) for limit, used in zip(limits, counts, strict=True)),
        key=lambda pair: pair[0],
    )
    return Verdict(
        limit=limit.allowed,
        remaining=max(left, 0),
        reset_after=reset_after,
        exceeded=limit.name if left < 0 else "",
    )
