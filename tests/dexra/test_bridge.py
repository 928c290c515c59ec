"""HTTP on its way from the event loop to Django's threads and back."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dexra import bridge
from dexra.bridge import Bridge

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/x",
    "query_string": b"",
    "root_path": "",
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 1),
    "headers": [],
}


class Exchange:
    """One request through the bridge: what the client sends, and what it got."""

    def __init__(self, application: Callable[..., Any], *, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.bridge = Bridge(application, workers=1, longest_body=10_000_000, longest_text=1_000_000)
        self.scope = {**SCOPE, "headers": headers or []}
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.got: list[dict[str, Any]] = []
        self.takes = asyncio.Event()
        self.takes.set()

    async def run(self) -> None:
        await self.bridge(self.scope, self.sent.get, self._take)

    async def _take(self, message: dict[str, Any]) -> None:
        await self.takes.wait()
        self.got.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.got)

    async def thread_is_free(self) -> bool:
        """Whether the only thread soon takes other work."""
        free = asyncio.get_running_loop().run_in_executor(self.bridge.executor, lambda: True)
        return await asyncio.wait_for(free, 2)


def echo_headers(environ, start_response):
    start_response("200 OK", [])
    named = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    return [repr(sorted(named.items())).encode()]


class TestHeaders:
    @pytest.mark.parametrize(
        ("sent", "seen"),
        [
            pytest.param([(b"x-real-ip", b"1")], [("HTTP_X_REAL_IP", "1")], id="plain"),
            pytest.param([(b"x_real_ip", b"2")], [], id="an impostor alone"),
            pytest.param([(b"x-real-ip", b"1"), (b"x_real_ip", b"2")], [("HTTP_X_REAL_IP", "1")], id="an impostor"),
        ],
    )
    def test_with_underscores_are_dropped(self, sent, seen):
        async def scene():
            exchange = Exchange(echo_headers, headers=sent)
            await exchange.run()
            return exchange.body

        assert asyncio.run(scene()) == repr(seen).encode()


def measure(environ, start_response):
    start_response("200 OK", [])
    return [f"{environ['CONTENT_LENGTH']} {len(environ['wsgi.input'].read())}".encode()]


def refuse_to_be_called(environ, start_response):
    raise AssertionError("a thread was taken")


LENGTH, CHUNKED = b"content-length", (b"transfer-encoding", b"chunked")
FILES = (b"content-type", b"multipart/form-data; boundary=x")


async def send(exchange: Exchange, *pieces: bytes) -> None:
    for place, piece in enumerate(pieces):
        await exchange.sent.put({"type": "http.request", "body": piece, "more_body": place + 1 < len(pieces)})


class TestBody:
    @pytest.mark.parametrize(
        "headers", [pytest.param([(LENGTH, b"200000")], id="announced"), pytest.param([CHUNKED], id="chunked")]
    )
    def test_is_whole_before_a_thread_is_taken(self, headers):
        async def scene():
            exchange = Exchange(measure, headers=headers)
            await send(exchange, *[b"x" * 50_000] * 4)
            await exchange.run()
            return exchange.body

        assert asyncio.run(scene()) == b"200000 200000"

    def test_that_is_announced_too_long_is_not_read(self):
        async def scene():
            exchange = Exchange(measure, headers=[(LENGTH, b"1000001")])
            await exchange.run()
            return exchange.body

        assert asyncio.run(scene()) == b"1000001 0"

    def test_that_grows_too_long_is_left_there(self):
        async def scene():
            exchange = Exchange(measure, headers=[CHUNKED])
            await send(exchange, *[b"x" * 600_000] * 4)
            await exchange.run()
            return exchange.body, exchange.sent.qsize()

        assert asyncio.run(scene()) == (b"1200000 1200000", 2)

    def test_may_be_longer_with_files(self):
        async def scene():
            exchange = Exchange(measure, headers=[(LENGTH, b"2000000"), FILES])
            await send(exchange, *[b"x" * 500_000] * 4)
            await exchange.run()
            return exchange.body

        assert asyncio.run(scene()) == b"2000000 2000000"

    def test_that_is_cut_off_reaches_nobody(self):
        async def scene():
            exchange = Exchange(refuse_to_be_called, headers=[(LENGTH, b"100000")])
            await exchange.sent.put({"type": "http.request", "body": b"part", "more_body": True})
            await exchange.sent.put({"type": "http.disconnect"})
            await exchange.run()
            return exchange.got

        assert asyncio.run(scene()) == []

    def test_that_trickles_in_for_ever_is_not_waited_for(self, monkeypatch):
        monkeypatch.setattr(bridge, "BODY_SECONDS", 0.1)

        async def trickle(exchange: Exchange) -> None:
            while True:
                await exchange.sent.put({"type": "http.request", "body": b"x", "more_body": True})
                await asyncio.sleep(0.02)

        async def scene():
            exchange = Exchange(refuse_to_be_called, headers=[(LENGTH, b"100")])
            trickling = asyncio.create_task(trickle(exchange))
            await exchange.run()
            trickling.cancel()
            return exchange.got[0]["status"]

        assert asyncio.run(scene()) == 408

    def test_counts_as_under_way_until_it_was_answered(self, monkeypatch):
        monkeypatch.setattr(bridge, "MOST_LONG_BODIES", 1)
        answering, may_answer = threading.Event(), threading.Event()

        def wait(environ, start_response):
            answering.set()
            may_answer.wait(60)
            start_response("200 OK", [])
            return [b"ok"]

        async def scene():
            first = Exchange(wait, headers=[(LENGTH, b"100000")])
            second = Exchange(wait, headers=[(LENGTH, b"100000")])
            second.bridge = first.bridge
            await send(first, b"x" * 100_000)
            running = asyncio.create_task(first.run())
            await asyncio.to_thread(answering.wait, 60)
            await second.run()
            may_answer.set()
            await running
            return second.got[0]["status"], first.got[0]["status"]

        assert asyncio.run(scene()) == (503, 200)

    def test_is_refused_when_too_many_long_ones_are_under_way(self, monkeypatch):
        monkeypatch.setattr(bridge, "MOST_LONG_BODIES", 0)

        async def scene():
            exchange = Exchange(refuse_to_be_called, headers=[(LENGTH, b"100000")])
            await exchange.run()
            return exchange.got[0]

        answer = asyncio.run(scene())
        assert answer["status"] == 503
        assert (b"retry-after", b"5") in answer["headers"]


def endless(environ, start_response):
    start_response("200 OK", [])
    return itertools.repeat(b"x" * 1000)


class TestAnswer:
    def test_is_streamed(self):
        def three(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return iter((b"1", b"2", b"3"))

        async def scene():
            exchange = Exchange(three)
            await exchange.run()
            return exchange.got[0]["status"], [message["body"] for message in exchange.got[1:]]

        assert asyncio.run(scene()) == (200, [b"1", b"2", b"3", b""])

    def test_that_nobody_takes_frees_its_thread(self, monkeypatch):
        monkeypatch.setattr(bridge, "CLIENT_SECONDS", 0.1)

        async def scene():
            exchange = Exchange(endless)
            exchange.takes.clear()
            await asyncio.wait_for(exchange.run(), 30)
            return await exchange.thread_is_free()

        assert asyncio.run(scene())

    def test_that_is_cancelled_frees_its_thread(self):
        async def scene():
            exchange = Exchange(endless)
            exchange.takes.clear()
            running = asyncio.create_task(exchange.run())
            await asyncio.sleep(0.2)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            return await exchange.thread_is_free()

        assert asyncio.run(scene())

    def test_that_fails_is_left_to_the_server(self):
        def fail(environ, start_response):
            raise ZeroDivisionError

        async def scene():
            await Exchange(fail).run()

        with pytest.raises(ZeroDivisionError):
            asyncio.run(scene())

    def test_comes_from_several_threads_at_once(self):
        together = threading.Barrier(3, timeout=60)

        def wait(environ, start_response):
            together.wait()
            start_response("200 OK", [])
            return [b"ok"]

        async def scene():
            exchange = Exchange(wait)
            exchange.bridge = Bridge(wait, workers=3, longest_body=0, longest_text=0)
            await asyncio.gather(*(exchange.run() for _ in range(3)))
            return [message["status"] for message in exchange.got if "status" in message]

        assert asyncio.run(scene()) == [200] * 3
