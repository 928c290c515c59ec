"""An egress proxy: tunnels, forwards, refuses."""

import asyncio
from contextlib import suppress

from tests.webhooks.receivers import Receiver, Request, head, read_request


class Proxy(Receiver):
    """
    Forwards everything to one address, whatever name was asked for, unless it is told to ``refuse`` with a status.

    ``requests`` holds what it was asked: ``CONNECT host:port``, or the absolute URL of a plain request.
    """

    def __init__(self, to_port: int, *, refuse: int = 0) -> None:
        super().__init__()
        self._to_port = to_port
        self._refuse = refuse

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        request = await read_request(reader, connection)
        self.requests.append(request)
        if self._refuse:
            writer.write(head(self._refuse, {"Content-Length": "0"}))
            await writer.drain()
            return
        near, far = await asyncio.open_connection("127.0.0.1", self._to_port)
        if request.method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            far.write(_forwarded(request))
        try:
            await asyncio.gather(_pump(reader, far), _pump(near, writer))
        finally:
            far.close()


def _forwarded(request: Request) -> bytes:
    path = "/" + request.path.split("/", 3)[3]
    lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()
