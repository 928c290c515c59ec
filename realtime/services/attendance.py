"""The part of presence that all processes share: in Redis, by environment, each entry with its own expiry."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from realtime import transport

WINDOW_SECONDS = 45.0  # three beats: one lost beat makes nobody look offline
GRACE_SECONDS = 20.0  # between the last socket and "offline", so that a reload does not flicker
MOST_CONTACTS = 500
KEYS_KEPT_SECONDS = 3600
USERS = "users"
CONTACTS = "contacts"


@dataclass(frozen=True, slots=True)
class Present:
    """Who is in one environment, by id as text: the availability of users, "online" for contacts."""

    users: dict[str, str]
    contacts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Here:
    """Who is connected to this process in one environment."""

    environment_id: int
    users: dict[int, str]  # with the availability they had when they came
    contacts: list[int]


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody whose last connection to this process has ended; ``of`` is "users" or "contacts"."""

    environment_id: int
    of: str
    id: int


class Attendance:
    """Reads and writes who is there. Everything here raises redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def write(
        self, *, here: Iterable[Here] = (), left: Iterable[Left] = (), announce: Iterable[int] = ()
    ) -> None:
        """
        Say in one round trip who is (still) here, who has left, and that some environments changed.

        Whoever left expires soon; another process they are still connected to takes that back with its next beat.
        An availability that is known already is left as it is.
        """
        now = time.time()
        async with self._redis.pipeline(transaction=False) as pipeline:
            for each in here:
                _renew(pipeline, each, now + WINDOW_SECONDS)
            for who in left:
                pipeline.zadd(transport.presence_key(who.environment_id, who.of), {str(who.id): now + GRACE_SECONDS})
            for environment_id in announce:
                pipeline.publish(transport.presence_channel(environment_id), b"")
            await pipeline.execute()

    async def read(self, environment_id: int) -> Present:
        """Return who is there now, the newest 500 contacts of them, and forget who has gone."""
        users, contacts, availability = _keys(environment_id)
        now = time.time()
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zrangebyscore(users, now, "+inf")
            pipeline.zrevrangebyscore(contacts, "+inf", now, start=0, num=MOST_CONTACTS)
            pipeline.hgetall(availability)
            pipeline.zremrangebyscore(users, "-inf", now)
            pipeline.zremrangebyscore(contacts, "-inf", now)
            here, visiting, said, _, _ = await pipeline.execute()
        present = {user.decode(): said.get(user, b"online").decode() for user in here}
        gone = [user for user in said if user not in here]
        if gone:
            await self._redis.hdel(availability, *gone)
        return Present(present, {contact.decode(): "online" for contact in visiting})


def _renew(pipeline: Pipeline, here: Here, expiry: float) -> None:
    users, contacts, availability = _keys(here.environment_id)
    if here.users:
        pipeline.zadd(users, {str(user): expiry for user in here.users})
        for user, said in here.users.items():
            pipeline.hsetnx(availability, str(user), said)
    if here.contacts:
        pipeline.zadd(contacts, {str(contact): expiry for contact in here.contacts})
    for key in (users, contacts, availability):
        pipeline.expire(key, KEYS_KEPT_SECONDS)


def _keys(environment_id: int) -> tuple[str, str, str]:
    """Return the keys of users, contacts and the users' availability."""
    key = transport.presence_key
    return key(environment_id, USERS), key(environment_id, CONTACTS), key(environment_id, "availability")
