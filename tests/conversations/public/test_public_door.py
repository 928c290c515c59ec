"""What holds for every path of the client API: CORS, limits, sizes, paths."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg.errors import DeadlockDetected

from conversations.api.public import door
from tests.conftest import open_inbox
from tests.conversations.public.conftest import Browser


class TestCORS:
    def test_any_origin_may_read_any_answer(self, browser, me):
        for answer in (browser.get(), browser.get("/contacts/nobody"), browser.post(f"{me}/conversations", {"a": 1})):
            assert answer["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer

    def test_a_preflight_is_answered_without_looking_at_anything(self, db, client, django_assert_num_queries):
        with django_assert_num_queries(0):
            answer = client.options(
                "/public/api/v1/inboxes/nothing/contacts",
                headers={
                    "Origin": "https://shop.test",
                    "Access-Control-Request-Method": "PATCH",
                    "Access-Control-Request-Headers": "content-type, x-anything",
                },
            )

        assert answer.status_code == 204
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "PATCH" in answer["Access-Control-Allow-Methods"]
        assert answer["Access-Control-Allow-Headers"] == "content-type, x-anything"

    def test_errors_from_before_the_door_may_be_read_too(self, browser):
        answer = browser.post("/contacts", {"name": "x" * 1_100_000})

        assert answer.status_code == 413
        assert answer.json()["status"] == 413
        assert answer["Access-Control-Allow-Origin"] == "*"

    def test_no_forgery_protection_stands_in_the_way(self, inbox):
        strict = Client(enforce_csrf_checks=True)

        answer = strict.post(
            f"/public/api/v1/inboxes/{inbox.identifier}/contacts", headers={"Origin": "https://a.test"}
        )

        assert answer.status_code == 200


@pytest.mark.usefixtures("long_minute")
class TestLimits:
    def test_of_new_contacts_is_its_own(self, browser, inbox, live):
        answers = [browser.post("/contacts", {"source_id": "device-1"}) for _ in range(61)]

        assert [answer.status_code for answer in answers] == [200] * 60 + [429]
        assert answers[-1].json() == {"status": 429, "error": "Too Many Requests"}
        assert int(answers[-1]["Retry-After"]) >= 1
        assert browser.get().status_code == 200
        assert Browser(open_inbox(live)).post("/contacts").status_code == 200

    def test_is_counted_before_the_database_is_asked(self, browser, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(door, "REQUESTS_A_MINUTE", 3)
        for _ in range(3):
            assert browser.get().status_code == 200

        with django_assert_num_queries(0):
            assert browser.get().status_code == 429

    def test_covers_guessing_identifiers(self, db, client, monkeypatch):
        monkeypatch.setattr(door, "REQUESTS_A_MINUTE_EVERYWHERE", 3)

        answers = [client.get(f"/public/api/v1/inboxes/{'x' * number}").status_code for number in range(1, 5)]

        assert answers == [404, 404, 404, 429]

    def test_of_others_is_not_touched(self, browser, monkeypatch):
        monkeypatch.setattr(door, "REQUESTS_A_MINUTE", 1)
        browser.get()

        assert browser.get().status_code == 429
        assert browser.web.get(browser.root, REMOTE_ADDR="203.0.113.9").status_code == 200

    def test_can_be_switched_off(self, browser, settings, monkeypatch):
        monkeypatch.setattr(door, "REQUESTS_A_MINUTE", 1)
        settings.RATE_LIMITS = False

        assert [browser.get().status_code for _ in range(3)] == [200] * 3


class TestAnswers:
    def test_are_compact_json_that_no_cache_keeps(self, browser):
        answer = browser.get()

        assert answer.content == json.dumps(answer.json(), separators=(",", ":"), ensure_ascii=False).encode()
        assert answer["Content-Type"] == "application/json; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("end", ["", "/", ".json", ".json/"])
    def test_are_the_same_however_the_path_ends(self, browser, me, end):
        assert browser.get(me + end).json()["source_id"] == me.rpartition("/")[2]

    def test_do_not_depend_on_what_the_client_accepts(self, browser):
        assert browser.web.get(browser.root, headers={"Accept": "text/html"}).json()["name"] == "Support"

    def test_have_no_body_for_head(self, browser):
        answer = browser.web.head(browser.root)

        assert (answer.status_code, answer.content) == (200, b"")


class TestPatience:
    def broken_circle(self) -> OperationalError:
        error = OperationalError()
        error.__cause__ = DeadlockDetected()
        return error

    def test_acts_once_more_when_postgresql_broke_a_circle_of_waiters(self):
        outcomes = iter([self.broken_circle(), door.done()])

        def act() -> Any:
            outcome = next(outcomes)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        assert door._patiently(act).status_code == 200

    @pytest.mark.parametrize("error", [OperationalError("the connection is closed"), ValueError()])
    def test_has_none_with_anything_else(self, error):
        acted = []

        def act() -> Any:
            acted.append(1)
            raise error

        with pytest.raises(type(error)):
            door._patiently(act)
        assert acted == [1]
