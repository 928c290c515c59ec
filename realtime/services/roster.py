"""Who has joined a stream by name: the extended dialect's join, leave and presence commands."""

import json
import time
from typing import Any

import structlog
from redis import RedisError
from redis.asyncio import Redis

from realtime import transport
from realtime.cable import presence as words
from realtime.cable.protocol import Attendee
from realtime.services.subscriptions import Subscription

STAY_SECONDS = 45.0
GRACE_SECONDS = 15.0  # between the last connection of a name and its "leave"
KEYS_KEPT_SECONDS = 3600
LARGEST_INFO_BYTES = 2048
MOST_NAMES = 500

log = structlog.get_logger(__name__)

# KEYS: members (a name and a socket, by expiry), infos by name. ARGV: now in seconds, then for JOIN the name, the
# socket, the info, its expiry, the keys' seconds, the most names. Returns the names that are gone, and for JOIN
# before them 1 when the name is new, 0 when it is not, -1 when there is no place.
REAP = """
local gone, alive = {}, {}
local function name_of(member) return member:match('^(.*)\\n') end
local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if #expired > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
end
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, member in ipairs(members) do alive[name_of(member)] = true end
for _, member in ipairs(expired) do
  local name = name_of(member)
  if not alive[name] and redis.call('HDEL', KEYS[2], name) == 1 then table.insert(gone, name) end
end
"""
REAP_SCRIPT = REAP + "return gone"
JOIN_SCRIPT = (
    REAP
    + """
local new = alive[ARGV[2]] and 0 or 1
if #members >= tonumber(ARGV[7]) then new = -1 else
  redis.call('ZADD', KEYS[1], ARGV[5], ARGV[2] .. '\\n' .. ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
  redis.call('EXPIRE', KEYS[1], ARGV[6])
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end
table.insert(gone, 1, new)
return gone
"""
)


class Roster:
    """
    Who has joined which stream by name.

    Only the first connection of a name is announced, and only the end of its last one. Without Redis nobody joins.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._joined: dict[Subscription, str] = {}

    async def join(self, subscription: Subscription, attendee: Attendee) -> None:
        """Enter a name; whoever listens to the same stream is told when it is new there."""
        info = json.dumps(attendee.info, separators=(",", ":"))
        if len(info) > LARGEST_INFO_BYTES or "\n" in attendee.id:
            return
        now = time.time()
        entry = [attendee.id, subscription.socket_id, info, now + STAY_SECONDS, KEYS_KEPT_SECONDS, MOST_NAMES]
        try:
            new, *gone = await self._run(JOIN_SCRIPT, subscription, [now, *entry])
            self._joined[subscription] = attendee.id
            if new == 1:
                await self._tell(subscription, words.joined(attendee.id, info))
            await self._tell_gone(subscription, gone)
        except (RedisError, OSError) as error:
            log.info("roster_not_joined", reason=type(error).__name__)

    async def leave(self, subscription: Subscription) -> None:
        """Take a name out at once."""
        await self._expire(subscription, at=0.0)
        self._joined.pop(subscription, None)
        await self.reap(subscription)

    async def drop(self, subscription: Subscription) -> None:
        """Let the name of a connection that ended expire; see ``reap`` for what is to follow."""
        if subscription in self._joined:
            await self._expire(subscription, at=time.time() + GRACE_SECONDS)
            self._joined.pop(subscription, None)

    def has(self, subscription: Subscription) -> bool:
        """Whether it has joined."""
        return subscription in self._joined

    async def reap(self, subscription: Subscription) -> None:
        """Announce the names that have left the stream of this subscription."""
        try:
            await self._tell_gone(subscription, await self._run(REAP_SCRIPT, subscription, [time.time()]))
        except (RedisError, OSError) as error:
            log.info("roster_not_reaped", reason=type(error).__name__)

    async def beat(self) -> None:
        """Say that those who joined here are still here."""
        for subscription in list(self._joined):
            await self._expire(subscription, at=time.time() + STAY_SECONDS)
        for subscription in {each.grant.streams[0]: each for each in self._joined}.values():
            await self.reap(subscription)

    async def answer(self, subscription: Subscription, *, with_records: bool) -> str:
        """Return the message that answers a ``presence`` command."""
        members, infos = _keys(subscription)
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.zrangebyscore(members, time.time(), "+inf")
                pipeline.hgetall(infos)
                alive, known = await pipeline.execute()
        except (RedisError, OSError):
            return words.failed()
        names = dict.fromkeys(member.rpartition(b"\n")[0] for member in alive)
        found = {name.decode(): known.get(name, b"null").decode() for name in names}
        return words.records(found, with_records=with_records)

    async def _expire(self, subscription: Subscription, *, at: float) -> None:
        name = self._joined.get(subscription)
        if name is None:
            return
        member = f"{name}\n{subscription.socket_id}"
        try:
            await self._redis.zadd(_keys(subscription)[0], {member: at}, xx=True)
        except (RedisError, OSError) as error:
            log.info("roster_not_told", reason=type(error).__name__)

    async def _run(self, script: str, subscription: Subscription, arguments: list[Any]) -> list[Any]:
        reply: Any = await self._redis.eval(script, 2, *_keys(subscription), *arguments)
        return list(reply)

    async def _tell_gone(self, subscription: Subscription, gone: list[bytes]) -> None:
        for name in gone:
            await self._tell(subscription, words.left(name.decode()))

    async def _tell(self, subscription: Subscription, message: str) -> None:
        sealed = transport.seal(message.encode(), now_ms=time.time_ns() // 1_000_000, kind="presence")
        await self._redis.publish(transport.channel(subscription.grant.streams[0]), sealed)


def _keys(subscription: Subscription) -> tuple[str, str]:
    stream = subscription.grant.streams[0]
    return f"{transport.PREFIX}:{{{stream}}}:roster", f"{transport.PREFIX}:{{{stream}}}:roster:infos"
