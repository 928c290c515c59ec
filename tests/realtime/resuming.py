"""Clients of the extended dialect that come back and say where they stand."""

import json
import time

from core import redis as redis_connections
from realtime.services import broker, sessions
from realtime.services.broker import Publication
from tests.engines import until
from tests.realtime.driving import Client, Stage


def publish(stream: str, *numbers: int) -> None:
    broker.publish(
        [Publication(stream, json.dumps({"event": "x", "data": {"n": n}}).encode(), f"k{n}") for n in numbers]
    )


def connect(stage: Stage, sid: str = "") -> Client:
    return stage.client("actioncable-v1-ext-json", sid=sid)


def resume(client: Client, identifier: str, streams: dict[str, dict[str, object]], since: int = 0) -> list[object]:
    """Subscribe with positions; return the numbers that came and the words around them."""
    history = {"since": since or int(time.time()), "streams": streams}
    client.say(command="subscribe", identifier=identifier, history=history)
    return until_history(client)


def until_kept(sid: str, *identifiers: str) -> None:
    """Wait until a connection has left behind what it listens to."""
    until(lambda: set(json.loads(redis_connections.client().get(sessions._key(sid)) or "[]")) == set(identifiers))


def until_history(client: Client) -> list[object]:
    """Return what comes up to the end of the history: numbers, and the types of other frames."""
    got: list[object] = []
    while not got or got[-1] not in ("confirm_history", "reject_history"):
        frame = client.frame()
        got.append(frame["message"]["data"]["n"] if "message" in frame else frame["type"])
    return got
