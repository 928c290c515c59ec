"""Connections that broke, and their successors."""

import time

import pytest

from core import redis as redis_connections
from realtime import transport
from realtime.services import limits
from tests.realtime.resuming import connect, publish, resume, until_history, until_kept

pytestmark = pytest.mark.slow

NOW = int(time.time())


class TestRestore:
    def test_goes_on_where_the_connection_broke(self, stage, visitor, stream, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)
        first.hang_up()
        publish(stream, 6, 7)

        second = connect(stage, sid)
        welcome = second.frame()
        publish(stream, 8)
        history = {"since": NOW, "streams": {stream: {"epoch": epoch, "offset": 5}}}
        second.say(command="history", identifier=visitor, history=history)

        assert (welcome["restored"], welcome["restored_ids"]) == (True, [visitor])
        assert welcome["sid"] != sid
        assert until_history(second) == [6, 7, "confirm_history"]
        assert second.frame()["offset"] == 8

    def test_works_in_another_process(self, stage, second_stage, visitor, stream, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)
        publish(stream, 6)

        second = connect(second_stage, sid)
        assert second.frame()["restored_ids"] == [visitor]
        second.say(command="history", identifier=visitor, history={"since": NOW, "streams": {}})

        assert until_history(second) == [6, "confirm_history"]

    def test_knows_better_than_the_clients_clock_where_it_stood(self, stage, visitor, stream, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)
        first.hang_up()
        publish(stream, 6)

        second = connect(stage, sid)
        sid = second.frame()["sid"]
        second.say(command="history", identifier=visitor, history={"since": NOW + 9999, "streams": {}})
        assert until_history(second) == [6, "confirm_history"]
        until_kept(sid, visitor)
        second.hang_up()  # before it could note a position

        third = connect(stage, sid)
        third.frame()
        third.say(command="history", identifier=visitor, history={"since": NOW + 9999, "streams": {}})
        assert until_history(third) == [6, "confirm_history"]

    def test_takes_the_secret_from_a_header_too(self, stage, visitor, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)

        second = stage.client("actioncable-v1-ext-json", headers=[(b"x-anycable-restore-sid", sid.encode())])

        assert second.frame()["restored"] is True

    def test_works_once(self, stage, visitor, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)

        assert connect(stage, sid).frame().get("restored") is True
        assert "restored" not in connect(stage, sid).frame()

    @pytest.mark.parametrize("sid", ["unknown", "x" * 500, "%00", "../../"])
    def test_is_a_plain_welcome_for_an_unknown_secret(self, stage, sid):
        assert set(connect(stage, sid).frame()) == {"type", "sid"}

    def test_leaves_out_what_is_not_allowed_any_more(self, stage, second_stage, visitor, agent, ada, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        for identifier in (visitor, agent):
            resume(first, identifier, {})
        until_kept(sid, visitor, agent)
        ada.memberships.all().delete()

        second = connect(second_stage, sid)

        assert second.frame()["restored_ids"] == [visitor]
        assert second.subscribe(agent)["type"] == "reject_subscription"

    def test_confirms_a_client_that_does_not_know_it_was_restored(self, stage, visitor, stream, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)
        second = connect(stage, sid)
        second.frame()

        got = resume(second, visitor, {stream: {"epoch": epoch, "offset": 3}})

        assert got == ["confirm_subscription", 4, 5, "confirm_history"]

    def test_goes_live_when_the_client_does_not_say_where_it_stands(self, stage, visitor, stream, epoch, monkeypatch):
        monkeypatch.setattr(limits, "HISTORY_COMMAND_SECONDS", 0.3)
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)
        began = time.monotonic()
        second = connect(stage, sid)
        second.frame()
        publish(stream, 6)

        assert second.frame()["offset"] == 6
        assert time.monotonic() - began >= 0.3

    def test_knows_nothing_that_has_expired(self, stage, visitor, epoch):
        first = connect(stage)
        sid = first.frame()["sid"]
        resume(first, visitor, {})
        until_kept(sid, visitor)
        redis = redis_connections.client()
        keys = list(redis.scan_iter(f"{transport.PREFIX}:session:*"))

        assert len(keys) == 1
        assert sid.encode() not in keys[0]
        assert 0 < redis.ttl(keys[0]) <= 300
