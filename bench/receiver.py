"""A customer's server that costs little: answers every POST at once, or never, and remembers what came when."""

import re
import sys
import time
from dataclasses import dataclass

import uvloop

from bench import counting
from bench.counting import Counting, serve

MARK = re.compile(rb'"message_text":"([\w-]+)"')
ID = re.compile(rb"\r\nwebhook-id: ?(\S+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: where it was sent, the event's id, what its message said, when it was whole."""

    path: str
    event_id: str
    text: str
    at: float


class Receiver(Counting):
    """One connection; a path that begins with ``/hang`` is never answered."""

    def take(self, path: str, request: bytes) -> None:
        """Take an event."""
        event, text = ID.search(request), MARK.search(request)
        self.seen.append(
            (path, event.group(1).decode() if event else "", text.group(1).decode() if text else "", time.time())
        )
        if not path.startswith("/hang"):
            self.write(ANSWER)


def arrivals(port: int) -> list[Arrival]:
    """Return everything a receiver got so far."""
    return [Arrival(*one) for one in counting.seen(port)]


if __name__ == "__main__":
    uvloop.run(serve(Receiver, int(sys.argv[1])))
