"""A container's health check: ``python -m dexra.probe web|cable|worker|beat`` exits 0 while its process is well."""

import os
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

from redis import RedisError

from dexra import listening, pulse


def answers() -> bool:
    """Whether the server on this machine answers ``/healthz``."""
    return listening.ask(listening.LOOPBACK, listening.wanted_port(), "/healthz")[0] == HTTPStatus.OK


def shows_pulse(role: str) -> bool:
    """Whether a process of this role on this machine left a sign of life."""
    try:
        return pulse.is_seen_here(role)
    except RedisError:
        return True  # Redis has a check of its own; starting this process again would not bring it back


PROBES: Mapping[str, Callable[[], bool]] = MappingProxyType(
    {
        "web": answers,
        "cable": answers,
        "worker": lambda: shows_pulse("worker"),
        "beat": lambda: shows_pulse("beat"),
    }
)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dexra.settings")
    sys.exit(0 if PROBES[sys.argv[1]]() else 1)
