"""The APIs' requests pass the middlewares for pages by; pages meet every one of them."""

import pytest
from django.http import JsonResponse
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from accounts.models import User

API, PAGE = "/v1/shown", "/shown"
FOR_PAGES = ("Referrer-Policy", "Cross-Origin-Opener-Policy")


@csrf_exempt
def shown(request):
    return JsonResponse({name: hasattr(request, name) for name in ("session", "user", "_messages")})


def guarded(request):
    return JsonResponse({})


urlpatterns = [
    path("v1/shown", shown),
    path("shown", shown),
    path("v1/guarded", guarded),
    path("guarded", guarded),
    path("v1/slashed/", shown),
]


@pytest.fixture
def client(settings):
    settings.ROOT_URLCONF = __name__
    return Client(enforce_csrf_checks=True)


class TestAnApi:
    def test_knows_no_session(self, client):
        assert client.get(API).json() == {"session": False, "user": False, "_messages": False}

    def test_says_that_its_answers_are_no_pages(self, client):
        answer = client.get(API)

        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Content-Length"] == str(len(answer.content))
        assert not any(name in answer for name in (*FOR_PAGES, "Strict-Transport-Security"))

    def test_insists_on_tls_where_it_came_by_it(self, client, settings):
        settings.SECURE_HSTS_SECONDS = 3600

        assert client.get(API, secure=True)["Strict-Transport-Security"] == "max-age=3600"
        assert "Strict-Transport-Security" not in client.get(API)

    def test_refuses_another_host(self, client, settings):
        settings.ALLOWED_HOSTS = ["dexra.test"]

        assert client.get(API, HTTP_HOST="evil.test").status_code == 400
        assert client.get(API, HTTP_HOST="dexra.test").status_code == 200

    def test_takes_no_form_where_a_view_asks_for_djangos_proof(self, client):
        assert client.post("/v1/guarded").status_code == 403
        assert client.get("/v1/guarded").status_code == 200

    def test_does_not_guess_at_slashes(self, client):
        assert client.get("/v1/slashed").status_code == 404


class TestAPage:
    def test_has_its_session(self, client):
        assert client.get(PAGE).json() == {"session": True, "user": True, "_messages": True}

    def test_has_every_header(self, client):
        answer = client.get(PAGE)

        assert all(name in answer for name in (*FOR_PAGES, "X-Frame-Options", "X-Content-Type-Options"))

    def test_refuses_a_form_without_djangos_proof(self, client):
        assert client.post("/guarded").status_code == 403


@pytest.mark.django_db
def test_an_operators_login_opens_no_api():
    client = Client()
    client.force_login(User.objects.create_user("ada@acme.test", "correct horse battery", is_staff=True))

    assert client.get("/v1/account").status_code == 401
