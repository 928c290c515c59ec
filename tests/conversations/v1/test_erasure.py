"""Erasing a person, and handing out everything held about them."""

import json

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from accounts.models import AuditEntry, IdempotencyKey
from contacts.models import ContactSession
from conversations.models import Attachment, Conversation, Message, SurveyAnswer
from core import tenancy
from events import bus
from events.event import CATALOGUE
from events.models import LoggedEvent
from tests.conversations.v1.test_messages import picture
from tests.servers import Server, at_once

SECRETS = (
    "amine@example.test",
    "+212600000001",
    "Amine",
    "my secret words",
    "a secret note",
    "premium-plus",
    "pixel.gif",
)


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def story(api, amine, words, talk):
    """Everything that can be known about Amine: said, noted, uploaded, rated, merged."""
    other = api.put("/v1/users/c-0", {"first_name": "Amine", "custom_attributes": {"plan": "premium-plus"}}).json()
    api.post("/v1/users/merge", {"from": "c-0", "into": "c-1"})
    api.patch("/v1/users/c-1", {"phone_number": "+212600000001", "custom_attributes": {"plan": "premium-plus"}})
    api.post(words, {"text": "my secret words"}, idempotency_key="said-once")
    api.post(words, {"text": "a secret note", "private": True})
    api.upload(words, {"text": "Look", "attachments": [picture()]})
    message = Message.unscoped.first()
    SurveyAnswer.unscoped.create(
        environment=message.environment, message=message, conversation=message.conversation, contact=message.contact,
        rating=5, feedback="Amine was here",
    )  # fmt: skip
    return {"user": amine["id"], "merged": other["id"], "conversation": talk["id"]}


@pytest.fixture
def wired():
    """The types of all events that handlers are told of; the product's own table is put back afterwards."""
    heard, table = [], dict(bus._subscriptions)
    bus.subscribe({kind: [lambda events: heard.extend(each.type for each in events)] for kind in CATALOGUE.values()})
    yield heard
    bus.subscribe(table)


class TestErase:
    def test_leaves_a_tombstone_and_nothing_said(self, api, story):
        answer = api.delete("/v1/users/c-1")

        assert answer.json() == {"id": story["user"], "object": "user", "deleted": True}
        for model in (Conversation, Message, Attachment, SurveyAnswer, ContactSession):
            assert not model.unscoped.exists()
        again = api.get(f"/v1/users/{story['user']}")
        assert (again.status_code, again.json()["error"]["code"]) == (410, "user_erased")
        assert "Link" not in again

    def test_leaves_nothing_personal_in_any_table(self, api, story, relay, django_capture_on_commit_callbacks):
        relay.drain()  # whoever keeps a copy has it now
        with django_capture_on_commit_callbacks(execute=True):
            api.delete("/v1/users/c-1")
        relay.drain()

        with tenancy.everyone():
            left = {table: [word for word in SECRETS if word in text] for table, text in _whole_database()}
        assert {table: words for table, words in left.items() if words} == {}

    def test_deletes_the_files_once_it_is_certain(self, api, story, django_capture_on_commit_callbacks):
        path = Attachment.unscoped.get().file.name

        with django_capture_on_commit_callbacks() as callbacks:
            api.delete("/v1/users/c-1")
        assert default_storage.exists(path)
        for callback in callbacks:
            callback()

        assert not default_storage.exists(path)

    def test_deletes_the_other_files_when_one_cannot_be(self, api, words, django_capture_on_commit_callbacks, tmp_path):
        api.upload(words, {"attachments": [picture(), picture("two.gif")]})
        first, second = [each.file.name for each in Attachment.unscoped.order_by("id")]
        (tmp_path / first).unlink()
        (tmp_path / first).mkdir()
        (tmp_path / first / "full").touch()

        with django_capture_on_commit_callbacks(execute=True):
            api.delete("/v1/users/c-1")

        assert not default_storage.exists(second)

    def test_keeps_the_log_with_ids_and_types(self, api, story):
        before = list(LoggedEvent.unscoped.order_by("id").values_list("id", "type", "sequence"))

        api.delete("/v1/users/c-1")

        after = LoggedEvent.unscoped.order_by("id")
        assert [(each.pk, each.type, each.sequence) for each in after][:-1] == before
        said = after.filter(type="message_out").first()
        assert said.data == {
            "erased": True, "conversation_id": story["conversation"], "user": {"id": story["user"], "object": "user"},
            "message": {"id": said.data["message"]["id"], "object": "message"},
        }  # fmt: skip
        assert after.last().type == "user_deleted"

    def test_tells_nobody_of_what_was_erased_before_it_was_told(self, api, story, relay, wired):
        api.delete("/v1/users/c-1")

        relay.drain()

        assert wired == ["user_deleted"]
        assert not LoggedEvent.unscoped.filter(position=None).exists()

    def test_leaves_other_people_alone(self, api, story):
        api.put("/v1/users/c-2", {"first_name": "Bouchra"})
        begun = api.post("/v1/conversations", {"user_id": "c-2", "text": "Hello"}, idempotency_key="other").json()

        api.delete("/v1/users/c-1")

        assert api.get("/v1/users/c-2").json()["first_name"] == "Bouchra"
        assert api.get(f"/v1/conversations/{begun['id']}/messages").json()["data"][0]["text"] == "Hello"
        told = LoggedEvent.unscoped.get(conversation_id=Conversation.unscoped.get().pk, type="message_out")
        assert told.data["message_text"] == "Hello"
        assert list(IdempotencyKey.unscoped.values_list("key", flat=True)) == ["other"]

    def test_lets_the_customer_use_the_id_and_the_address_again(self, api, story):
        api.delete("/v1/users/c-1")

        answer = api.put("/v1/users/c-1", {"email": "amine@example.test"})

        assert (answer.status_code, answer.json()["custom_attributes"]) == (201, {})
        assert answer.json()["id"] != story["user"]

    def test_is_in_the_audit_log(self, api, story):
        api.delete("/v1/users/c-1")

        entry = AuditEntry.unscoped.get(action="user.erased")
        assert (entry.target, entry.actor_type) == (story["user"], "api")

    def test_refuses_a_stranger_and_a_second_time(self, api, stranger, story):
        assert stranger.delete(f"/v1/users/{story['user']}").status_code == 404
        assert api.delete("/v1/users/c-1").status_code == 200
        assert api.delete("/v1/users/c-1").status_code == 404
        assert api.delete(f"/v1/users/{story['user']}").status_code == 410


