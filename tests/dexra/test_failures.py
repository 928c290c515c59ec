"""Where no view answers, machines are still told in JSON and people in HTML."""

import pytest
from django.test import Client, RequestFactory
from django.urls import path

from dexra import failures


class TestNotFound:
    @pytest.mark.parametrize("where", ["/v1/nothing", "/v1/", "/v1/conversations/conv_1/", "/files/"])
    def test_tells_machines_in_json(self, client, db, where):
        answer = client.get(where)

        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
        assert answer.json()["error"]["code"] == "not_found"

    def test_speaks_the_words_of_the_client_api(self, client, db):
        assert client.get("/public/nothing").json() == {"status": 404, "error": "Not Found"}

    def test_tells_people_in_html(self, client, db):
        answer = client.get("/nothing")

        assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


class TestBadRequest:
    def test_tells_machines_in_json(self, db, settings):
        settings.ALLOWED_HOSTS = ["dexra.example"]

        answer = Client().get("/v1/account", headers={"Host": "elsewhere.example"})

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")


class TestServerError:
    @pytest.mark.parametrize(
        ("where", "kind"), [("/v1/x", "application/json"), ("/admin/", "text/html; charset=utf-8")]
    )
    def test_answers_in_the_words_of_the_door(self, where, kind):
        answer = failures.server_error(RequestFactory().get(where))

        assert (answer.status_code, answer["Content-Type"]) == (500, kind)

    @pytest.mark.urls(__name__)
    def test_says_nothing_of_the_bug_but_names_the_request(self, db):
        client = Client(raise_request_exception=False)

        answer = client.get("/v1/broken")

        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["code"]) == (500, "internal", "internal_error")
        assert error["request_id"] == answer["Request-Id"]
        assert "division" not in answer.content.decode()


def broken(request):
    return 1 / 0


urlpatterns = [path("v1/broken", broken)]
handler500 = "dexra.failures.server_error"
