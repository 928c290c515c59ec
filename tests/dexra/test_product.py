"""What a start has to know about the database, and what a person is told at its end."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from dexra import product, welcome
from dexra.home import Home

DEMO: dict[str, Any] = {
    "owner": {"email": "owner@example.com", "password": "swordfish", "user_id": 7, "pubsub_token": "agent-token"},
    "live": {"environment_id": 3, "inbox_identifier": "inbox-token", "api_key": "dx_sk_live_key"},
    "sandbox": {"api_key": "dx_sk_test_key"},
}


def url_of(database: str) -> str:
    return make_conninfo(settings.DATABASE_OWNER_URL or settings.DATABASE_URL, dbname=database)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path)


@pytest.mark.django_db
class TestTheDatabase:
    def test_a_migrated_one_is_recognised(self):
        assert product.is_migrated(url_of(connection.settings_dict["NAME"]))

    def test_one_that_never_saw_a_migration_is_not(self):
        assert not product.is_migrated(url_of("template1"))

    def test_one_that_lacks_the_newest_migration_is_not(self, monkeypatch, tmp_path):
        newest = tmp_path / "accounts" / "migrations" / "9999_newest.py"
        newest.parent.mkdir(parents=True)
        newest.touch()
        monkeypatch.setattr(product, "BASE_DIR", tmp_path)

        assert not product.is_migrated(url_of(connection.settings_dict["NAME"]))

    def test_one_that_is_away_is_said_to_be(self):
        with pytest.raises(psycopg.OperationalError):
            product.is_migrated("postgresql://somebody@/dexra?host=/nowhere")


class TestDemoCredentials:
    def test_there_are_none_before_the_first_start(self, home):
        assert product.demo_credentials(home) is None

    @pytest.mark.parametrize("words", ["{}", "", "{"])
    def test_a_start_cut_short_left_them_unfinished(self, home, words):
        home.demo.write_text(words)

        assert product.demo_credentials(home) == {}

    def test_are_the_same_at_every_start(self, home):
        home.demo.write_text(json.dumps(DEMO))

        assert product.demo_credentials(home) == DEMO


class TestWelcome:
    URL = "http://127.0.0.1:8000"

    def test_names_the_login_and_the_places(self):
        said = welcome.text(self.URL, "/data/logs", DEMO)

        assert "owner@example.com  swordfish" in said
        assert "sandbox key  dx_sk_test_key" in said
        assert all(f"{self.URL}{place}" in said for place in ("/", "/admin/", "/docs/"))
        assert "/data/logs" in said

    def test_gives_the_agents_own_subscription(self):
        said = welcome.text(self.URL, "/data/logs", DEMO)

        (line,) = (line for line in said.splitlines() if '"command"' in line)
        assert json.loads(json.loads(line)["identifier"]) == {
            "channel": "RoomChannel",
            "pubsub_token": "agent-token",
            "account_id": 3,
            "user_id": 7,
        }
        assert "ws://127.0.0.1:8000/cable" in said

    def test_does_not_invent_a_password_it_was_not_told(self):
        demo = DEMO | {"owner": DEMO["owner"] | {"password": None}}

        assert "None" not in welcome.text(self.URL, "/data/logs", demo)

    def test_says_nothing_of_a_demo_where_there_is_none(self):
        said = welcome.text(self.URL, "/data/logs", None)

        assert self.URL in said
        assert "log in as" not in said
        assert "Paste this" not in said