@pytest.mark.django_db(transaction=True)
class TestEraseBesideWriters:
    def test_never_leaves_words_behind_and_never_hangs(self, api, key, words, talk):
        """Whoever comes first wins: afterwards there is either nothing, or the writer was told that it is gone."""
        acts = [lambda: Server(key).post(words, {"text": "Wait!"}).status_code for _ in range(3)]
        acts += [lambda: Server(key).post("/v1/conversations", {"user_id": "c-1", "text": "New"}).status_code]
        acts += [lambda: Server(key).delete("/v1/users/c-1").status_code]

        *written, begun, erased = at_once(*acts)

        assert erased == 200
        assert set(written) <= {201, 404}
        assert begun in {201, 404, 410, 422}
        with tenancy.everyone():
            assert not Message.unscoped.exists()
            assert not Conversation.unscoped.exists()
            assert not LoggedEvent.unscoped.filter(data__icontains="Wait!").exists()


class TestExport:
    def test_hands_out_everything(self, api, story):
        answer = api.get("/v1/users/c-1/export")

        held = answer.json()
        assert (held["user"]["id"], held["merged_user_ids"]) == (story["user"], [story["merged"]])
        [talk] = held["conversations"]
        assert [each["text"] for each in talk["messages"]] == ["my secret words", "a secret note", "Look"]
        assert talk["messages"][2]["attachments"][0]["filename"] == "pixel.gif"
        assert [each["rating"] for each in held["ratings"]] == [5]
        assert [each["inbox_id"] for each in held["sessions"]] == [talk["inbox_id"]]
        assert len(held["events"]) == LoggedEvent.unscoped.count()

    def test_holds_nothing_of_anybody_else(self, api, story):
        api.put("/v1/users/c-2", {"first_name": "Bouchra"})
        api.post("/v1/conversations", {"user_id": "c-2", "text": "Other words"})

        held = json.dumps(api.get("/v1/users/c-1/export").json())

        assert "Bouchra" not in held
        assert "Other words" not in held

    def test_refuses_a_stranger_and_a_tombstone(self, api, stranger, story):
        assert stranger.get(f"/v1/users/{story['user']}/export").status_code == 404
        assert api.get(f"/v1/users/{story['merged']}/export").status_code == 410


def _whole_database():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT relispartition AND relname NOT LIKE 'django_%'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(row::text, chr(10)), '') FROM \"{table}\" AS row")
            yield table, cursor.fetchone()[0]
