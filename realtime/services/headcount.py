"""How many agents are online, for those who ask over HTTP: from the same keys that the cable keeps."""

import time
from typing import cast

import structlog
from redis import RedisError

from core import redis as redis_connections
from realtime import transport
from realtime.services.attendance import USERS

OFFLINE = b"offline"

log = structlog.get_logger(__name__)


def agents_online(environment_id: int) -> int:
    """Return how many agents of an environment are connected and not shown as offline; 0 while Redis is away."""
    users, said = transport.presence_key(environment_id, USERS), transport.presence_key(environment_id, "availability")
    try:
        with redis_connections.client().pipeline(transaction=False) as pipeline:
            pipeline.zrangebyscore(users, time.time(), "+inf")
            pipeline.hgetall(said)
            here, availability = cast("tuple[list[bytes], dict[bytes, bytes]]", pipeline.execute())
    except RedisError as error:
        log.info("agents_not_counted", reason=type(error).__name__)
        return 0
    return sum(availability.get(user) != OFFLINE for user in here)
