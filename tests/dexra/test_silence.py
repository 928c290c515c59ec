"""PostgreSQL falls silent instead of dying: everybody is told so soon, and nothing is lost or done twice."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import psutil
import pytest

from bench.faults import Ledger, Told, open_conversations
from dexra.embedded.postgres import APPLICATION_ROLE, Postgres
from dexra.home import Home
from tests.dexra.launching import launched, wait_for
from tests.dexra.places import Places
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("silence")]  # one product for all

WRITERS = 16  # four for each thread that answers
STOPPED_SECONDS = 16.0
NOTICED_SECONDS = 7.5  # a statement's 5 s, one more for the answer, and time to say so


@dataclass(frozen=True, slots=True)
class Answered:
    """One request and its answer: when it was sent (monotonic), how long it took, what came."""

    at: float
    took: float
    status: int
    retry_after: str | None = None
    body: Any = None


@dataclass
class Crowd:
    """People who write, each into a conversation of their own, and say it again until it is accepted."""

    port: int
    paths: list[str]
    answers: list[Answered] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def writing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._write, args=(path,)) for path in self.paths]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(30)

    def _write(self, path: str) -> None:
        mine = self.told.accepted[path] = []
        for number in range(100_000):
            name = f"{path[-60:-9]}-{number}"
            while not self._is_accepted(path, name):
                if self.stop.wait(0.2):
                    return
            mine.append(name)
            if self.stop.wait(0.05):
                return

    def _is_accepted(self, path: str, name: str) -> bool:
        answer = ask(self.port, "POST", path, {"content": name, "echo_id": name})
        self.answers.append(answer)
        return answer.status == 200


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> Answered:
    """Ask as a client that waits for 20 s."""
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        said = answer.read()
        return Answered(started, time.monotonic() - started, answer.status, answer.headers["Retry-After"], said)
    finally:
        connection.close()


@contextmanager
def stopped(processes: list[psutil.Process]) -> Iterator[float]:
    """Stop processes as SIGSTOP does, and let them go on."""
    for process in processes:
        process.suspend()
    try:
        yield time.monotonic()
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@dataclass
class Product:
    """A product of our own: where it listens, its key, its database, and the processes of that."""

    port: int
    key: str
    inbox: str
    ledger: Ledger
    launcher: psutil.Process

    @property
    def postgres(self) -> list[psutil.Process]:
        """Its PostgreSQL: first who takes connections."""
        server = next(child for child in self.launcher.children() if child.name() == "postgres")
        return [server, *server.children()]

    def is_ready(self) -> bool:
        return ask(self.port, "GET", "/readyz").status == 200


@pytest.fixture(scope="module")
def product(places: Places) -> Iterator[Product]:
    data, port = places() / "data", free_port()
    with launched(data, ["run"], says="Dexra is ready at", PORT=str(port), DEXRA_RATE_LIMITS="off") as launcher:
        home = Home.at(data)
        live = json.loads(home.demo.read_text())["live"]
        database = Postgres(home.root / "postgres", home.sockets, home.log("postgres"), None)
        ledger = Ledger(database.url(APPLICATION_ROLE))
        yield Product(port, live["api_key"], live["inbox_identifier"], ledger, psutil.Process(launcher.pid))


@dataclass
class Watch:
    """What was seen while the database was stopped."""

    since: float = 0.0
    until: float = 0.0
    ready: list[Answered] = field(default_factory=list)
    alive: list[Answered] = field(default_factory=list)
    native: list[Answered] = field(default_factory=list)

    def look(self, product: Product) -> None:
        bearer = {"Authorization": f"Bearer {product.key}"}
        self.ready.append(ask(product.port, "GET", "/readyz"))
        self.alive.append(ask(product.port, "GET", "/healthz"))
        self.native.append(ask(product.port, "GET", "/v1/conversations", **bearer))


@pytest.fixture(scope="module")
def crowd(product: Product) -> Crowd:
    return Crowd(product.port, open_conversations(product.port, product.inbox, count=WRITERS))


@pytest.fixture(scope="module")
def watch(product: Product, crowd: Crowd) -> Watch:
    """The whole scene, once: a crowd writes, PostgreSQL stops for a while and goes on."""
    watch = Watch()
    with crowd.writing():
        time.sleep(1.5)
        with stopped(product.postgres) as watch.since:
            while time.monotonic() < watch.since + STOPPED_SECONDS:
                watch.look(product)
                time.sleep(0.5)
        watch.until = time.monotonic()
        before = {path: len(said) for path, said in crowd.told.accepted.items()}
        time.sleep(6)
        wait_for(lambda: all(len(said) > before[path] for path, said in crowd.told.accepted.items()), seconds=60)
    return watch


def test_every_request_is_answered_503_within_ten_seconds(watch, crowd):
    met = [each for each in [*crowd.answers, *watch.native] if watch.since + 0.2 < each.at < watch.until - 8]

    assert len(met) > WRITERS
    assert {each.status for each in met} == {503}
    assert all(each.retry_after for each in met)
    assert max(each.took for each in met) < 10


def test_nobody_waits_any_more_once_it_was_noticed(watch, crowd):
    later = [each for each in crowd.answers if watch.since + NOTICED_SECONDS < each.at < watch.until - 0.5]

    assert len(later) > 3 * WRITERS
    assert max(each.took for each in later) < 10
    assert sorted(each.took for each in later)[len(later) // 2] < 2  # who waits does so for five seconds


def test_readiness_tells_the_truth_and_life_goes_on(watch):
    assert {each.status for each in watch.ready} == {503}
    assert max(each.took for each in watch.ready) < 10
    assert {each.status for each in watch.alive} == {200}
    assert max(each.took for each in watch.alive) < 5


def test_all_is_well_by_itself_soon_after(watch, crowd, product):
    for path in crowd.paths:
        assert crowd.told.accepted[path], path
    back = [each.at + each.took for each in crowd.answers if each.at > watch.until and each.status == 200]
    refused = [each.at for each in crowd.answers if each.status != 200]

    assert min(back) < watch.until + 30
    assert max(refused) < watch.until + 30
    wait_for(product.is_ready, seconds=30)


def test_nothing_accepted_is_lost_or_there_twice(watch, crowd, product):
    assert product.ledger.wait_until_relayed(60) == 0
    assert sum(map(len, crowd.told.accepted.values())) > 2 * WRITERS
    assert product.ledger.missing(crowd.told) == []
    assert (product.ledger.gaps(), product.ledger.disorder()) == (0, 0)
