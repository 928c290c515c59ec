"""The server in front of everything, against clients that mean no good."""

import asyncio
import socket
import threading
import time

import pytest
import uvicorn

from dexra import serve


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def address():
    """A server."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(hello, http=serve.HttpProtocol, ws="none", lifespan="off", log_config=None, loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listener]),))
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join(60)


def answer(client: socket.socket, *, until: bytes = b"nothing") -> bytes:
    """Return what comes, until that came or the server closed; for half a minute at most."""
    client.settimeout(30)
    received = b""
    while not received.endswith(until) and (chunk := client.recv(4096)):
        received += chunk
    return received


def shout(client: socket.socket) -> None:
    """Send a head of eight megabytes."""
    client.sendall(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(2000):
        client.sendall(b"x" * 4096)
        time.sleep(0.001)


class TestHttpProtocol:
    def test_answers_one_request_after_another(self, address):
        with socket.create_connection(address) as client:
            for _ in range(3):
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert answer(client, until=b"ok").endswith(b"ok")

    def test_takes_a_large_body_with_its_head(self, address):
        with socket.create_connection(address) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)

            assert answer(client, until=b"ok").startswith(b"HTTP/1.1 200")

    def test_hangs_up_on_a_head_without_end(self, address):
        with socket.create_connection(address) as client, pytest.raises(ConnectionError):
            shout(client)

    @pytest.mark.slow
    @pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo"], ids=["nothing", "half a head"])
    def test_hangs_up_on_who_keeps_it_waiting(self, monkeypatch, address, said):
        monkeypatch.setattr(serve, "HEAD_SECONDS", 0.5)
        with socket.create_connection(address) as client:
            client.sendall(said)
            began = time.monotonic()

            assert answer(client) == b""
            assert time.monotonic() - began < 15  # else it waits for twenty seconds
