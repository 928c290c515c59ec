"""Which pages may talk to an inbox."""

import pytest

from inboxes.channels import origins
from inboxes.channels.origins import origin_allowed


class TestOriginAllowed:
    @pytest.mark.parametrize(
        ("origin", "allowed"),
        [
            ("https://anything.example", []),
            (None, ["https://shop.example"]),  # apps and servers name none
            ("https://shop.example", ["https://other.example", "https://shop.example"]),
            ("https://SHOP.example", ["https://Shop.Example"]),
            ("http://localhost:5173", ["http://localhost:5173"]),
            ("https://a.shop.example", ["https://*.shop.example"]),
            ("https://a.b.shop.example", ["https://*.shop.example"]),
            ("https://a.shop.example:8443", ["https://*.shop.example:8443"]),
            ("capacitor://localhost", ["capacitor://localhost"]),
            ("null", ["null"]),
        ],
    )
    def test_lets_a_listed_page_in(self, origin, allowed):
        assert origin_allowed(origin, allowed)

    @pytest.mark.parametrize(
        ("origin", "allowed"),
        [
            ("null", ["https://shop.example"]),
            ("", ["https://shop.example"]),
            ("http://shop.example", ["https://shop.example"]),
            ("https://shop.example:8443", ["https://shop.example"]),
            ("https://shop.example.evil.example", ["https://shop.example"]),
            ("https://shop.example", ["https://*.shop.example"]),
            ("https://evilshop.example", ["https://*.shop.example"]),
            ("https://.shop.example", ["https://*.shop.example"]),
            ("http://a.shop.example", ["https://*.shop.example"]),
            ("https://a.shop.example:8443", ["https://*.shop.example"]),
            ("https://a.shop.example.evil.example", ["https://*.shop.example"]),
            ("https://evil.example/.shop.example", ["https://*.shop.example"]),  # no browser says so
        ],
    )
    def test_keeps_every_other_page_out(self, origin, allowed):
        assert not origin_allowed(origin, allowed)


class TestProblems:
    @pytest.mark.parametrize(
        "origin",
        ["https://shop.example", "http://localhost:5173", "https://*.shop.example", "https://*.localhost", "null",
         "capacitor://localhost", "http://[::1]:8000", "https://xn--caf-dma.example", "HTTPS://Shop.Example"],
    )  # fmt: skip
    def test_takes_what_browsers_send(self, origin):
        assert origins.problems([origin]) == []

    @pytest.mark.parametrize(
        "origin",
        ["", "*", "shop.example", "https://", "https://shop.example/", "https://shop.example/chat", "https://*.",
         "https://*", "https://*.com", "https://a.*.example", "https://shop.example:443", "http://shop.example:80",
         "https://shop.example:0", "https://café.example", "https://user@shop.example", " https://shop.example",
         "https://shop.example\n", "https://" + "a" * 250 + ".example", 7, None, ["https://shop.example"]],
    )  # fmt: skip
    def test_refuses_everything_else_by_its_place(self, origin):
        [problem] = origins.problems(["https://shop.example", origin])
        assert (problem.field, problem.code) == ("settings.allowed_origins.1", "invalid_origin")

    def test_refuses_more_than_a_hundred(self):
        [problem] = origins.problems(f"https://{place}.example" for place in range(101))
        assert (problem.code, problem.limit, problem.actual) == ("too_many", 100, 101)


class TestAllowedOrigins:
    @pytest.mark.parametrize("stored", [{}, {"allowed_origins": None}, {"allowed_origins": "x"}, None])
    def test_are_none_where_none_were_set(self, stored):
        assert origins.allowed_origins(stored) == []

    def test_are_what_was_set(self):
        assert origins.allowed_origins({"allowed_origins": ["https://shop.example"]}) == ["https://shop.example"]
