"""The same request said twice has one effect, even at the same moment."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import IdempotencyKey
from accounts.services import idempotency
from contacts.models import Contact
from conversations.models import Conversation, Message
from core import tenancy
from tests.conftest import mint
from tests.engines import until
from tests.servers import Server, at_once, wrong_fields


@pytest.fixture
def amine(api, inbox):
    return api.put("/v1/users/c-1", {"name": "Amine"}).json()


ASK = {"user_id": "c-1", "text": "Hello"}


class TestTheSameKey:
    def test_gets_the_same_answer_and_has_one_effect(self, api, amine):
        first = api.post("/v1/conversations", ASK, idempotency_key="k-1")
        again = api.post("/v1/conversations", ASK, idempotency_key="k-1")

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert "Idempotent-Replayed" not in first
        assert again["Idempotent-Replayed"] == "true"
        assert Conversation.unscoped.count() == 1

    @pytest.mark.parametrize(
        ("path", "body"),
        [("/v1/conversations", {**ASK, "subject": "other"}), ("/v1/users/c-1/tags", {"tags": ["a"]})],
    )
    def test_is_refused_for_another_request(self, api, amine, path, body):
        api.post("/v1/conversations", ASK, idempotency_key="k-1")

        answer = api.post(path, body, idempotency_key="k-1")

        assert wrong_fields(answer) == {"Idempotency-Key": "idempotency_key_reused"}

    def test_can_be_used_again_after_a_failure(self, api, inbox):
        refused = api.post("/v1/conversations", ASK, idempotency_key="k-1")
        api.put("/v1/users/c-1")

        answer = api.post("/v1/conversations", ASK, idempotency_key="k-1")

        assert (refused.status_code, answer.status_code) == (422, 201)

    def test_means_something_else_to_another_key(self, api, amine, live):
        api.post("/v1/conversations", ASK, idempotency_key="k-1")

        answer = Server(mint(live)).post("/v1/conversations", ASK, idempotency_key="k-1")

        assert "Idempotent-Replayed" not in answer
        assert Conversation.unscoped.count() == 2

    def test_is_forgotten_after_a_day(self, api, amine):
        api.post("/v1/conversations", ASK, idempotency_key="k-1")
        IdempotencyKey.unscoped.update(created_at=timezone.now() - timedelta(hours=25))

        api.post("/v1/conversations", ASK, idempotency_key="k-1")
        IdempotencyKey.unscoped.update(created_at=timezone.now() - timedelta(hours=25))

        assert Conversation.unscoped.count() == 2
        assert idempotency.forget_old() == 1
        assert not IdempotencyKey.unscoped.exists()

    @pytest.mark.parametrize("wrong", ["", "x" * 256, "a\tb", "a\x7f", "é"])
    def test_has_to_be_printable_and_short(self, api, amine, wrong):
        answer = api.post("/v1/conversations", ASK, idempotency_key=wrong)

        assert list(wrong_fields(answer)) == ["Idempotency-Key"]

    def test_replays_the_names_of_ignored_parameters(self, api, amine):
        answers = [api.post("/v1/conversations", {**ASK, "dry": 1}, idempotency_key="k-1") for _ in range(2)]

        assert [each.json()["ignored_parameters"] for each in answers] == [["dry"], ["dry"]]


def somebody_waits():
    """Whether a connection of these tests waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_has_one_effect(self, api, key, amine):
        def ask():
            return Server(key).post("/v1/conversations", ASK, idempotency_key="k-1")

        answers = at_once(*[ask] * 6)

        statuses = [answer.status_code for answer in answers]
        assert 201 in statuses
        assert set(statuses) <= {201, 409}
        for busy in (answer for answer in answers if answer.status_code == 409):
            assert busy.json()["error"]["code"] == "idempotency_in_progress"
            assert busy["Retry-After"] == "1"
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        with tenancy.everyone():
            assert (Conversation.unscoped.count(), Message.unscoped.count()) == (1, 1)

    def test_says_so_while_the_first_is_still_at_work(self, api, key, amine):
        with tenancy.everyone(), transaction.atomic():
            Contact.unscoped.select_for_update().get()  # the first request waits for this row
            [second] = at_once(lambda: self.while_the_first_waits(key))

        assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_in_progress")
        self.first.join(timeout=60)
        assert Server(key).post("/v1/users/c-1/tags", {"tags": ["a"]}, idempotency_key="k").status_code == 200

    def while_the_first_waits(self, key):
        def ask():
            try:
                Server(key).post("/v1/users/c-1/tags", {"tags": ["a"]}, idempotency_key="k")
            finally:
                connection.close()

        self.first = threading.Thread(target=ask)
        self.first.start()
        until(somebody_waits)
        return Server(key).post("/v1/users/c-1/tags", {"tags": ["a"]}, idempotency_key="k")


class TestTheStoredAnswer:
    def test_is_sealed_because_it_may_show_a_secret(self, api):
        token = api.post("/v1/inboxes", {"name": "Shop", "channel": "api"}, idempotency_key="k").json()["hmac_token"]

        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM accounts_idempotencykey")
            [(stored,)] = cursor.fetchall()
        assert token not in stored
        assert IdempotencyKey.unscoped.get().body["hmac_token"] == token
