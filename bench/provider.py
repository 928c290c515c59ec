"""A provider of bots that costs little: takes each message after some milliseconds, and remembers what came when."""

import asyncio
import re
import sys
import time
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import counting
from bench.counting import Counting, serve

TEXT = re.compile(rb'"text":"([\w-]+)"')
CHAT = re.compile(rb'"chat_id":"?(-?\d+)')


@dataclass(frozen=True, slots=True)
class Taken:
    """One message: the bot it came by, what it said, when it was taken."""

    path: str
    text: str
    at: float


class Provider(Counting):
    """One connection, whose requests are answered after ``delay`` seconds."""

    def __init__(self, seen: list[Any], delay: float) -> None:
        super().__init__(seen)
        self._delay = delay

    def take(self, path: str, request: bytes) -> None:
        """Take a message."""
        found, chat = TEXT.search(request), CHAT.search(request)
        self.seen.append((path, found.group(1).decode() if found else "", time.time()))
        sent = {"message_id": len(self.seen), "chat": {"id": int(chat.group(1)) if chat else 0}, "date": 1}
        asyncio.get_running_loop().call_later(self._delay, self.tell, {"ok": True, "result": sent})


def taken(port: int) -> list[Taken]:
    """Return everything a provider took so far."""
    return [Taken(*one) for one in counting.seen(port)]


if __name__ == "__main__":
    delay = float(sys.argv[2])
    uvloop.run(serve(lambda seen: Provider(seen, delay), int(sys.argv[1])))
