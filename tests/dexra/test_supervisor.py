"""Services are kept running, and stopped in order."""

import json
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from dexra.home import Home
from dexra.processes import Service, spawn
from dexra.supervisor import LARGEST_LOG_BYTES, CommandFailed, Stopped, Supervisor, Unready, keep_log_short
from tests.dexra.launching import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "data")


@pytest.fixture
def supervisor(home: Home) -> Iterator[Supervisor]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    found = Supervisor(home)
    found.obey_signals()
    yield found
    found.stop()
    for number, handler in before.items():
        signal.signal(number, handler)


def service(home: Home, name: str, script: str, stop_seconds: float = 5.0) -> Service:
    return Service(name=name, argv=["sh", "-c", script], log=home.log(name), stop_seconds=stop_seconds)


def pid(home: Home, name: str) -> int:
    return int(json.loads(home.pid_file(name).read_text())["pid"])


def is_up(home: Home, name: str) -> bool:
    return said(home, name) == ["up"]


def said(home: Home, name: str) -> list[str]:
    return home.log(name).read_text().split()


class TestKeepingRunning:
    def test_brings_a_killed_child_back(self, home, supervisor, capfd):
        supervisor.start(service(home, "web", "echo up; exec sleep 60"))
        supervisor.wait_until(partial(is_up, home, "web"), what="web", seconds=30)
        first = pid(home, "web")

        os.kill(first, signal.SIGKILL)
        supervisor.wait_until(lambda: said(home, "web") == ["up", "up"], what="web", seconds=30)

        assert pid(home, "web") != first
        assert "web died (SIGKILL)" in capfd.readouterr().err

    def test_waits_longer_for_a_child_that_keeps_dying_young(self, home, supervisor):
        supervisor.start(service(home, "web", "echo up; exit 3"))

        supervisor.pause(2.5)

        assert len(said(home, "web")) <= 5
        while len(said(home, "web")) < 3:
            supervisor.pause(0.1)

    def test_shows_the_last_words_of_a_dead_child(self, home, supervisor, capfd):
        supervisor.start(service(home, "web", "echo no such table; exit 3"))

        words = ""
        while "no such table" not in words:
            supervisor.pause(0.1)
            words += capfd.readouterr().err

        assert "web died (exit code 3)" in words
        assert "    no such table" in words

    def test_stops_what_an_earlier_supervisor_left(self, home, supervisor):
        left = spawn(service(home, "web", "exec sleep 60"), home.pid_file("web"))

        supervisor.start(service(home, "web", "exec sleep 60"))

        assert left.poll() is not None
        assert pid(home, "web") != left.pid


class TestStopping:
    def test_stops_the_youngest_first(self, home, supervisor):
        trap = "trap 'echo {0} >> {1}; exit' TERM; echo up; while :; do sleep 0.05; done"
        order = home.root / "order"
        for name in ("database", "worker", "web"):
            supervisor.start(service(home, name, trap.format(name, order)))
            wait_for(partial(is_up, home, name), seconds=30)

        supervisor.stop()

        assert order.read_text().split() == ["web", "worker", "database"]

    def test_kills_whoever_takes_too_long(self, home, supervisor):
        supervisor.start(service(home, "web", "trap '' TERM; echo up; sleep 60", stop_seconds=0.3))
        wait_for(partial(is_up, home, "web"), seconds=30)

        started = time.monotonic()
        supervisor.stop()

        assert 0.3 <= time.monotonic() - started < 30  # it sleeps for a minute
        assert not home.pid_file("web").exists()

    def test_obeys_a_signal_while_waiting(self, supervisor):
        signal.raise_signal(signal.SIGTERM)

        with pytest.raises(Stopped):
            supervisor.wait_until(lambda: False, what="nothing", seconds=30)

    def test_obeys_a_signal_while_a_command_runs(self, home, supervisor):
        signal.raise_signal(signal.SIGINT)

        with pytest.raises(Stopped):
            supervisor.run(["sleep", "60"], home.log("command"))


class TestWaiting:
    def test_gives_up_in_the_end(self, supervisor):
        with pytest.raises(Unready, match="the moon is not ready after 0 s"):
            supervisor.wait_until(lambda: False, what="the moon", seconds=0.1)

    def test_gives_up_at_once_on_a_child_that_cannot_stay_alive(self, home, supervisor, monkeypatch):
        monkeypatch.setattr("dexra.supervisor.PATIENCE_SECONDS", (0.01,))
        supervisor.start(service(home, "web", "exit 3"))

        with pytest.raises(Unready, match=r"web keeps dying; why is at the end of .*web\.log"):
            supervisor.wait_until(lambda: False, what="web", seconds=60)

    def test_a_command_answers_with_what_it_printed(self, home, supervisor):
        assert supervisor.run(["sh", "-c", "echo out; echo err >&2"], home.log("command")) == "out\n"
        assert home.log("command").read_text() == "err\n"

    def test_a_command_that_fails_shows_why(self, home, supervisor, capfd):
        with pytest.raises(CommandFailed, match="exit code 7"):
            supervisor.run(["sh", "-c", "echo table is missing >&2; exit 7"], home.log("command"))

        assert "table is missing" in capfd.readouterr().err


def test_a_large_log_is_put_aside(tmp_path):
    log = tmp_path / "web.log"
    with log.open("wb") as file:
        file.truncate(LARGEST_LOG_BYTES + 1)

    keep_log_short(log)

    assert not log.exists()
    assert (tmp_path / "web.log.1").stat().st_size == LARGEST_LOG_BYTES + 1
