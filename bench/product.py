"""Starts and stops the product's processes for a benchmark, on the servers ``dexra.launch exec`` provides."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import load

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30


def free_port() -> int:
    """Return a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of the product's processes, and stop it by its pid."""
    surroundings = {**os.environ, "DEXRA_RATE_LIMITS": "off", "DEXRA_LOG_LEVEL": "WARNING", **environment}
    child = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=surroundings)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def web(port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run web and cable, in as many processes as by default, and wait until they answer."""
    with process("-m", "dexra.serve", "--role", "all", "--port", str(port), **environment) as child:
        wait_for(port)
        yield child


@contextmanager
def worker(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker."""
    arguments = (
        "-m",
        "celery",
        "-A",
        "dexra",
        "worker",
        "--pool",
        "threads",
        "--concurrency",
        "2",
        "--loglevel",
        "WARNING",
    )
    with process(*arguments, **environment) as child:
        yield child


def wait_for(port: int, path: str = "/healthz") -> None:
    """Wait until the product answers 200 there."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(load.request("GET", path))
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{path} did not answer 200 within {START_SECONDS} s.")


def size(pid: int) -> int:
    """Return how many processes a server has that serve: its children, or itself alone."""
    return len(psutil.Process(pid).children()) or 1


def cpu_seconds(pid: int) -> float:
    """Return the CPU a process has used, its children included."""
    root = psutil.Process(pid)
    used = 0.0
    for one in [root, *root.children(recursive=True)]:
        times = one.cpu_times()
        used += times.user + times.system
    return used


def memory_bytes(pid: int) -> int:
    """Return the resident memory of one process."""
    return int(psutil.Process(pid).memory_info().rss)
