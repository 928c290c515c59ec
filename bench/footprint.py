"""What the whole product takes: seconds to be ready, and memory while nothing happens."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import product

STOP_SECONDS = 30


@contextmanager
def launched(data: Path, port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run what ``make run`` runs, on embedded servers of its own; stopped by SIGTERM to its pid."""
    surroundings = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}
    }
    surroundings |= {"DEXRA_DATA_DIR": str(data), "PORT": str(port), "DEXRA_RATE_LIMITS": "off", **environment}
    command = [sys.executable, "-m", "dexra.launch", "run"]
    child = subprocess.Popen(
        command, cwd=product.ROOT, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()


def start_seconds(data: Path, port: int) -> float:
    """Return how long a start takes until ``/readyz`` answers 200."""
    started = time.perf_counter()
    with launched(data, port):
        product.wait_for(port, "/readyz")
        return time.perf_counter() - started


def idle_megabytes(data: Path, port: int, *, settle: float = 10.0) -> dict[str, float]:
    """Return the proportional memory (PSS) of each process and their sum, once nothing happens."""
    with launched(data, port) as launcher:
        product.wait_for(port, "/readyz")
        time.sleep(settle)
        used: dict[str, float] = {}
        for process in [psutil.Process(launcher.pid), *psutil.Process(launcher.pid).children(recursive=True)]:
            name = _role(process)
            used[name] = used.get(name, 0.0) + process.memory_full_info().pss / 1e6
    return {**used, "all": sum(used.values())}


def _role(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    for word in ("dexra.serve", "worker", "beat", "redis", "postgres"):
        if word in line:
            return word.removeprefix("dexra.")
    return "launcher"
