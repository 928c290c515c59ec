"""Catching up: what an extended client is given after it was away."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import redis as redis_connections
from realtime import transport
from realtime.services import broker
from realtime.services.broker import Publication
from tests.realtime.driving import room
from tests.realtime.resuming import connect, publish, resume, until_history

pytestmark = pytest.mark.slow

NOW = int(time.time())


class TestResume:
    def test_gives_what_follows_a_position(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()

        got = resume(client, visitor, {stream: {"epoch": epoch, "offset": 2}})

        assert got == ["confirm_subscription", 3, 4, 5, "confirm_history"]

    def test_gives_nothing_to_whoever_missed_nothing(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {stream: {"epoch": epoch, "offset": 5}}) == [
            "confirm_subscription",
            "confirm_history",
        ]

    def test_knows_that_nothing_was_missed_when_the_log_has_expired(self, stage, visitor, stream, epoch):
        redis_connections.client().delete(transport.log_key(stream))
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {stream: {"epoch": epoch, "offset": 5}})[-1] == "confirm_history"

    def test_goes_on_live_behind_the_history(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()
        resume(client, visitor, {stream: {"epoch": epoch, "offset": 5}})

        publish(stream, 6)

        frame = client.frame()
        assert (frame["message"]["data"]["n"], frame["offset"], frame["epoch"]) == (6, 6, epoch)

    @pytest.mark.parametrize(
        "position",
        [
            pytest.param({"epoch": "other", "offset": 2}, id="another epoch"),
            pytest.param({"epoch": None, "offset": 9}, id="an offset that was never reached"),
        ],
    )
    def test_refuses_a_position_that_is_not_in_the_stream(self, stage, visitor, stream, epoch, position):
        client = connect(stage)
        client.frame()

        limits_epoch = {**position, "epoch": position["epoch"] or epoch}
        got = resume(client, visitor, {stream: limits_epoch})

        assert got == ["confirm_subscription", "reject_history"]

    def test_refuses_when_more_was_missed_than_is_kept(self, stage, visitor, stream, epoch):
        for start in range(6, 406, 50):
            publish(stream, *range(start, start + 50))
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {stream: {"epoch": epoch, "offset": 5}}) == [
            "confirm_subscription",
            "reject_history",
        ]

    def test_refuses_when_the_log_has_expired_and_something_was_missed(self, stage, visitor, stream, epoch):
        redis_connections.client().delete(transport.log_key(stream))
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {stream: {"epoch": epoch, "offset": 4}})[-1] == "reject_history"

    def test_goes_on_live_after_a_refusal(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()
        resume(client, visitor, {stream: {"epoch": "other", "offset": 2}})

        publish(stream, 6)

        assert client.frame()["offset"] == 6

    def test_merges_the_streams_of_an_agent_by_time(self, stage, agent, live, ada):
        everyone, own = f"a:{live.pk}", f"u:{live.pk}:{ada.pk}"
        since = int(time.time())
        for number, stream in enumerate((everyone, own, everyone, own, own), start=1):
            publish(stream, number)
            time.sleep(0.003)
        client = connect(stage)
        client.frame()

        assert resume(client, agent, {}, since)[1:] == [1, 2, 3, 4, 5, "confirm_history"]

    def test_gives_nothing_of_any_stream_when_one_is_gone(self, stage, agent, live, ada):
        publish(f"a:{live.pk}", 1, 2)
        client = connect(stage)
        client.frame()

        got = resume(client, agent, {f"u:{live.pk}:{ada.pk}": {"epoch": "gone", "offset": 1}})

        assert got == ["confirm_subscription", "reject_history"]

    def test_never_gives_a_stream_that_is_not_the_clients(self, stage, visitor, agent, live):
        publish(f"a:{live.pk}", 1, 2)
        epoch = redis_connections.client().hget(transport.top_key(f"a:{live.pk}"), "epoch").decode()
        client = connect(stage)
        client.frame()

        got = resume(client, visitor, {f"a:{live.pk}": {"epoch": epoch, "offset": 0}})

        assert got == ["confirm_subscription", "confirm_history"]

    def test_survives_a_history_larger_than_the_outbox(self, stage, visitor, stream):
        filler = "x" * 20_000
        payloads = [
            Publication(stream, json.dumps({"event": "x", "data": {"n": n, "filler": filler}}).encode(), f"k{n}")
            for n in range(1, 101)
        ]
        broker.publish(payloads)
        epoch = redis_connections.client().hget(transport.top_key(stream), "epoch").decode()
        client = connect(stage)
        client.frame()

        got = resume(client, visitor, {stream: {"epoch": epoch, "offset": 0}})

        assert got == ["confirm_subscription", *range(1, 101), "confirm_history"]

    def test_means_nothing_to_a_plain_client(self, stage, visitor, stream, epoch):
        client = stage.client("actioncable-v1-json")
        client.frame()
        client.say(command="subscribe", identifier=visitor, history={"since": NOW - 100, "streams": {}})

        assert client.frame()["type"] == "confirm_subscription"
        client.text()  # who is online
        client.say(command="history", identifier=visitor, history={"since": NOW - 100, "streams": {}})
        assert client.is_silent()


class TestSince:
    def test_gives_what_was_published_from_then_on(self, stage, visitor, stream):
        publish(stream, 1)
        time.sleep(1.1)
        since = int(time.time())
        publish(stream, 2, 3)
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {}, since) == ["confirm_subscription", 2, 3, "confirm_history"]

    def test_confirms_for_a_stream_nobody_has_published_to(self, stage, visitor):
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {}) == ["confirm_subscription", "confirm_history"]

    def test_believes_no_clock_that_is_ahead(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {}, int(time.time()) + 9999)[-1] == "confirm_history"

    def test_refuses_a_time_before_this_redis_was_first_used(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {}, int(time.time()) - 3600) == ["confirm_subscription", "reject_history"]

    def test_refuses_when_the_log_does_not_reach_back(self, stage, visitor, stream):
        redis = redis_connections.client()
        redis.set(transport.BORN_KEY, 0)
        for start in range(1, 401, 50):
            publish(stream, *range(start, start + 50))
        client = connect(stage)
        client.frame()

        assert resume(client, visitor, {}, int(time.time()) - 100)[-1] == "reject_history"

    def test_tells_an_expired_log_with_news_from_one_without(self, stage, visitor, stream, epoch):
        redis = redis_connections.client()
        redis.set(transport.BORN_KEY, 0)
        redis.delete(transport.log_key(stream))
        first, second = connect(stage), connect(stage)
        for client in (first, second):
            client.frame()

        assert resume(first, visitor, {}, int(time.time()) - 100)[-1] == "reject_history"
        redis.hset(transport.top_key(stream), "at", int((time.time() - 200) * 1000))
        assert resume(second, visitor, {}, int(time.time()) - 100)[-1] == "confirm_history"


def steadily(stream: str, numbers: range) -> None:
    for number in numbers:
        publish(stream, number)
        time.sleep(0.004)


class TestWhilePublishing:
    def test_loses_nothing_and_repeats_nothing(self, stage, visitor, stream):
        publish(stream, 0)
        epoch = redis_connections.client().hget(transport.top_key(stream), "epoch").decode()
        with ThreadPoolExecutor(1) as threads:
            publishing = threads.submit(steadily, stream, range(1, 301))
            seen, offset = [], 1
            while offset < 301:
                client = connect(stage)
                client.frame()
                history = {"since": NOW, "streams": {stream: {"epoch": epoch, "offset": offset}}}
                client.say(command="subscribe", identifier=visitor, history=history)
                for _ in range(12):
                    frame = client.frame()
                    assert frame.get("type") != "reject_history"
                    if "message" in frame:
                        seen.append(frame["message"]["data"]["n"])
                        offset = frame["offset"]
                    if offset == 301:
                        break
                client.hang_up()
            publishing.result(60)

        assert seen == list(range(1, 301))


class TestHistoryCommand:
    def test_confirms_a_live_subscription_that_is_up_to_date(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()
        resume(client, visitor, {})
        publish(stream, 6)
        assert client.frame()["offset"] == 6

        history = {"since": NOW, "streams": {stream: {"epoch": epoch, "offset": 6}}}
        client.say(command="history", identifier=visitor, history=history)

        assert until_history(client) == ["confirm_history"]

    def test_refuses_what_could_only_come_out_of_order(self, stage, visitor, stream, epoch):
        client = connect(stage)
        client.frame()
        resume(client, visitor, {})
        publish(stream, 6)
        assert client.frame()["offset"] == 6

        history = {"since": NOW, "streams": {stream: {"epoch": epoch, "offset": 2}}}
        client.say(command="history", identifier=visitor, history=history)

        assert until_history(client) == ["reject_history"]

    def test_waits_for_what_the_client_saw_through_a_faster_process(self, stage, visitor, stream, epoch):
        first = connect(stage)
        first.frame()
        assert resume(first, visitor, {stream: {"epoch": epoch, "offset": 5}})[-1] == "confirm_history"
        feed = stage.hub.switchboard.feed(stream)
        feed.offset = 4  # as if publication 5 were still on its way here

        second = connect(stage)
        second.frame()
        history = {"since": NOW, "streams": {stream: {"epoch": epoch, "offset": 5}}}
        second.say(command="subscribe", identifier=visitor, history=history)
        assert second.frame()["type"] == "confirm_subscription"
        publish(stream, 6)

        assert second.frame()["type"] == "confirm_history"
        assert second.frame()["offset"] == 6


def test_identifiers_with_extra_fields_share_a_stream(stage, session, stream):
    clients = [connect(stage) for _ in range(2)]
    for number, client in enumerate(clients):
        client.frame()
        client.subscribe(room(session.pubsub_token, tab=number))

    publish(stream, 1)

    assert [client.frame()["offset"] for client in clients] == [1, 1]
