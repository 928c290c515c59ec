"""Starts the launcher as a person does, and looks at what it leaves running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from dexra.processes import BASE_DIR

PATIENCE_SECONDS = 240  # a first start is a few seconds of work, but others may be at work
LAUNCH = [sys.executable, "-m", "dexra.launch"]
# What the surrounding test run was given must not lead these launchers to its servers.
OWN = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "DEXRA_EMBEDDED",
    "DEXRA_DATA_DIR",
    "DEXRA_ALLOWED_PRIVATE_NETWORKS",
    "PORT",
    "DJANGO_SETTINGS_MODULE",
)


def environment(data: Path, **more: str) -> dict[str, str]:
    """Return a person's environment with a data directory of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    return {**kept, "DEXRA_DATA_DIR": str(data), **more}


def execute(data: Path, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a command beside embedded servers."""
    return subprocess.run(
        [*LAUNCH, "exec", "--no-fsync", "--", *command],
        env=environment(data, **more),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@contextmanager
def launched(data: Path, arguments: Sequence[str], *, says: str, **more: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Start the launcher, wait until it says something, and make sure that it is gone afterwards."""
    output = data.with_name(f"{data.name}.out")
    with output.open("wb") as file:
        launcher = subprocess.Popen(
            [*LAUNCH, *arguments], env=environment(data, **more), cwd=BASE_DIR, stdout=file, stderr=file
        )
    try:
        wait_for(lambda: says in output.read_text() or launcher.poll() is not None, seconds=PATIENCE_SECONDS)
        assert launcher.poll() is None, output.read_text()
        yield launcher
    finally:
        if launcher.poll() is None:
            launcher.send_signal(signal.SIGTERM)
            launcher.wait(60)


def wait_for(ready: Callable[[], object], *, seconds: float) -> float:
    """Wait until something is true and return how long it took."""
    started = time.monotonic()
    while not ready():
        assert time.monotonic() - started < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - started


def running(data: Path) -> list[int]:
    """Return every process whose command line or environment leads to ``data``."""
    return [process.pid for process in psutil.process_iter() if process.pid != os.getpid() and _uses(process, data)]


def _uses(process: psutil.Process, data: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(str(data) in word for word in (*process.cmdline(), *process.environ().values()))
    except psutil.Error:
        return False
