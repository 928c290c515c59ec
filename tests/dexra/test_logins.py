"""Guessing an operator's password takes years."""

import pytest
from django.test import Client

from core import redis as redis_connections
from dexra import logins
from tests.dexra import operating
from tests.dexra.operating import PASSWORD

ADDRESS = "198.51.100.4"


@pytest.fixture
def _olga(db):
    operating.operator_client()


def try_to_log_in(password: str, *, email: str = "olga@dexra.test", address: str = ADDRESS):
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": email, "password": password})


@pytest.mark.usefixtures("_olga")
class TestTheLogin:
    def test_takes_ten_tries_and_then_none_even_the_right_one(self):
        tries = [try_to_log_in("wrong").status_code for _ in range(logins.TRIES)]

        refused = try_to_log_in(PASSWORD)
        assert set(tries) == {200}
        assert refused.status_code == 429
        assert "Too many tries. Wait 5 min" in refused.content.decode()
        assert "sessionid" not in refused.cookies

    def test_counts_an_address_in_any_spelling(self):
        for _ in range(logins.TRIES):
            try_to_log_in("wrong")

        assert try_to_log_in(PASSWORD, email=" OLGA@dexra.test").status_code == 429

    def test_lets_others_in_meanwhile(self):
        for _ in range(logins.TRIES + 1):
            try_to_log_in("wrong")

        assert try_to_log_in(PASSWORD, address="198.51.100.5").status_code == 302

    def test_stops_an_address_that_tries_many_people(self):
        for number in range(logins.TRIES_FROM_ADDRESS):
            try_to_log_in("wrong", email=f"person{number}@dexra.test")

        assert try_to_log_in(PASSWORD).status_code == 429

    def test_forgives_after_five_minutes(self):
        for _ in range(logins.TRIES + 1):
            try_to_log_in("wrong")
        lives = [redis_connections.client().ttl(key) for key in redis_connections.client().keys("dexra:login:*")]

        assert lives
        assert all(0 < seconds <= logins.WINDOW_SECONDS for seconds in lives)

    def test_keeps_nobodys_name_in_redis(self):
        try_to_log_in("wrong")

        assert not [key for key in redis_connections.client().keys("*") if b"olga" in key or ADDRESS.encode() in key]

    @pytest.mark.usefixtures("_redis_away")
    def test_is_open_while_redis_is_away(self):
        assert try_to_log_in(PASSWORD).status_code == 302

    def test_is_not_counted_when_limits_are_off(self, settings):
        settings.RATE_LIMITS = False

        assert {try_to_log_in("wrong").status_code for _ in range(logins.TRIES + 2)} == {200}

    def test_answers_a_form_without_fields(self):
        assert Client().post("/admin/login/", {}).status_code == 200
