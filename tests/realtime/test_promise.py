"""The promise of the cable, kept while everything around it breaks: nothing lost, nothing twice, all in order."""

import json
import random
import threading
import time
from typing import Any

import pytest

from core import redis as redis_connections
from realtime.services import broker
from realtime.services.broker import Publication
from tests.engines import until
from tests.realtime.driving import Client, Stage

pytestmark = pytest.mark.slow

LAST = 600


class Wanderer:
    """A client that breaks off at random moments and comes back to any process, as AnyCable's would."""

    def __init__(self, stages: list[Stage], identifier: str, stream: str, seed: int) -> None:
        self.seen: list[int] = []
        self.connections = 0
        self.refusals = 0
        self._stages = stages
        self._identifier = identifier
        self._stream = stream
        self._chance = random.Random(seed)  # noqa: S311  the same every time
        self._sid = ""
        self._position: dict[str, Any] = {}
        self._since = int(time.time())

    def run(self) -> None:
        """Wander until the last publication has come."""
        while not self.seen or self.seen[-1] != LAST:
            client = self._chance.choice(self._stages).client("actioncable-v1-ext-json", sid=self._sid)
            self.connections += 1
            self._enter(client)
            self._listen(client)
            client.hang_up()

    def has_seen(self, number: int) -> bool:
        """Whether a publication, or a later one, has come."""
        return number <= 0 or (bool(self.seen) and self.seen[-1] >= number)

    def _enter(self, client: Client) -> None:
        welcome = client.frame()
        self._sid = welcome["sid"]
        streams = {self._stream: self._position} if self._position else {}
        command = "history" if welcome.get("restored_ids") else "subscribe"
        history = {"since": self._since, "streams": streams}
        client.say(command=command, identifier=self._identifier, history=history)

    def _listen(self, client: Client) -> None:
        """Read for a random while; positions are noted just as they come."""
        ends = time.monotonic() + self._chance.expovariate(6)
        while time.monotonic() < ends and (not self.seen or self.seen[-1] != LAST):
            if not client.has_something(0.02):
                continue
            message = client.message()
            frame = json.loads(message.get("text", "{}"))
            if frame.get("type") == "disconnect":
                self._sid = ""
                return
            if frame.get("type") == "reject_history":
                self.refusals += 1
            if "stream_id" in frame:
                self.seen.append(frame["message"]["data"]["n"])
                self._position = {"epoch": frame["epoch"], "offset": frame["offset"]}


def test_holds_for_clients_that_come_and_go(stage, second_stage, visitor, stream):
    wanderers = [Wanderer([stage, second_stage], visitor, stream, seed) for seed in range(6)]
    threads = [threading.Thread(target=wanderer.run) for wanderer in wanderers]
    for thread in threads:
        thread.start()
    time.sleep(0.3)

    for number in range(1, LAST + 1):
        payload = json.dumps({"event": "x", "data": {"n": number}}).encode()
        for _ in range(1 + number % 2):  # every other one is published twice
            broker.publish([Publication(stream, payload, f"k{number}")])
        if number % 90 == 0:
            redis_connections.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        # History reaches back 200: whoever is held up by the machine alone is waited for, also to wander enough.
        until(lambda: all(wanderer.has_seen(number - 100) for wanderer in wanderers), seconds=60)  # noqa: B023
        if number == LAST - 1:
            until(lambda: all(wanderer.connections > 10 for wanderer in wanderers), seconds=60)
        time.sleep(0.01)
    for thread in threads:
        thread.join(60)

    for wanderer in wanderers:
        assert wanderer.seen == list(range(1, LAST + 1))
        assert wanderer.refusals == 0
        assert wanderer.connections > 10
