"""From the commit of a message to its frame at a subscriber, through the relay, at a steady rate."""

import json
import re
import select
import time
from dataclasses import dataclass

import psycopg
from django.conf import settings

from bench import load
from bench.cable import Client
from bench.messages import Place
from core import ids

EVENT_ID = re.compile(rb'"event_id":"(evt_\w+)"')


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds from the event's row to its frame, sorted; and how many frames never came."""

    milliseconds: list[float]
    missing: int

    def percentile(self, share: float) -> float:
        """Return the time below which that share of frames stayed."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(len(self.milliseconds) * share))]


def measure(port: int, place: Place, identifier: str, *, messages: int, per_second: float) -> Figures:
    """Write that many messages at that rate and time each frame against the moment its event was written."""
    client = Client(port, identifier)
    arrivals: dict[str, float] = {}
    writer = load.Connection(port, lambda: load.request("POST", place.path, b'{"content":"How long does this take?"}'))
    started = time.perf_counter()
    for number in range(messages):
        writer.ask()
        until, answered = started + (number + 1) / per_second, False
        while not answered or time.perf_counter() < until:
            left = max(0.0, until - time.perf_counter()) if answered else None
            readable, _, _ = select.select([client.socket, writer.socket], [], [], left)
            if client.socket in readable:
                _note(client, arrivals)
            if writer.socket in readable:
                answered = writer.read() is not None
    deadline = time.perf_counter() + 5
    while len(arrivals) < messages and time.perf_counter() < deadline:
        if select.select([client.socket], [], [], 0.2)[0]:
            _note(client, arrivals)
    return _compared(arrivals, messages)


def _note(client: Client, arrivals: dict[str, float]) -> None:
    """Read what is there and remember when each message's frame came."""
    client.received += client.socket.recv(65536)
    now = time.time()
    *whole, client.received = client.received.split(b'{"identifier"')
    for frame in [*whole, client.received]:
        found = EVENT_ID.search(frame)
        if found and b'"event":"message.created"' in frame:
            arrivals.setdefault(found.group(1).decode(), now)


def _compared(arrivals: dict[str, float], expected: int) -> Figures:
    by_row = {ids.decode("evt", public_id): at for public_id, at in arrivals.items()}
    with psycopg.connect(settings.DATABASE_OWNER_URL or settings.DATABASE_URL) as database:
        database.execute("SELECT set_config('dexra.environment', '0', false)")
        rows = database.execute(
            "SELECT id, extract(epoch FROM occurred_at) FROM events_event WHERE id = ANY(%s)", [list(by_row)]
        ).fetchall()
    took = sorted((by_row[row] - float(written)) * 1000 for row, written in rows)
    return Figures(took, expected - len(took))


def agent_identifier(owner: dict[str, object], environment_id: int) -> str:
    """Return the identifier an agent subscribes with."""
    return json.dumps(
        {
            "channel": "RoomChannel",
            "pubsub_token": owner["pubsub_token"],
            "account_id": environment_id,
            "user_id": owner["user_id"],
        }
    )
