"""Keeps services running until told to stop, then stops them in order."""

import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from dexra.home import Home
from dexra.processes import BASE_DIR, Service, popen, spawn, stop_leftover

LOOK_SECONDS = 0.1
# A child that lived this long is started again at once; one that keeps dying young waits longer each time.
LONG_LIFE_SECONDS = 10.0
PATIENCE_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
HOPELESS_DEATHS = 4  # so many in a row, and a start is given up
LARGEST_LOG_BYTES = 20_000_000
TAIL_LINES = 8


class Stopped(Exception):
    """Somebody asked us to stop."""


class Unready(Exception):
    """Something that was waited for did not come."""


class CommandFailed(Exception):
    """A command that had to succeed did not; its last words were shown."""


@dataclass
class Child:
    """A service and the process it is at the moment."""

    service: Service
    process: subprocess.Popen[bytes]
    started: float  # monotonic seconds
    young_deaths: int = 0
    again_at: float | None = None  # when it is started again; None while it runs


class Supervisor:
    """
    The parent of every service.

    Everything happens in the main thread, inside ``pause``: whoever waits for anything waits there, so children
    are looked after and a signal to stop is obeyed at every moment of a start, too.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stages: list[list[Child]] = []
        self._stop_asked = False

    def obey_signals(self) -> None:
        """Make SIGINT, SIGTERM and SIGHUP raise Stopped out of the next ``pause``."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def start(self, *services: Service) -> None:
        """Start services that will be stopped together, before those started earlier. Raises OSError."""
        stage: list[Child] = []
        self._stages.append(stage)
        for service in services:
            keep_log_short(service.log)
            stop_leftover(self._home.pid_file(service.name), service.stop_signal, service.stop_seconds)
            stage.append(Child(service, self._spawn(service), time.monotonic()))

    def pause(self, seconds: float = LOOK_SECONDS) -> None:
        """Wait, and start again whoever died meanwhile. Raises Stopped."""
        until = time.monotonic() + seconds
        while True:
            if self._stop_asked:
                raise Stopped
            for child in self._children():
                self._look_after(child)
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, LOOK_SECONDS))

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Wait for something to become true. Raises Unready, at once when a child cannot stay alive; and Stopped."""
        until = time.monotonic() + seconds
        while not ready():
            if dying := [child.service for child in self._children() if child.young_deaths >= HOPELESS_DEATHS]:
                raise Unready(f"{dying[0].name} keeps dying; why is at the end of {dying[0].log}")
            if time.monotonic() > until:
                raise Unready(f"{what} is not ready after {seconds:.0f} s; its log is in {self._home.root / 'logs'}")
            self.pause(0.05)

    def run(self, argv: Sequence[str], log: Path) -> str:
        """
        Run a command to its end and return what it printed; its errors go to ``log``.

        Raises CommandFailed, OSError, Stopped.
        """
        with log.open("ab") as errors, tempfile.TemporaryFile() as printed:
            command = popen(
                argv,
                signal.SIGTERM,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=errors,
                cwd=BASE_DIR,
                process_group=0,
            )
            try:
                while command.poll() is None:
                    self.pause(0.03)
            except Stopped:
                command.kill()  # migrations and bootstrap are transactions: nothing is left half done
                command.wait()
                raise
            printed.seek(0)
            if command.returncode:
                say_tail(log)
                raise CommandFailed(f"`{shlex.join(argv[1:])}` failed ({_cause(command.returncode)}); see {log}")
            return printed.read().decode()

    def stop(self) -> None:
        """Stop everybody, the youngest stage first; whoever takes too long is killed."""
        while self._stages:
            stage = [child for child in self._stages.pop() if child.process.poll() is None]
            for child in stage:
                with suppress(ProcessLookupError):
                    child.process.send_signal(child.service.stop_signal)
            asked = time.monotonic()
            for child in stage:
                self._see_off(child, asked + child.service.stop_seconds)

    def _see_off(self, child: Child, until: float) -> None:
        try:
            child.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"{child.service.name} did not stop within {child.service.stop_seconds:.0f} s and is killed")
            child.process.kill()
            child.process.wait()
        self._home.pid_file(child.service.name).unlink(missing_ok=True)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.again_at is not None:
            if now >= child.again_at:
                child.process, child.started, child.again_at = self._spawn(child.service), now, None
        elif child.process.poll() is not None:
            child.young_deaths = child.young_deaths + 1 if now - child.started < LONG_LIFE_SECONDS else 0
            child.again_at = now + PATIENCE_SECONDS[min(child.young_deaths, len(PATIENCE_SECONDS) - 1)]
            say(f"{child.service.name} died ({_cause(child.process.returncode)}) and is started again; it last said:")
            say_tail(child.service.log)

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        return spawn(service, self._home.pid_file(service.name))

    def _children(self) -> list[Child]:
        return [child for stage in self._stages for child in stage]

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked = True


def say(text: str) -> None:
    """Tell the person at the console, if there still is one."""
    with suppress(OSError):
        sys.stderr.write(f"dexra: {text}\n")
        sys.stderr.flush()


def say_tail(log: Path) -> None:
    """Show the last lines of a child's log."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines: Sequence[str] = file.read().decode(errors="replace").splitlines()
        for line in lines[-TAIL_LINES:]:
            sys.stderr.write(f"    {line}\n")


def keep_log_short(log: Path) -> None:
    """Put a log that has grown large aside, in place of the one put aside before."""
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
