"""The protocol of a connection: what one answer may put on the wire before it is hung up on."""

from functools import partial
from typing import Any

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

# A socket takes so much at a time, and one answer may be so much in all, its headers included. Interim answers, names
# of chunks and trailers have no other limit, and reading them is work of the loop that everybody shares.
RECEIVED_AT_ONCE = 16 * 1024
MOST_RECEIVED = 512 * 1024
# Interim answers are short and take the longest to read: each counts for so much more.
INTERIM_COSTS = 32 * 1024


class Wire(ResponseHandler):
    """Aiohttp's, which hangs up on whoever talks on and on."""

    _left = MOST_RECEIVED

    def set_response_params(self, **options: Any) -> None:
        """Begin with another answer."""
        self._left = MOST_RECEIVED
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        """Take in a piece of an answer."""
        if self._left > 0:
            self._left -= len(data)
            super().data_received(data)
        elif self.transport is not None:
            self.transport.close()
            self.set_exception(HttpProcessingError(message="There was no end to it."))

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take in an answer whose headers are complete."""
        if data[0].code < 200:
            self._left -= INTERIM_COSTS
        super().feed_data(data, size)


class Connector(TCPConnector):
    """Aiohttp's, whose connections do so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(Wire, loop=self._loop)  # type: ignore[assignment]  # a kind of what it was
