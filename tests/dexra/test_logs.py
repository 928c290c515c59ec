"""The log tells what broke, and neither credentials nor what customers wrote."""

import io
import json
import logging

import pytest
import structlog
from django.db import IntegrityError, connection, transaction
from django.test import Client, RequestFactory
from django.urls import path

from accounts.models import User
from core import tenancy
from core.logs import loggable_path
from dexra.middleware import client_ip

SECRET = "Zq3vSecretOfSomebody"
DOORS = [
    f"/public/api/v1/inboxes/inbox/contacts/{SECRET}",
    f"/public/api/v1/inboxes/inbox/contacts/{SECRET}/conversations/1/messages",
    f"/public/api/v1/csat_survey/{SECRET}",
    f"/survey/responses/{SECRET}",
    f"/files/{SECRET}",
]


@pytest.fixture
def lines():
    """What the process writes while a test runs: a function that returns the JSON lines so far."""
    handler = next(
        each
        for each in logging.getLogger().handlers
        if isinstance(each, logging.StreamHandler) and isinstance(each.formatter, structlog.stdlib.ProcessorFormatter)
    )
    written = io.StringIO()
    before = handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)


def divide(request, **_path):
    return 1 / 0


def ask_nonsense(request, **_path):
    with tenancy.everyone(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT CAST(%s AS text)::int", [SECRET])


def insert_twice(request):
    with tenancy.everyone(), transaction.atomic():
        for _ in range(2):
            User.objects.create_user(f"{SECRET}@acme.test", "correct horse")


def insert_twice_and_stumble(request):
    try:
        insert_twice(request)
    except IntegrityError as error:
        raise RuntimeError("it stumbled") from error


urlpatterns = [
    path("public/api/v1/inboxes/<str:inbox>/contacts/<str:contact>", divide),
    path("public/api/v1/inboxes/<str:inbox>/contacts/<str:contact>/conversations/1/messages", divide),
    path("public/api/v1/csat_survey/<str:survey>", divide),
    path("survey/responses/<str:survey>", divide),
    path("files/<str:token>", divide),
    path("v1/nonsense", ask_nonsense),
    path("v1/twice", insert_twice),
    path("v1/stumble", insert_twice_and_stumble),
]
handler500 = "dexra.failures.server_error"


@pytest.mark.urls(__name__)
@pytest.mark.django_db
class TestABug:
    def ask(self, place: str) -> None:
        assert Client(raise_request_exception=False).get(place).status_code == 500

    @pytest.mark.parametrize("place", [*DOORS, f"/files/{SECRET}é"])
    def test_is_logged_without_the_credential_in_the_path(self, lines, place):
        self.ask(place)

        told = {line["logger"]: line for line in lines()}
        assert told["django.request"]["event"] == f"Internal Server Error: {loggable_path(place)}"
        assert told["dexra.http"]["path"] == loggable_path(place)
        assert "ZeroDivisionError: division by zero" in told["django.request"]["exception"]
        assert "in divide" in told["django.request"]["exception"]
        assert SECRET not in json.dumps(lines())

    @pytest.mark.parametrize(
        ("place", "kind", "state"),
        [("/v1/nonsense", "DataError", "22P02"), ("/v1/twice", "IntegrityError", "23505")],
    )
    def test_of_the_database_is_logged_by_kind_and_state_alone(self, lines, place, kind, state):
        self.ask(place)

        told = next(line for line in lines() if line["logger"] == "django.request")["exception"]
        assert f"django.db.utils.{kind} (SQLSTATE {state})" in told
        assert "psycopg.errors." in told
        assert SECRET.lower() not in json.dumps(lines()).lower()

    def test_that_came_from_the_databases_names_both(self, lines):
        self.ask("/v1/stumble")

        told = next(line for line in lines() if line["logger"] == "django.request")["exception"]
        assert told.index("IntegrityError (SQLSTATE 23505)") < told.rindex("which led to") < told.index("it stumbled")
        assert SECRET.lower() not in json.dumps(lines()).lower()


@pytest.mark.django_db
class TestWhatIsLoggedByHand:
    def fail(self) -> Exception:
        with pytest.raises(IntegrityError) as caught:
            insert_twice(None)
        assert SECRET.lower() in str(caught.value).lower()
        return caught.value

    def test_keeps_rows_to_itself_through_structlog(self, lines):
        structlog.get_logger("test").error("failed", exc_info=self.fail())

        assert "SQLSTATE 23505" in lines()[-1]["exception"]
        assert SECRET.lower() not in json.dumps(lines()).lower()

    @pytest.mark.parametrize("sentence", ["Task raised: %r", "Task raised: %s"])
    def test_keeps_rows_to_itself_where_a_library_quotes_the_error(self, lines, sentence):
        error = self.fail()

        logging.getLogger("celery.app.trace").error(sentence, error, exc_info=error)

        assert lines()[-1]["event"] == "Task raised: django.db.utils.IntegrityError (SQLSTATE 23505)"
        assert SECRET.lower() not in json.dumps(lines()).lower()

    def test_tells_every_member_of_a_group(self, lines):
        group = ExceptionGroup("two things", [ValueError("first"), self.fail()])

        logging.getLogger("asyncio").error("stopped", exc_info=group)

        told = lines()[-1]["exception"]
        assert all(words in told for words in ("two things", "ValueError: first", "SQLSTATE 23505"))
        assert SECRET.lower() not in told.lower()

    def test_survives_errors_that_led_to_each_other(self, lines):
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first

        logging.getLogger("test").error("stopped", exc_info=first)

        assert "first" in lines()[-1]["exception"]


class TestLoggablePath:
    @pytest.mark.parametrize("place", DOORS)
    def test_masks_what_opens_a_door(self, place):
        assert loggable_path(place) == place.replace(SECRET, "…")

    @pytest.mark.parametrize("place", ["/", "/v1/users/usr_1", "/public/api/v1/inboxes/in/contacts", "/admin/files/x"])
    def test_leaves_the_rest(self, place):
        assert loggable_path(place) == place


class TestTheCallersAddress:
    def of(self, named: str | None) -> str:
        headers = {} if named is None else {"X-Forwarded-For": named}
        return client_ip(RequestFactory(REMOTE_ADDR="10.0.0.1").get("/", headers=headers))

    @pytest.fixture
    def _trusting(self, settings):
        settings.CLIENT_IP_HEADER = "HTTP_X_FORWARDED_FOR"

    @pytest.mark.usefixtures("_trusting")
    @pytest.mark.parametrize(
        ("named", "address"),
        [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("made up,203.0.113.9 ", "203.0.113.9"),
            ("198.51.100.1, 2001:db8::7", "2001:db8::7"),
        ],
    )
    def test_is_the_one_the_proxy_appended(self, named, address):
        assert self.of(named) == address

    @pytest.mark.usefixtures("_trusting")
    @pytest.mark.parametrize(
        "named", [None, "", ",", "nobody", "203.0.113.9,", "203.0.113.999", "fe80::1%eth0", "\x00"]
    )
    def test_is_the_peers_where_the_header_names_none(self, named):
        assert self.of(named) == "10.0.0.1"

    def test_is_the_peers_where_no_header_is_trusted(self):
        assert self.of("203.0.113.9") == "10.0.0.1"
