"""HTTP on its way from the event loop to Django's threads and back."""

import asyncio
import itertools
import threading
import time
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
        self.bridge = Bridge(application, workers=1, longest_body=10_000_000)
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


class TestBody:
    def test_is_read_as_it_comes_and_never_held_whole(self):
        seen: list[int] = []

        def count(environ, start_response):
            while chunk := environ["wsgi.input"].read(65536):
                seen.append(len(chunk))
            start_response("200 OK", [])
            return [str(sum(seen)).encode()]

        async def scene():
            exchange = Exchange(count, headers=[(b"content-length", b"6553600")])
            running = asyncio.create_task(exchange.run())
            for number in range(100):
                await exchange.sent.put({"type": "http.request", "body": b"x" * 65536, "more_body": number < 99})
                while exchange.sent.qsize() > 1:  # noqa: ASYNC110  a server stops reading then
                    await asyncio.sleep(0)
            await running
            return exchange.body

        assert asyncio.run(scene()) == str(100 * 65536).encode()
        assert max(seen) == 65536

    def test_that_is_cut_off_raises_instead_of_looking_complete(self):
        raised: list[BaseException] = []

        def read(environ, start_response):
            try:
                environ["wsgi.input"].read(1000)
            except OSError as error:
                raised.append(error)
            start_response("400 Bad Request", [])
            return [b""]

        async def scene():
            exchange = Exchange(read, headers=[(b"content-length", b"100000")])
            await exchange.sent.put({"type": "http.request", "body": b"part", "more_body": True})
            await exchange.sent.put({"type": "http.disconnect"})
            await exchange.run()

        asyncio.run(scene())
        assert [type(error) for error in raised] == [bridge.ClientGone]

    def test_is_not_waited_for_longer_than_a_thread_is_worth(self, monkeypatch):
        monkeypatch.setattr(bridge, "CLIENT_SECONDS", 0.1)
        raised: list[BaseException] = []

        def read(environ, start_response):
            try:
                environ["wsgi.input"].read(1000)
            except OSError as error:
                raised.append(error)
            start_response("408 Request Timeout", [])
            return [b""]

        async def scene():
            exchange = Exchange(read, headers=[(b"content-length", b"100000")])
            await exchange.run()

        asyncio.run(scene())
        assert [type(error) for error in raised] == [TimeoutError]


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
            await asyncio.wait_for(exchange.run(), 3)
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
        together = threading.Barrier(3, timeout=5)

        def wait(environ, start_response):
            together.wait()
            start_response("200 OK", [])
            return [b"ok"]

        async def scene():
            exchange = Exchange(wait)
            exchange.bridge = Bridge(wait, workers=3, longest_body=0)
            began = time.monotonic()
            await asyncio.gather(*(exchange.run() for _ in range(3)))
            return time.monotonic() - began

        assert asyncio.run(scene()) < 5
