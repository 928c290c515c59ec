"""Names that are slow, broken or forgotten, and what that costs everybody else."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.webhooks.names import NO_ANSWER, NameServers
from webhooks.transport import resolver
from webhooks.transport.resolver import NameFailed, Resolver


@pytest.fixture
def world():
    servers = NameServers()
    yield servers
    servers.go_on.set()


@pytest.fixture
def run(world):
    """Runs a story with a resolver that asks this world."""

    def run(story: Callable[[Resolver], Awaitable[Any]], **options: Any) -> Any:
        async def whole() -> Any:
            made = Resolver(world, **{"seconds": 30.0, **options})
            try:
                return await story(made)
            finally:
                await made.close()

        return asyncio.run(whole())

    return run


async def found(names: Resolver, host: str) -> list[str]:
    """Return the addresses of a name."""
    return [result["host"] for result in await names.resolve(host, 443)]


async def failed(names: Resolver, host: str) -> NameFailed:
    """Return how a name fails."""
    with pytest.raises(NameFailed) as failure:
        await names.resolve(host, 443)
    return failure.value


async def found_at_last(names: Resolver, host: str) -> list[str]:
    """Return the addresses of a name once they are known."""
    while True:
        try:
            return await found(names, host)
        except NameFailed:
            await asyncio.sleep(0.02)


async def lost(names: Resolver, world: NameServers, host: str, *, seconds: float) -> None:
    """Let a name be found, and then for so long nobody know it."""
    world.known[host] = ["1.1.1.1"]
    await found(names, host)
    world.known[host] = NO_ANSWER
    let_pass(seconds)


def let_pass(seconds: float) -> None:
    """Put the running loop's clock forward."""
    loop = asyncio.get_running_loop()
    clock = loop.time
    loop.time = lambda: clock() + seconds  # type: ignore[method-assign]


async def hanging(names: Resolver, world: NameServers, count: int) -> list["asyncio.Task[NameFailed]"]:
    """Ask for so many names that are not answered, and return once each has a thread."""
    slow = [asyncio.create_task(failed(names, f"hangs{number}.example.com")) for number in range(count)]
    while world.at_once < count:  # noqa: ASYNC110  threads do not tell a loop
        await asyncio.sleep(0.01)
    return slow


def test_returns_every_address_with_its_family(world, run):
    world.known["example.com"] = ["1.1.1.1", "2606:4700::1"]

    async def story(names):
        return await names.resolve("example.com", 8443)

    assert [(one["host"], one["port"], one["family"]) for one in run(story)] == [
        ("1.1.1.1", 8443, socket.AF_INET),
        ("2606:4700::1", 8443, socket.AF_INET6),
    ]


def test_asks_the_system_unless_told_otherwise():
    async def story():
        return await found(Resolver(), "localhost")

    assert set(asyncio.run(story())) <= {"127.0.0.1", "::1"}


def test_asks_once_for_many_who_ask_at_once_and_remembers(world, run):
    world.known["example.com"] = ["1.1.1.1"]

    async def story(names):
        await asyncio.gather(*(found(names, "example.com") for _ in range(100)))
        return await found(names, "example.com")

    assert run(story) == ["1.1.1.1"]
    assert world.asked["example.com"] == 1


def test_asks_again_once_an_answer_is_old(world, run):
    world.known["example.com"] = ["1.1.1.1"]

    async def story(names):
        await found(names, "example.com")
        world.known["example.com"] = ["8.8.8.8"]
        let_pass(resolver.FRESH_SECONDS)
        return await found(names, "example.com")

    assert run(story) == ["8.8.8.8"]


def test_remembers_for_a_while_that_there_is_no_such_name(world, run):
    async def story(names):
        first, _ = await failed(names, "typo.example.com"), await failed(names, "typo.example.com")
        asked = world.asked["typo.example.com"]
        world.known["typo.example.com"] = ["1.1.1.1"]
        let_pass(resolver.FAILED_SECONDS)
        return str(first), asked, await found(names, "typo.example.com")

    said, asked, later = run(story)
    assert "Name or service not known" in said
    assert (asked, later) == (1, ["1.1.1.1"])


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".com", "\x00.com"])
def test_a_name_that_cannot_be_one_fails_like_any_other(host):
    async def story():
        return await failed(Resolver(), host)

    assert not asyncio.run(story()).is_ours


