"""Which pages may talk at the SDK's door, and who is there to answer them."""

import time

import pytest

from accounts.services import audit
from contacts.models import ContactSession
from core import redis as redis_connections
from inboxes.services import inboxes
from realtime import transport
from tests.pages import error


class TestOrigins:
    @pytest.fixture
    def choosy(self, inbox):
        return inboxes.update(
            inbox=inbox, by=audit.SYSTEM, fields={"settings": {"allowed_origins": ["https://shop.example"]}}
        )

    def test_of_other_pages_are_refused_everywhere_in_words_that_the_page_can_read(self, opened, talk, choosy):
        for method, path in [("GET", "/me"), ("GET", "/conversations"), ("POST", "/conversations"), ("GET", "/changes"),
                             ("POST", f"/conversations/{talk['id']}/messages"), ("DELETE", "/session")]:  # fmt: skip
            refused = opened.send(method, path, {}, origin="https://evil.example")
            assert error(refused) == (403, "origin_not_allowed"), path
        body = {"inbox": choosy.identifier}
        refused = opened.post("/sessions", body, origin="https://evil.example")
        assert error(refused) == (403, "origin_not_allowed")
        assert error(opened.post("/sessions", body, origin="null")) == (403, "origin_not_allowed")
        assert ContactSession.unscoped.count() == 1

    def test_that_are_listed_and_apps_without_one_are_served(self, opened, choosy):
        assert opened.send("GET", "/me", origin="https://shop.example").status_code == 200
        assert opened.send("GET", "/me").status_code == 200

    def test_may_all_ask_first(self, opened):
        asked = opened.send("OPTIONS", "/me", origin="https://evil.example", authorization="",
                            access_control_request_headers="authorization,content-type")  # fmt: skip

        assert asked.status_code == 204
        assert asked["Access-Control-Allow-Origin"] == "*"
        assert asked["Access-Control-Allow-Headers"] == "authorization,content-type"
        assert {"GET", "POST", "PATCH", "DELETE"} <= set(asked["Access-Control-Allow-Methods"].split(", "))
        assert int(asked["Access-Control-Max-Age"]) > 0

    def test_may_read_the_headers_that_matter(self, opened):
        shown = opened.get("/me")

        assert {"Request-Id", "Retry-After"} <= set(shown["Access-Control-Expose-Headers"].split(", "))
        assert shown["Request-Id"]
        assert "Access-Control-Allow-Credentials" not in shown
        assert not shown.cookies

    @pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/me", 405),
                                                            ("GET", "/sessions", 405)])  # fmt: skip
    def test_may_read_what_leads_nowhere(self, opened, method, path, status):
        assert error(opened.send(method, path))[0] == status

    def test_may_read_what_is_wrong_with_a_body(self, opened):
        assert error(opened.send("POST", "/conversations", b"{"))[0] == 400
        assert error(opened.send("PATCH", "/me", b"[]")) == (422, "not_an_object")


class TestAgentsOnline:
    def test_are_counted_where_they_are_connected(self, page, live):
        redis, now = redis_connections.client(), time.time()
        redis.zadd(transport.presence_key(live.pk, "users"), {"1": now + 40, "2": now + 40, "3": now - 1})
        redis.hset(transport.presence_key(live.pk, "availability"), mapping={"1": "online", "2": "offline"})

        assert page.open()["inbox"]["agents_online"] == 1
