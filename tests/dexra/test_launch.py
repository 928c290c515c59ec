"""One command starts the whole product, and one signal stops it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from dexra.home import Home
from dexra.processes import BASE_DIR
from tests.dexra.launching import (
    LAUNCH,
    PATIENCE_SECONDS,
    environment,
    launched,
    running,
    wait_for,
)
from tests.dexra.places import Places
from tests.ports import free_port

pytestmark = pytest.mark.slow
one_product = pytest.mark.xdist_group("product")  # whoever looks at it does so in one process
one_directory = pytest.mark.xdist_group("directory")

READY = "Dexra is ready at"
STOP_SECONDS = 30.0


@dataclass
class Product:
    """A running product and how to reach it."""

    launcher: "subprocess.Popen[bytes]"
    home: Home
    port: int

    @property
    def said(self) -> str:
        return self.home.root.with_name(f"{self.home.root.name}.out").read_text()

    def get(self, path: str) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def pid(self, name: str) -> int:
        return int(json.loads(self.home.pid_file(name).read_text())["pid"])


@contextmanager
def started(data: Path) -> Iterator[Product]:
    port = free_port()
    with launched(data, ["run"], says=READY, PORT=str(port), DEXRA_WEB_PROCESSES="2") as launcher:
        product = Product(launcher, Home.at(data), port)
        yield product
    assert "is killed" not in product.said  # everybody stops when asked


@pytest.fixture(scope="module")
def product(places: Places) -> Iterator[Product]:
    """A product that goes on running from test to test."""
    with started(places() / "the data") as found:
        yield found


@pytest.fixture(scope="module")
def data(places: Places) -> Path:
    """A data directory: the first test that uses it makes it, the others start from what is there."""
    return places() / "the data"


@one_product
def test_says_where_everything_is_once_it_is_ready(product):
    assert product.get("/readyz") == (
        200,
        {"status": "ok", "checks": dict.fromkeys(("database", "redis", "worker"), "ok")},
    )
    for place in ("/admin/", "/docs/", "/cable", "owner@example.com"):
        assert place in product.said


@one_product
@pytest.mark.skipif(not shutil.which("curl"), reason="the tour is a curl tour")
def test_the_tour_works_as_pasted(product):
    lines = re.findall(r"^  (.*)$", product.said[product.said.index("Paste this") :], flags=re.MULTILINE)
    tour = "\n".join(line for line in lines if "websockets" not in line and '"command"' not in line)

    done = subprocess.run(
        ["bash", "-eu", "-c", tour], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
    )

    hello, answer = (json.loads(line) for line in done.stdout.splitlines())
    assert hello["content"] == "Hello, is anybody there?"
    assert (answer["text"], answer["direction"]) == ("Yes, how can we help?", "outbound")


@one_product
def test_commands_find_the_running_product(product):
    done = subprocess.run(
        [sys.executable, "manage.py", "bootstrap", "--json"],
        env=environment(product.home.root),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["base_url"] == f"http://127.0.0.1:{product.port}"


@one_product
@pytest.mark.parametrize("name", ["web", "worker", "beat", "redis", "postgres"])
def test_brings_a_killed_child_back(product, name):
    first = product.pid(name)

    os.kill(first, signal.SIGKILL)

    wait_for(lambda: product.pid(name) != first, seconds=60)
    wait_for(product.is_ready, seconds=PATIENCE_SECONDS)


@one_directory
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_stops_everything(data, number):
    with started(data) as product:
        product.launcher.send_signal(number)

        assert product.launcher.wait(STOP_SECONDS) == 0
    assert running(data) == []


@one_directory
def test_a_killed_launcher_leaves_nothing_running_and_loses_nothing(data):
    with started(data) as product:
        credentials = json.loads(product.home.demo.read_text())
        product.launcher.kill()
        product.launcher.wait()
        wait_for(lambda: running(data) == [], seconds=STOP_SECONDS)

    with started(data) as product:
        assert credentials["live"]["api_key"] in product.said
        assert "migrating" not in product.said
        assert "making the demo account" not in product.said


@one_product
def test_a_second_one_on_the_same_data_is_refused_in_words(product):
    done = run_to_end(product.home.root, PORT=str(free_port()))

    assert done.returncode == 1
    assert f"is in use by process {product.launcher.pid}" in done.stderr


def test_a_taken_port_is_refused_in_words(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run_to_end(tmp_path / "data", PORT=str(taken.getsockname()[1]))

    assert done.returncode == 1
    assert "choose another, PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_production_does_not_take_the_embedded_servers(tmp_path):
    done = run_to_end(tmp_path / "data", PORT=str(free_port()), DEXRA_ENV="production")

    assert done.returncode == 1
    assert "set DATABASE_URL and REDIS_URL" in done.stderr


def run_to_end(data: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*LAUNCH, "run"],
        env=environment(data, **more),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