class TestSlowNames:
    def test_are_given_up_on_in_time(self, run):
        async def story(names):
            started = time.monotonic()
            failure = await failed(names, "hangs.example.com")
            return failure, time.monotonic() - started

        failure, waited = run(story, seconds=0.2)
        assert "no answer within 0.2 s" in str(failure)
        assert not failure.is_ours
        assert 0.19 < waited < 30  # the answer takes a minute

    def test_have_one_thread_however_many_ask(self, world, run):
        async def story(names):
            await asyncio.gather(*(failed(names, "hangs.example.com") for _ in range(200)))
            waited = []
            for _ in range(10):
                started = time.monotonic()
                await failed(names, "hangs.example.com")
                waited.append(time.monotonic() - started)
            return min(waited)

        assert run(story, seconds=0.2) < 0.05  # who comes later than the time it had does not wait at all
        assert world.most_at_once == 1

    def test_are_found_late_for_the_next_who_asks(self, world, run):
        world.known["hangs.example.com"] = ["1.1.1.1"]

        async def story(names):
            await failed(names, "hangs.example.com")
            world.go_on.set()
            return await found_at_last(names, "hangs.example.com")

        assert run(story, seconds=0.2) == ["1.1.1.1"]
        assert world.asked["hangs.example.com"] == 1

    def test_do_not_delay_others(self, world, run):
        world.known["example.com"] = ["1.1.1.1"]

        async def story(names):
            slow = await hanging(names, world, 31)
            await found(names, "example.com")
            waiting = [not one.done() for one in slow]
            world.go_on.set()
            await asyncio.gather(*slow)
            return waiting

        assert run(story) == [True] * 31
        assert world.most_at_once == 32

    def test_that_take_every_thread_are_no_fault_of_who_finds_none(self, world, run):
        world.known["example.com"] = ["1.1.1.1"]

        async def story(names):
            slow = await hanging(names, world, 4)
            unlucky = await failed(names, "example.com")
            await asyncio.gather(*slow)
            world.go_on.set()
            return unlucky.is_ours, await found_at_last(names, "example.com")

        assert run(story, threads=4, seconds=0.2) == (True, ["1.1.1.1"])

    def test_keep_nobody_from_an_address_that_was_known(self, world, run, monkeypatch):
        monkeypatch.setattr(resolver, "PATIENCE_SECONDS", 0.05)
        world.known["example.com"] = ["1.1.1.1"]

        async def story(names):
            await found(names, "example.com")
            let_pass(resolver.FRESH_SECONDS)
            slow = await hanging(names, world, 4)
            addresses = await found(names, "example.com")
            waiting = [not one.done() for one in slow]
            world.go_on.set()
            await asyncio.gather(*slow)
            return addresses, waiting

        assert run(story, threads=4) == (["1.1.1.1"], [True] * 4)

    def test_end_with_nobody_waiting_for_them(self, run):
        started = time.monotonic()

        async def story(names):
            await failed(names, "hangs.example.com")

        run(story, seconds=0.2)
        assert time.monotonic() - started < 30  # the answer takes a minute


class TestNoAnswer:
    def test_about_one_name_is_that_names_fault(self, world, run):
        world.known["broken.example.com"] = NO_ANSWER

        async def story(names):
            return [(await failed(names, "broken.example.com")).is_ours for _ in range(5)]

        assert run(story) == [False] * 5
        assert world.asked["broken.example.com"] == 1

    def test_about_any_name_is_ours(self, world, run):
        world.known = {f"{number}.example.com": NO_ANSWER for number in range(4)}

        async def story(names):
            return [(await failed(names, f"{number}.example.com")).is_ours for number in range(4)]

        assert run(story) == [False, False, True, True]

    def test_is_nobodys_fault_again_once_anything_is_answered(self, world, run):
        world.known = {f"{number}.example.com": NO_ANSWER for number in range(4)}

        async def story(names):
            for number in range(3):
                await failed(names, f"{number}.example.com")
            await failed(names, "typo.example.com")
            return (await failed(names, "3.example.com")).is_ours

        assert run(story) is False

    def test_does_not_make_us_forget(self, world, run):
        async def story(names):
            await lost(names, world, "example.com", seconds=resolver.FRESH_SECONDS)
            return await found(names, "example.com")

        assert run(story) == ["1.1.1.1"]

    def test_makes_us_forget_after_long(self, world, run):
        async def story(names):
            await lost(names, world, "example.com", seconds=resolver.KEPT_SECONDS)
            return await failed(names, "example.com")

        assert "Temporary failure" in str(run(story))

    def test_makes_us_ask_less_and_less_often(self, world, run, monkeypatch):
        monkeypatch.setattr(resolver, "FAILED_SECONDS", 10.0)
        world.known["broken.example.com"] = NO_ANSWER

        async def story(names):
            for _ in range(60):
                await failed(names, "broken.example.com")
                let_pass(10)

        run(story)
        assert world.asked["broken.example.com"] == 6  # after 0, 10, 30, 70, 150 and 310 seconds


def test_forgets_the_oldest_of_very_many(world, run, monkeypatch):
    monkeypatch.setattr(resolver, "MOST_NAMES", 3)
    world.known = {f"{number}.example.com": ["1.1.1.1"] for number in range(5)}

    async def story(names):
        for number in range(5):
            await found(names, f"{number}.example.com")
        await found(names, "4.example.com")
        await found(names, "0.example.com")

    run(story)
    assert world.asked["4.example.com"] == 1
    assert world.asked["0.example.com"] == 2
