"""What waits to be written down: the database may be away, and one entry may be at fault."""

import asyncio
import time
from dataclasses import dataclass

import psycopg
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from events import ledgers
from events.ledgers import Ledger

pytestmark = pytest.mark.usefixtures("_hurry")


@pytest.fixture
def _hurry(monkeypatch):
    monkeypatch.setattr(ledgers, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(ledgers, "GATHER_SECONDS", 0.0)


@dataclass(frozen=True)
class Entry:
    id: int
    ends_at: float


def entry(number, *, seconds=60.0):
    return Entry(number, time.monotonic() + seconds)


class Book(Ledger[Entry]):
    name = "book"
    at_once = 3

    def __init__(self):
        metrics = CollectorRegistry()
        self.given_up = Counter("given_up", "Given up", registry=metrics)
        super().__init__(unsettled=Gauge("unsettled", "Unsettled", registry=metrics), given_up=self.given_up)
        self.written: list[list[int]] = []
        self.done: list[int] = []
        self.is_away = False
        self.unstorable: set[int] = set()

    async def record(self, entries):
        if self.is_away:
            raise psycopg.OperationalError("gone")
        if any(each.id in self.unstorable for each in entries):
            raise ValueError("no row takes this")
        self.written.append([each.id for each in entries])

    def claim_of(self, entry):
        return entry

    def let_go(self, entries):
        self.done += [each.id for each in entries]

    async def close(self):
        pass


@pytest.fixture
def book():
    return Book()


def write(book, times=1):
    async def run():
        for _ in range(times):
            await book.write()

    asyncio.run(run())


class TestWriting:
    def test_takes_as_many_at_once_as_is_good_in_their_order(self, book):
        for number in range(5):
            book.add(entry(number))

        write(book, times=2)

        assert book.written == [[0, 1, 2], [3, 4]]
        assert book.is_empty

    def test_writes_down_what_comes_without_being_asked(self, book):
        async def run():
            keeping = asyncio.create_task(book.keep())
            book.add(entry(1))
            await asyncio.sleep(0.01)
            book.add(entry(2))
            await asyncio.sleep(0.01)
            keeping.cancel()

        asyncio.run(run())

        assert book.written == [[1], [2]]


class TestWithoutTheDatabase:
    def test_entries_wait_and_are_written_when_it_is_back(self, book):
        book.is_away = True
        book.add(entry(1))
        write(book)
        assert not book.is_empty
        assert book.done == []

        book.is_away = False
        write(book)

        assert book.written == [[1]]
        assert book.done == [1]

    def test_an_entry_is_given_up_when_its_lease_has_ended(self, book):
        book.is_away = True
        book.add(entry(1, seconds=-1))
        book.add(entry(2))

        write(book)

        assert book.done == [1]
        assert book.given_up._value.get() == 1
        assert not book.is_empty


class TestAnEntryThatCannotBeStored:
    def test_holds_up_nobody_else(self, book):
        book.unstorable = {2}
        for number in (1, 2, 3):
            book.add(entry(number))

        write(book)

        assert book.written == [[1], [3]]
        assert book.done == [1, 2, 3]
        assert book.is_empty
