"""The signs of life that processes without a port of their own leave in Redis."""

import os
import socket

import psutil
import structlog
from redis import RedisError

from core import redis as redis_connections

SEEN_SECONDS = 15  # a process that has given no sign for so long counts as gone

log = structlog.get_logger(__name__)


def show(role: str) -> None:
    """Leave a sign: ``dexra:<role>:<host>:<pid>`` and ``dexra:<role>:seen``. Never raises: Redis may be away."""
    try:
        with redis_connections.client().pipeline(transaction=False) as pipeline:
            for key in (_key(role, os.getpid()), _seen(role)):
                pipeline.set(key, "1", ex=SEEN_SECONDS)
            pipeline.execute()
    except RedisError as error:
        log.warning("pulse_unheard", role=role, reason=str(error))


def is_seen(role: str) -> bool:
    """Whether any process of this role, on any machine, gave a sign lately. Raises RedisError."""
    return bool(redis_connections.client().exists(_seen(role)))


def is_seen_here(role: str) -> bool:
    """Whether a process of this role gave a sign lately on this machine or in this container. Raises RedisError."""
    return bool(redis_connections.client().exists(*(_key(role, pid) for pid in psutil.pids())))


def seen(role: str) -> list[str]:
    """Return the processes of this role that gave a sign lately, each ``<host>:<pid>``. Raises RedisError."""
    keys = redis_connections.client().scan_iter(match=_key_of(role, "*:*"), count=1000)
    return sorted(key.decode().split(":", 2)[2] for key in keys)


def _key(role: str, pid: int) -> str:
    return _key_of(role, f"{socket.gethostname()}:{pid}")


def _key_of(role: str, process: str) -> str:
    return f"dexra:{role}:{process}"


def _seen(role: str) -> str:
    return f"dexra:{role}:seen"
