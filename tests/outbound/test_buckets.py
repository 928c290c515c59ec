"""Token buckets: to an account, to a recipient, for a tenant; all of them or none."""

import time

import pytest
from django.conf import settings

from core import redis as redis_connections
from inboxes.channels.capabilities import Rate
from outbound.models import Dispatch
from outbound.services import buckets
from outbound.services.buckets import Ask, Buckets, Wish

LOTS = Rate(1000, 1000)


def ask(*addresses, account=LOTS, recipient=LOTS, environment_id=1, inbox_id=1, lane=Dispatch.Lane.NORMAL):
    wishes = [Wish(address, lane) for address in addresses]
    return Ask(environment_id, inbox_id, account, recipient, wishes)


def seconds(waits):
    return [round(wait.seconds, 1) for wait in waits]


class TestBuckets:
    def test_let_a_burst_go_and_then_as_many_as_the_rate_allows(self):
        asked = ask(*"abcde", account=Rate(10, 3))
        (waits,) = Buckets().take([asked])

        assert seconds(waits) == [0, 0, 0, 0.1, 0.1]
        assert [wait.by_all for wait in waits] == [False, False, False, True, True]

    def test_fill_up_again(self):
        empty = Buckets()
        empty.take([ask("a", "b", account=Rate(20, 2))])
        time.sleep(0.06)

        assert seconds(empty.take([ask("a", "b", account=Rate(20, 2))])[0])[0] == 0

    def test_of_a_recipient_make_nobody_else_wait(self):
        (waits,) = Buckets().take([ask("a", "a", "b", recipient=Rate(1, 1))])

        assert seconds(waits) == [0, 1.0, 0]
        assert not any(wait.by_all for wait in waits)

    def test_take_from_all_or_from_none(self):
        asked = ask("a", "a", "a", account=Rate(1, 2), recipient=Rate(1, 1))
        (first,) = Buckets().take([asked])
        (second,) = Buckets().take([ask("b", account=Rate(1, 2), recipient=Rate(1, 1))])

        assert seconds(first)[0] == 0
        assert all(wait > 0 for wait in seconds(first)[1:])
        assert seconds(second) == [0]  # what was refused to a took nothing from the account

    def test_are_shared_by_all_workers(self):
        Buckets().take([ask("a", account=Rate(0.001, 1))])

        ((wait,),) = Buckets().take([ask("b", account=Rate(0.001, 1))])
        assert 900 < wait.seconds <= 1000

    def test_are_apart_for_each_inbox_and_recipient_of_it(self):
        one = ask("a", account=Rate(1, 1), recipient=Rate(1, 1))
        other = ask("a", account=Rate(1, 1), recipient=Rate(1, 1), inbox_id=2)

        assert [seconds(waits) for waits in Buckets().take([one, other])] == [[0], [0]]

    def test_hold_a_recipient_for_as_long_as_its_provider_asked(self):
        held = Buckets()
        held.hold(1, 1, "a", 1000.0)
        (waits,) = Buckets().take([ask("a", "b")])

        assert [900 < wait.seconds <= 1000 for wait in waits] == [True, False]
        assert waits[1].seconds == 0

    def test_leave_nothing_behind_in_redis_for_long(self):
        Buckets().take([ask("a", recipient=Rate(1, 5))])
        client = redis_connections.client()

        assert {client.pttl(key) > 0 for key in client.keys("dexra:rate:*")} == {True}
        assert max(client.pttl(key) for key in client.keys("dexra:rate:*")) <= 6_000


@pytest.fixture
def address():
    """Where Redis is, before it is away."""
    return settings.REDIS_URL


@pytest.mark.usefixtures("address", "_redis_away")
class TestWithoutRedis:
    def test_each_worker_counts_by_itself_at_a_quarter_of_the_pace(self):
        (waits,) = Buckets().take([ask(*"abcde", account=Rate(8, 8))])

        assert seconds(waits) == [0, 0, 0.5, 0.5, 0.5]

    def test_what_is_sent_in_bulk_waits(self):
        (waits,) = Buckets().take([ask("a", lane=Dispatch.Lane.BULK)])

        assert seconds(waits) == [buckets.AWAY_SECONDS]

    def test_a_recipient_that_is_held_stays_so(self):
        held = Buckets()
        held.hold(1, 1, "a", 1000.0)

        ((wait,),) = held.take([ask("a")])
        assert 900 < wait.seconds <= 1000

    def test_redis_is_left_alone_for_a_while(self, monkeypatch, address):
        monkeypatch.setattr(buckets, "AWAY_SECONDS", 60.0)
        away = Buckets()
        away.take([ask("a")])
        with monkeypatch.context() as back:
            back.setattr(settings, "REDIS_URL", address)
            redis_connections.client.cache_clear()
            away.take([ask("a")])

            assert redis_connections.client().keys("dexra:rate:*") == []
