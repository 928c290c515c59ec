"""What every native endpoint does before and after its own work; ``/v1/account``."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey
from accounts.services import audit, keys
from tests.conftest import mint
from tests.servers import Server, wrong_fields


class TestAccount:
    def test_says_whose_key_it_is(self, api, acme):
        told = api.get("/v1/account").json()

        assert (told["object"], told["name"], told["environment"], told["livemode"]) == (
            "account",
            "Acme",
            "live",
            True,
        )
        assert told["limits"] == {"requests_per_minute": 100}
        assert told["key"]["hint"].startswith("dx_sk_live_")
        assert told["key"]["scopes"] == []

    def test_tells_the_sandbox_from_live(self, sandbox):
        told = Server(mint(sandbox)).get("/v1/account").json()

        assert (told["environment"], told["livemode"]) == ("sandbox", False)


class TestKey:
    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer dx_sk_live_nonsense", "Bearer \xe9", "Bearer " + "x" * 5000],
    )
    def test_has_to_be_known(self, db, header):
        server = Server(None)
        server.headers = {"Authorization": header}

        answer = server.get("/v1/account")

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["error"]["type"] == "authentication"

    def test_does_not_open_anything_once_revoked_or_expired(self, live):
        key, plain = keys.mint(environment=live, kind=ApiKey.Kind.SECRET, by=audit.SYSTEM)
        ApiKey.unscoped.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        assert Server(plain).get("/v1/account").json()["error"]["code"] == "expired_key"

        ApiKey.unscoped.filter(pk=key.pk).update(expires_at=None)
        keys.revoke(key=key, by=audit.SYSTEM)
        assert Server(plain).get("/v1/account").status_code == 401

    def test_has_to_be_a_secret_one(self, live):
        _, plain = keys.mint(environment=live, kind=ApiKey.Kind.PUBLISHABLE, by=audit.SYSTEM)

        answer = Server(plain).get("/v1/account")

        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wrong_key_kind")

    def test_does_only_what_its_scopes_say(self, live, inbox):
        reader = Server(mint(live, "users:read"))

        assert reader.get("/v1/users").status_code == 200
        for refused in (reader.put("/v1/users/c-1"), reader.get("/v1/conversations"), reader.get("/v1/events")):
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "missing_scope")

    def test_does_not_mix_environments(self, api, sandbox):
        api.put("/v1/users/c-1", {"name": "Live"})

        assert Server(mint(sandbox)).get("/v1/users/c-1").status_code == 404


class TestAnswers:
    def test_carry_their_headers(self, api):
        answer = api.get("/v1/account")

        assert answer["Request-Id"].startswith("req_")
        assert answer["Dexra-Version"] == "2026-11-20"
        assert answer["Cache-Control"] == "no-store"
        assert answer["Content-Type"] == "application/json"
        assert (answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]) == ("100", "99")
        assert answer["RateLimit-Policy"] == '"default";q=100;w=60'

    def test_name_the_request_in_errors(self, api):
        answer = api.get("/v1/users/nobody")

        assert answer.json()["error"]["request_id"] == answer["Request-Id"]

    def test_slow_down_who_asks_too_often(self, api, live, long_minute):
        for _ in range(100):
            assert api.get("/v1/account").status_code == 200

        answer = api.get("/v1/account")

        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
        assert int(answer["Retry-After"]) >= 1
        assert answer["X-RateLimit-Remaining"] == "0"
        assert Server(mint(live)).get("/v1/account").status_code == 200  # another key has its own limit

    def test_are_json_whatever_is_accepted(self, api):
        api.headers["Accept"] = "text/html"

        assert api.get("/v1/account").status_code == 200

    def test_name_ignored_parameters_without_harm(self, api):
        answer = api.get("/v1/account?a%0d%0aSet-Cookie:x=1&%D8%B9=2&" + "&".join(f"p{n}=1" for n in range(50)))

        assert answer.status_code == 200
        assert len(answer.json()["ignored_parameters"]) == 20
        assert "Set-Cookie" not in answer.headers

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("DELETE", "/v1/account", 405), ("OPTIONS", "/v1/account", 405), ("POST", "/v1/account", 405),
         ("GET", "/v1/nothing", 404), ("GET", "/v1/users/", 404), ("POST", "/v1/events", 405),
         ("HEAD", "/v1/account", 200)],
    )  # fmt: skip
    def test_speak_json_for_wrong_methods_and_paths_too(self, api, method, path, status):
        answer = api.send(method, path, idempotency_key="k")

        assert answer.status_code == status
        assert answer["Content-Type"] == "application/json"


class TestBodies:
    def test_have_to_be_json(self, api):
        answer = api.send("PUT", "/v1/users/c-1", b"name=Amine", content_type="application/x-www-form-urlencoded")

        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")

    @pytest.mark.parametrize("body", [b"{", b"nonsense", b'{"name": NaN}', b"\xff\xfe", b"[" * 50_000])
    def test_are_refused_when_they_are_not(self, api, body):
        answer = api.send("PUT", "/v1/users/c-1", body)

        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_json")

    @pytest.mark.parametrize("body", [[], "text", 5, None, True])
    def test_are_objects(self, api, body):
        answer = api.post("/v1/users/merge", body) if body is not None else api.send("POST", "/v1/users/merge", b"null")

        assert wrong_fields(answer) == {"body": "not_an_object"}

    def test_are_at_most_a_mebibyte(self, api):
        answer = api.put("/v1/users/c-1", {"name": "x" * 1024 * 1024})

        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")

    @pytest.mark.parametrize("charset", ["utf-16", "latin-1", "nonsense"])
    def test_are_utf8_whatever_the_header_says(self, api, charset):
        answer = api.send(
            "PUT",
            "/v1/users/c-1?x=%C3%A9",
            '{"name": "é"}'.encode(),
            content_type=f"application/json; charset={charset}",
        )

        assert answer.json()["name"] == "é"

    @pytest.mark.parametrize(
        "value",
        ["\x00", "\ud800", 10**300, 1e308 * 10, [[[[[[]]]]]] * 3, "x" * 70_000, {"a": {"b": None}}, -0.0, 2**70],
    )
    def test_never_break_anything(self, api, value):
        for field in ("custom_attributes", "name", "tags", "email", "blocked", "phone_number"):
            body = {field: {"k": value} if field == "custom_attributes" else [value] if field == "tags" else value}
            raw = json_text(body)
            assert api.send("PUT", "/v1/users/c-1", raw).status_code in {200, 201, 400, 422}


def json_text(value):
    return json.dumps(value).encode()
