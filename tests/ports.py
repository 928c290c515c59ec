"""Ports for servers that listen a while after theirs was chosen."""

import itertools
import os
import random
import socket

# Below those that kernels give to whoever connects: no connection takes one meanwhile. Each test process has its own.
FIRST, OF_A_PROCESS = 20_000, 1_000


def free_port() -> int:
    """Return a port that nobody uses, and no other test process is given."""
    return next(port for port in _PORTS if _is_free(port))


def _own_ports() -> list[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + worker % 12 * OF_A_PROCESS
    start = random.randrange(OF_A_PROCESS)  # noqa: S311  tests may run twice at once
    return [first + (start + number) % OF_A_PROCESS for number in range(OF_A_PROCESS)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_PORTS = itertools.cycle(_own_ports())
