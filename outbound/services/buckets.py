"""
How often may be sent: to a provider's account, to one recipient, for one tenant; counted in Redis for all workers.

One Lua script looks at all three buckets of a message and takes from all or from none. While Redis is away each worker
counts by itself, at a quarter of the pace, and what is sent in bulk waits.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from redis import RedisError

from core import redis as redis_connections
from inboxes.channels.capabilities import Rate
from outbound.models import Dispatch

TENANT_RATE = Rate(1000, 1000)
AWAY_SECONDS = 5.0  # Redis is left alone for so long after it did not answer
LOCAL_SHARE = 0.25
LONGEST_HOLD_SECONDS = 3600.0

# KEYS: the tenant's bucket, the account's, then one for each message's recipient.
# ARGV: rate and burst of the tenant, of the account, of a recipient.
# Returns for each message the milliseconds to wait, 0 for one that may leave; negative where all others wait as well.
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function look(key, rate, burst)
    local found = redis.call('HMGET', key, 'tokens', 'at', 'hold')
    local tokens = math.min(burst, (tonumber(found[1]) or burst) + (now - (tonumber(found[2]) or now)) * rate / 1000)
    local wait = 0
    if tokens < 1 then wait = math.ceil((1 - tokens) * 1000 / rate) end
    local hold = tonumber(found[3]) or 0
    if hold > now then wait = math.max(wait, hold - now) end
    return tokens, wait
end
local function store(key, tokens, rate, burst)
    redis.call('HSET', key, 'tokens', tokens, 'at', now)
    local hold = tonumber(redis.call('HGET', key, 'hold') or 0)
    redis.call('PEXPIRE', key, math.max(math.ceil(burst * 1000 / rate) + 1000, hold - now + 1000))
end
local rates = {}
for place = 1, 6 do rates[place] = tonumber(ARGV[place]) end
local tenant, tenant_wait = look(KEYS[1], rates[1], rates[2])
local account, account_wait = look(KEYS[2], rates[3], rates[4])
local waits = {}
for place = 3, #KEYS do
    local all = math.max(tenant_wait, account_wait)
    if all > 0 then
        waits[place - 2] = -all
    else
        local own, wait = look(KEYS[place], rates[5], rates[6])
        waits[place - 2] = wait
        if wait == 0 then
            store(KEYS[place], own - 1, rates[5], rates[6])
            tenant, account = tenant - 1, account - 1
            if tenant < 1 then tenant_wait = math.ceil((1 - tenant) * 1000 / rates[1]) end
            if account < 1 then account_wait = math.ceil((1 - account) * 1000 / rates[3]) end
        end
    end
end
store(KEYS[1], tenant, rates[1], rates[2])
store(KEYS[2], account, rates[3], rates[4])
return waits
"""
HOLD = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local hold = math.max(tonumber(redis.call('HGET', KEYS[1], 'hold') or 0), now + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'hold', hold)
redis.call('PEXPIRE', KEYS[1], hold - now + 60000)
return 0
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """A message that would be sent now."""

    address: str
    lane: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What would be sent for one inbox now, in this order."""

    environment_id: int
    inbox_id: int
    account: Rate
    recipient: Rate
    wishes: Sequence[Wish]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a message has to wait (seconds), 0: not at all. ``by_all``: so does whatever else is in its line."""

    seconds: float
    by_all: bool = False


class Buckets:
    """Asks Redis, or counts here while it is away. One thread takes; any may ask for a hold."""

    def __init__(self) -> None:
        self._away_until = 0.0
        self._local: dict[str, _Bucket] = {}

    def take(self, asks: Sequence[Ask]) -> list[list[Wait]]:
        """Return for each message of each ask how long it has to wait; those that do not have their tokens."""
        if not asks:
            return []
        if time.monotonic() >= self._away_until:
            try:
                return self._take(asks)
            except RedisError as failure:
                self._note_away(failure)
        return [self._take_here(ask) for ask in asks]

    def hold(self, environment_id: int, inbox_id: int, address: str, seconds: float) -> None:
        """Send nothing to a recipient for so long: its provider asked for that."""
        key = _key(environment_id, inbox_id, address)
        seconds = min(seconds, LONGEST_HOLD_SECONDS)
        bucket = self._local.setdefault(key, _Bucket())
        bucket.hold = max(bucket.hold, time.monotonic() + seconds)
        try:
            redis_connections.client().eval(HOLD, 1, key, round(seconds * 1000))
        except RedisError as failure:
            self._note_away(failure)

    def _take(self, asks: Sequence[Ask]) -> list[list[Wait]]:
        pipeline = redis_connections.client().pipeline(transaction=False)
        for ask in asks:
            keys = [_key(ask.environment_id), _key(ask.environment_id, ask.inbox_id),
                    *(_key(ask.environment_id, ask.inbox_id, wish.address) for wish in ask.wishes)]  # fmt: skip
            rates = (TENANT_RATE, ask.account, ask.recipient)
            pipeline.eval(
                TAKE, len(keys), *keys, *(figure for rate in rates for figure in (rate.per_second, rate.burst))
            )
        found: list[list[Any]] = pipeline.execute()
        return [[Wait(abs(wait) / 1000, by_all=wait < 0) for wait in waits] for waits in found]

    def _take_here(self, ask: Ask) -> list[Wait]:
        now, waits = time.monotonic(), []
        if len(self._local) > 100_000:
            self._local.clear()
        for wish in ask.wishes:
            if wish.lane == Dispatch.Lane.BULK:
                waits.append(Wait(AWAY_SECONDS))
                continue
            names = [
                (_key(ask.environment_id), TENANT_RATE),
                (_key(ask.environment_id, ask.inbox_id), ask.account),
                (_key(ask.environment_id, ask.inbox_id, wish.address), ask.recipient),
            ]
            buckets = [(self._local.setdefault(key, _Bucket()), _slower(rate)) for key, rate in names]
            wait = max(bucket.wait(rate, now) for bucket, rate in buckets)
            if wait == 0:
                for bucket, rate in buckets:
                    bucket.take(rate, now)
            waits.append(Wait(wait))
        return waits

    def _note_away(self, failure: RedisError) -> None:
        self._away_until = time.monotonic() + AWAY_SECONDS
        log.warning("outbound_counts_by_itself", reason=type(failure).__name__)


@dataclass(slots=True)
class _Bucket:
    """A bucket of this process; times are monotonic seconds."""

    taken: float = 0.0
    at: float = 0.0
    hold: float = 0.0

    def wait(self, rate: Rate, now: float) -> float:
        missing = self._taken(rate, now) + 1 - rate.burst
        return max(0.0, missing / rate.per_second, self.hold - now)

    def take(self, rate: Rate, now: float) -> None:
        self.taken, self.at = self._taken(rate, now) + 1, now

    def _taken(self, rate: Rate, now: float) -> float:
        return max(0.0, self.taken - (now - self.at) * rate.per_second)


def _slower(rate: Rate) -> Rate:
    return Rate(rate.per_second * LOCAL_SHARE, max(1, round(rate.burst * LOCAL_SHARE)))


def _key(environment_id: int, inbox_id: int | None = None, address: str | None = None) -> str:
    """Return a bucket's key; those of one tenant lie together in a cluster."""
    inbox = "" if inbox_id is None else f":{inbox_id}"
    return f"dexra:rate:{{{environment_id}}}{inbox}{'' if address is None else f':{address}'}"
