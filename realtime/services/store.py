"""This process's asynchronous connections to Redis."""

from django.conf import settings
from redis.asyncio import BlockingConnectionPool, Connection, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

MOST_CONNECTIONS = 16
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 3.0


def commands() -> Redis:
    """Return a client for short commands; it gives up quickly, because every caller knows how to go on."""
    pool = BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=MOST_CONNECTIONS,
        timeout=ANSWER_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),  # one, for connections Redis closed while they were idle
    )
    return Redis.from_pool(pool)


def subscriber() -> Connection:
    """Return an unconnected connection for pub/sub: plain RESP2, no time limit on silence."""
    pool = ConnectionPool.from_url(
        settings.REDIS_URL, protocol=2, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=None
    )
    connection: Connection = pool.make_connection()  # type: ignore[no-untyped-call]
    return connection
