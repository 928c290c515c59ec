"""
Several processes that serve one port, and the parent that looks after them.

Everything is loaded once, in the parent: its children share that memory, and a new one is there at once. Each has a
socket of its own on the port, and the kernel spreads connections over them; when one dies, the others are asked. The
parent serves nothing: it replaces the dead, and passes on the signal to stop.
"""

import fcntl
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

import structlog

from dexra.processes import die_with_parent

LOOK_SECONDS = 0.1
# One that lived this long is replaced at once; where they keep dying young, each waits longer.
LONG_LIFE_SECONDS = 10.0
PATIENCE_SECONDS = (0.0, 0.0, 1.0, 2.0, 5.0)
HOPELESS_DEATHS = 5  # so many in a row, of every one of them, and whoever started us is to know
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
COUNTS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name
PREFIX = "dexra-metrics-"

log = structlog.get_logger(__name__)


def shared_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port that others of us may be bound to as well. Raises OSError."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found


@contextmanager
def counted_together() -> Iterator[Path]:
    """
    Make the directory in which a crew counts for ``/metrics``, gone afterwards; enter it before anything can count.

    One whose owner was killed is removed by the next one: it is locked while somebody needs it, which also keeps
    systemd from tidying it up.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(left):
            shutil.rmtree(left)
    made = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with _locked(made):
            os.environ[COUNTS] = str(made)
            yield made
    finally:
        os.environ.pop(COUNTS, None)
        shutil.rmtree(made, ignore_errors=True)


@dataclass
class Member:
    """One of the processes."""

    pid: int  # 0 while it is dead
    started: float  # monotonic seconds
    young_deaths: int = 0
    again_at: float = 0.0


@dataclass
class Crew:
    """``size`` processes that each do ``work`` and end with the exit code it returns, counting in ``counts``."""

    work: Callable[[], int]
    size: int
    counts: Path
    _members: list[Member] = field(default_factory=list)
    _signals: int = 0

    def run(self) -> int:
        """Keep them running until told to stop, then stop them; return the exit code, 1 when none can live."""
        self._forget(os.getpid())
        for number in STOP_SIGNALS:
            signal.signal(number, self._hear)
        self._members = [Member(self._fork(), time.monotonic()) for _ in range(self.size)]
        while not self._signals and not self._is_hopeless:
            for member in self._members:
                self._look_after(member)
            time.sleep(LOOK_SECONDS)
        self._stop()
        return 0 if self._signals else 1

    @property
    def _is_hopeless(self) -> bool:
        return all(member.young_deaths >= HOPELESS_DEATHS for member in self._members)

    def _look_after(self, member: Member) -> None:
        """Notice a death; replace the dead."""
        now = time.monotonic()
        if member.pid and (status := _end_of(member.pid)) is not None:
            log.warning("process_died", died=member.pid, exit_code=status)
            self._forget(member.pid)
            member.young_deaths = member.young_deaths + 1 if now - member.started < LONG_LIFE_SECONDS else 0
            member.again_at = now + PATIENCE_SECONDS[min(member.young_deaths, len(PATIENCE_SECONDS) - 1)]
            member.pid = 0
        if not member.pid and now >= member.again_at:
            member.pid, member.started = self._fork(), now

    def _stop(self) -> None:
        """Pass on every signal until all are gone; each has its own limits."""
        passed_on = 0
        while alive := [member for member in self._members if member.pid]:
            if passed_on < max(self._signals, 1):
                passed_on += 1
                for member in alive:
                    os.kill(member.pid, signal.SIGTERM)
            for member in alive:
                member.pid = member.pid if _end_of(member.pid) is None else 0
            time.sleep(LOOK_SECONDS / 10)

    def _fork(self) -> int:
        """Start a process that does the work, and dies at once if we are killed; return its pid."""
        die = die_with_parent(signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # one that comes now is neither lost nor heard twice
        try:
            if pid := os.fork():
                return pid
            self._live(die)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        raise AssertionError("a child never gets here")

    def _live(self, die: Callable[[], None] | None) -> NoReturn:
        """Do the work in a new process, and end: whatever was entered above the fork is the parent's to leave."""
        code = 1
        with suppress(BaseException):
            os.setpgid(0, 0)  # Ctrl-C in a terminal is to reach the parent alone
            if die is not None:
                die()
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            try:
                code = self.work()
            except Exception:
                log.exception("process_failed")
            sys.stdout.flush()
        os._exit(code)

    def _forget(self, pid: int) -> None:
        """Remove what only a living process counts: its open sockets."""
        for gone in self.counts.glob(f"gauge_live*_{pid}.db"):
            gone.unlink(missing_ok=True)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1


def _end_of(pid: int) -> int | None:
    """Return the exit code of a child that has ended, minus the signal's number where one ended it; else None."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a directory. Raises BlockingIOError when somebody else does, OSError when it is not ours to hold."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
