"""Pings: one timer for all the sockets of a process."""

import asyncio
import random
import time

from realtime.cable import frames
from realtime.services.limits import PING_SECONDS
from realtime.services.outbox import Frame
from realtime.services.sockets import Socket

SLOTS = 30
SLOT_SECONDS = PING_SECONDS / SLOTS
KEY = "ping"


class Heartbeat:
    """
    A wheel that turns once in three seconds; every socket has its slot and is pinged when it comes round.

    The first ping of a socket comes at a random moment, so that those who came together do not stay together.
    """

    def __init__(self) -> None:
        self._slots: list[dict[Socket, None]] = [{} for _ in range(SLOTS)]
        self._first_turn: dict[Socket, int] = {}
        self._turned = 0

    def add(self, socket: Socket) -> None:
        """Ping a socket from now on."""
        first_in = PING_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311  spreads load
        first_turn = self._turned + round(first_in / SLOT_SECONDS)
        self._first_turn[socket] = first_turn
        self._slots[first_turn % SLOTS][socket] = None

    def remove(self, socket: Socket) -> None:
        """Ping it no more."""
        first_turn = self._first_turn.pop(socket, None)
        if first_turn is not None:
            del self._slots[first_turn % SLOTS][socket]

    async def run(self) -> None:
        """Turn until cancelled; after a stall nobody is left out."""
        loop = asyncio.get_running_loop()
        began = loop.time() - self._turned * SLOT_SECONDS
        while True:
            await asyncio.sleep(max(0.0, began + (self._turned + 1) * SLOT_SECONDS - loop.time()))
            self.turn()

    def turn(self) -> None:
        """Go on to the next slot and ping the sockets in it."""
        self._turned += 1
        frame = Frame(frames.ping(int(time.time())), key=KEY)
        for socket in list(self._slots[self._turned % SLOTS]):
            if self._turned >= self._first_turn[socket]:
                socket.ping(frame)
