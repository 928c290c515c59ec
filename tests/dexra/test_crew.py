"""Several processes on one port: together they are one server, and none of them outlives the others' parent."""

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from dexra import crew, listening, serve
from dexra.processes import BASE_DIR
from tests.dexra.launching import wait_for
from tests.dexra.test_metrics import Samples, read
from tests.realtime.serving import Closed, Server

pytestmark = pytest.mark.slow

SIZE = 2
SOCKETS = 30  # that all of them are one process's never happens
ASKED = ("dexra_http_requests_total", (("method", "GET"), ("status", "200"), ("surface", "other")))
STILLBORN = """
import sys
from pathlib import Path
from dexra import crew
crew.PATIENCE_SECONDS = (0.0,)
sys.exit(crew.Crew(lambda: 3, 2, Path(sys.argv[1])).run())
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Where the servers of this test make their directories, and nobody else's."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def start(transactional_db, tmp_path, temporary) -> Iterator[Callable[..., Server]]:
    """Start servers of several processes, which end with the test."""
    servers: list[Server] = []

    def begin(role: str = "all", **options: Any) -> Server:
        log = tmp_path / f"{len(servers)}.log"
        servers.append(Server("uvicorn", log, role=role, processes=str(SIZE), DEXRA_METRICS_TOKEN="", **options))
        wait_for(lambda: log.read_text().count("startup complete") >= SIZE, seconds=240)
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


def members(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def scrape(server: Server) -> Samples:
    status, _, text = server.get("/metrics")
    assert status == 200
    return read(text.decode())


def told(server: Server, *name: Any) -> set[float | None]:
    """Return every answer of ten scrapes, which come to all the processes."""
    wanted = (name[0], name[1] if len(name) > 1 else ())
    return {scrape(server).get(wanted) for _ in range(10)}


def is_gone(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


class TestMetrics:
    def test_count_requests_whoever_answered_them(self, start):
        server = start()
        for _ in range(20):
            server.get("/docs/")

        before = scrape(server)[ASKED]

        assert before >= 20
        assert scrape(server)[ASKED] == before + 1  # the scrape before

    def test_count_the_sockets_of_all(self, start):
        server = start()
        for _ in range(SOCKETS):
            server.connect().frame()

        assert told(server, "dexra_cable_sockets") == {SOCKETS}
        assert told(server, "dexra_web_processes") == {SIZE}
        assert told(server, "dexra_cable_link_up") == {1}

    def test_tell_what_is_in_the_database_once(self, start):
        assert told(start(), "dexra_database_up") == {1}

    def test_tell_the_memory_of_all(self, start):
        server = start()
        one = psutil.Process(server.process.pid).memory_info().rss

        assert scrape(server)["process_resident_memory_bytes", ()] > 2 * one


class TestADeath:
    def test_is_made_good(self, start):
        server = start()
        before = members(server)

        before[0].kill()

        wait_for(lambda: len(set(members(server)) - {before[0]}) == SIZE and is_gone(before[0]), seconds=60)
        assert all(server.get("/healthz")[0] == 200 for _ in range(20))

    def test_takes_its_sockets_out_of_the_count_and_leaves_the_requests_in(self, start):
        server = start()
        for _ in range(SOCKETS):
            server.connect().frame()
        for _ in range(20):
            server.get("/docs/")
        asked, victim = scrape(server)[ASKED], members(server)[0]

        victim.kill()
        wait_for(lambda: len(members(server)) == SIZE and victim not in members(server), seconds=60)

        assert scrape(server)[ASKED] > asked
        [left] = told(server, "dexra_cable_sockets")
        assert left is not None
        assert left < SOCKETS

    def test_of_all_again_and_again_is_told_to_who_started_them(self, tmp_path):
        ended = subprocess.run([sys.executable, "-c", STILLBORN, str(tmp_path)], cwd=BASE_DIR, timeout=120, check=False)

        assert ended.returncode == 1


class TestTheEnd:
    @pytest.mark.parametrize("role", ["web", "cable", "all"])
    def test_is_clean_for_all_of_them(self, start, temporary, role):
        server = start(role)
        processes = members(server)
        assert list(temporary.glob(f"{crew.PREFIX}*"))

        assert server.terminate() == 0

        assert len(processes) == SIZE
        assert all(is_gone(process) for process in processes)
        assert not list(temporary.glob(f"{crew.PREFIX}*"))

    def test_sends_the_clients_of_all_off(self, start):
        server = start()
        clients = [server.connect() for _ in range(SOCKETS)]
        assert {client.frame()["type"] for client in clients} == {"welcome"}

        server.process.send_signal(signal.SIGTERM)

        for client in clients:
            assert client.frame() == {"type": "disconnect", "reason": "server_restart", "reconnect": True}
            with pytest.raises(Closed):
                client.frame()
        assert server.process.wait(60) == 0

    def test_comes_to_all_when_the_parent_is_killed(self, start, temporary):
        server = start()
        processes, left = members(server), set(temporary.glob(f"{crew.PREFIX}*"))

        server.process.kill()
        server.process.wait(60)

        wait_for(lambda: all(is_gone(process) for process in processes), seconds=60)
        with crew.counted_together():
            assert left
            assert not left & set(temporary.glob(f"{crew.PREFIX}*"))


class TestHowMany:
    @pytest.fixture(autouse=True)
    def _unsaid(self, monkeypatch):
        monkeypatch.delenv("DEXRA_WEB_PROCESSES", raising=False)

    def test_is_what_the_environment_says(self, monkeypatch):
        monkeypatch.setenv("DEXRA_WEB_PROCESSES", "7")

        assert serve.wanted_processes("web") == serve.wanted_processes("all") == 7

    @pytest.mark.parametrize(("cores", "processes"), [(1, 1), (2, 2), (64, 2)])
    def test_is_two_where_there_are_cores_for_them(self, monkeypatch, cores, processes):
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.setattr("os.sched_getaffinity", lambda _pid: range(cores))

        assert serve.wanted_processes("all") == processes

    def test_is_one_for_a_cable(self, monkeypatch):
        monkeypatch.setenv("DEXRA_WEB_PROCESSES", "7")

        assert serve.wanted_processes("cable") == 1

    @pytest.mark.parametrize("text", ["0", "-1", "two", "65", "²"])
    def test_is_a_number(self, monkeypatch, text):
        monkeypatch.setenv("DEXRA_WEB_PROCESSES", text)

        with pytest.raises(listening.Unusable, match="DEXRA_WEB_PROCESSES"):
            serve.wanted_processes("web")


def test_a_port_that_is_taken_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "dexra.serve", "--port", port, "--processes", "2"],
            cwd=BASE_DIR, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert ended.returncode == 1
    assert f"port {port} cannot be used" in ended.stderr
