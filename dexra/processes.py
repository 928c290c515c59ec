"""Child processes that never outlive their parent, and what an earlier parent left behind."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

BASE_DIR = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
# psutil reads a start time from the kernel's ticks; two readings of one process may differ in the last of them.
SAME_START_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class RunAs:
    """The system user a child runs as."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True, slots=True)
class Service:
    """A program that is to be kept running."""

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None  # None: all of ours
    run_as: RunAs | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 5.0  # how long it may take to stop before it is killed


def spawn(service: Service, pid_file: Path) -> subprocess.Popen[bytes]:
    """
    Start a service and note it in ``pid_file``. Call it from the main thread only.

    The kernel stops the child when the *thread* that started it ends, so the starter has to live as long as the
    child may. The child has a process group of its own: Ctrl-C in a terminal reaches the parent alone, which
    then stops its children in order. Raises OSError.
    """
    with service.log.open("ab") as log:
        child = popen(
            service.argv,
            service.stop_signal,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=service.environment,
            cwd=BASE_DIR,
            process_group=0,
            **as_user(service.run_as),
        )
    _note(child.pid, pid_file)
    return child


def popen(argv: Sequence[str], stop_signal: signal.Signals, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program that gets ``stop_signal`` when we die; ``options`` are subprocess's. Raises OSError."""
    before_exec = die_with_parent(stop_signal)
    return subprocess.Popen(argv, preexec_fn=before_exec, **options)  # noqa: PLW1509, S603  our own words, one thread


def as_user(run_as: RunAs | None) -> dict[str, Any]:
    """Return the arguments that make ``subprocess`` take on a user and nothing else of ours."""
    if run_as is None:
        return {}
    return {"user": run_as.uid, "group": run_as.gid, "extra_groups": []}


def die_with_parent(stop_signal: signal.Signals, parent: int | None = None) -> Callable[[], None] | None:
    """
    Return what a process runs so that it gets the signal when its parent dies; None where the kernel cannot.

    Run between fork and exec, where the parent is this process.
    """
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork: between fork and exec as little as possible may happen.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    expected = os.getpid() if parent is None else parent

    def set_signal() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != expected:
            os._exit(1)

    return set_signal


def stop_leftover(pid_file: Path, stop_signal: signal.Signals, seconds: float) -> bool:
    """
    Stop the process ``pid_file`` names if it still runs; True when there was one.

    The file holds the process's start time too, so a stranger that was given the same number is left alone.
    """
    try:
        noted = json.loads(pid_file.read_text())
        process = psutil.Process(noted["pid"])
        ours = bool(abs(process.create_time() - noted["started"]) < SAME_START_SECONDS)
    except (OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        ours = False
    if ours:
        with contextlib.suppress(psutil.NoSuchProcess):
            _stop(process, stop_signal, seconds)
    pid_file.unlink(missing_ok=True)
    return ours


def _stop(process: psutil.Process, stop_signal: signal.Signals, seconds: float) -> None:
    process.send_signal(stop_signal)
    try:
        process.wait(seconds)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(seconds)


def _note(pid: int, pid_file: Path) -> None:
    """Write who was started and when; a child that has already gone needs no note."""
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(pid).create_time()
        unfinished = pid_file.with_name(f"{pid_file.name}.new")  # whoever reads it finds all of it, or what it replaces
        unfinished.write_text(json.dumps({"pid": pid, "started": started}))
        unfinished.replace(pid_file)
