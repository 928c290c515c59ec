"""Rate limits."""

import pytest
from redis import Redis

from core import redis as redis_connections
from core import throttle
from core.throttle import Limit


class TestCount:
    def test_lets_as_many_pass_as_are_allowed(self):
        verdicts = [throttle.count([Limit("t", 2)], now=600.0) for _ in range(3)]

        assert [verdict.exceeded for verdict in verdicts] == ["", "", "t"]
        assert [verdict.remaining for verdict in verdicts] == [1, 0, 0]

    def test_starts_again_with_the_next_minute(self):
        for _ in range(3):
            throttle.count([Limit("t", 2)], now=600.0)

        assert throttle.count([Limit("t", 2)], now=660.0).exceeded == ""

    def test_reports_the_tightest_of_several(self):
        verdict = throttle.count([Limit("wide", 100), Limit("narrow", 5)], now=612.0)

        assert (verdict.limit, verdict.remaining, verdict.reset_after) == (5, 4, 48)

    def test_answers_with_both_families_of_headers(self):
        headers = throttle.count([Limit("t", 2)], now=600.0).headers

        assert headers["X-RateLimit-Remaining"] == "1"
        assert headers["RateLimit-Policy"] == '"default";q=2;w=60'
        assert headers["RateLimit"] == '"default";r=1;t=60'

    @pytest.mark.slow
    def test_lets_everything_pass_while_redis_is_away(self, monkeypatch):
        nowhere = Redis(unix_socket_path="/nonexistent/redis.sock")
        monkeypatch.setattr(redis_connections, "client", lambda: nowhere)
        monkeypatch.setattr(throttle._Circuit, "open_until", 0.0)

        assert throttle.count([Limit("t", 0)]) is None

    def test_is_off_when_the_operator_says_so(self, settings):
        settings.RATE_LIMITS = False

        assert throttle.count([Limit("t", 0)]) is None
