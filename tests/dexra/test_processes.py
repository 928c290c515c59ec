"""Children never outlive their parent, and strangers are left alone."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dexra.processes import BASE_DIR, Service, spawn, stop_leftover
from tests.dexra.launching import wait_for

PARENT = """
import sys, time
from pathlib import Path
from dexra.processes import Service, spawn
home = Path(sys.argv[1])
spawn(Service(name="child", argv=["sleep", "60"], log=home / "log"), home / "pid")
time.sleep(60)
"""


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    return tmp_path / "child.json"


@pytest.fixture
def sleeper(tmp_path: Path) -> Service:
    return Service(name="child", argv=["sleep", "60"], log=tmp_path / "log")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_dies_with_a_parent_that_was_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=BASE_DIR)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), seconds=60)
    child = psutil.Process(json.loads((tmp_path / "pid").read_text())["pid"])

    parent.kill()
    parent.wait()

    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=30)


def test_a_leftover_is_stopped_by_its_note(sleeper, pid_file):
    child = spawn(sleeper, pid_file)

    assert stop_leftover(pid_file, signal.SIGTERM, 5.0)

    assert child.poll() is not None
    assert not pid_file.exists()


def test_a_note_is_never_half_written(sleeper, pid_file):
    first = spawn(sleeper, pid_file)
    with pid_file.open() as reading:
        second = spawn(sleeper, pid_file)

        assert json.loads(reading.read())["pid"] == first.pid
    assert json.loads(pid_file.read_text())["pid"] == second.pid
    for child in (first, second):
        child.kill()
        child.wait()


def test_a_leftover_that_ignores_the_signal_is_killed(tmp_path, pid_file):
    stubborn = Service(name="child", argv=["sh", "-c", "trap '' TERM; echo deaf; sleep 60"], log=tmp_path / "log")
    child = spawn(stubborn, pid_file)
    wait_for(lambda: "deaf" in stubborn.log.read_text(), seconds=30)

    assert stop_leftover(pid_file, signal.SIGTERM, 0.2)

    assert child.poll() is not None


def test_a_stranger_with_the_same_number_is_left_alone(sleeper, pid_file):
    child = spawn(sleeper, pid_file)
    noted = json.loads(pid_file.read_text())
    pid_file.write_text(json.dumps({**noted, "started": noted["started"] - 60}))

    assert not stop_leftover(pid_file, signal.SIGTERM, 1.0)

    time.sleep(0.1)
    assert child.poll() is None
    child.kill()
    child.wait()


@pytest.mark.parametrize("words", ["", "{", "[]", '{"pid": 999999999, "started": 1}', '{"pid": "x"}'])
def test_a_broken_note_is_forgotten(pid_file, words):
    pid_file.write_text(words)

    assert not stop_leftover(pid_file, signal.SIGTERM, 1.0)

    assert not pid_file.exists()
