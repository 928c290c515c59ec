"""What is said at the SDK's door, and the files that go with it: once each, and nobody else's."""

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.services import audit
from contacts.models import ContactSession
from conversations.models import Attachment, Message
from conversations.services import erasure, messages, uploads
from conversations.services.messages import Author, Draft
from events.event import SYSTEM
from tests.conftest import open_inbox
from tests.pages import MESSAGE, Page, answer, error, row
from tests.servers import at_once, wrong_fields

SURVEY = {"csat_survey_response": {"rating": 5, "feedback_message": "Quick"}}


class TestSay:
    def test_is_kept_once_however_often_it_is_sent(self, opened, talk):
        first, again = opened.say(talk, "How?"), opened.say(talk, "How?")

        assert (first.status_code, again.status_code) == (201, 200)
        assert again["Idempotent-Replayed"] == "true"
        assert first.json() == again.json()

    def test_is_kept_once_a_month_later_too(self, opened, talk):
        first = opened.say(talk, "How?")
        Message.unscoped.update(created_at=timezone.now() - timedelta(days=30))

        assert opened.say(talk, "How?").json()["id"] == first.json()["id"]

    def test_is_refused_with_other_words_under_the_same_name(self, opened, talk):
        opened.say(talk, "How?")

        assert error(opened.say(talk, "Why?")) == (409, "client_message_id_reused")

    @pytest.mark.django_db(transaction=True)
    def test_is_kept_once_when_it_is_said_twice_at_once(self, opened, talk):
        answers = at_once(*[lambda: opened.say(talk, "How?")] * 4)

        assert sorted(each.status_code for each in answers) == [200, 200, 200, 201]
        assert Message.unscoped.filter(text="How?").count() == 1

    def test_opens_a_closed_conversation(self, opened, talk):
        opened.patch(f"/conversations/{talk['id']}", {"status": "closed"})
        opened.say(talk)

        assert opened.get(f"/conversations/{talk['id']}").json()["status"] == "open"

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"text": "x"}, {"client_message_id": "required"}),
            ({"text": "x", "client_message_id": ""}, {"client_message_id": "required"}),
            ({"client_message_id": "m"}, {"text": "required"}),
            ({"text": "", "client_message_id": "m"}, {"text": "required"}),
            ({"text": "x" * 150_001, "client_message_id": "m"}, {"text": "too_long"}),
            ({"text": 7, "client_message_id": "m"}, {"text": "invalid"}),
            ({"client_message_id": "m", "attachment_ids": ["x"] * 16}, {"attachment_ids": "too_long"}),
            ({"client_message_id": "m", "attachment_ids": "x"}, {"attachment_ids": "invalid"}),
        ],
    )
    def test_names_every_wrong_field(self, opened, talk, body, wrong):
        assert wrong_fields(opened.post(f"/conversations/{talk['id']}/messages", body)) == wrong

    def test_has_the_pace_of_its_conversation(self, long_minute, opened, talk, monkeypatch):
        monkeypatch.setattr("conversations.services.messages.MESSAGES_A_MINUTE", 1)

        assert error(opened.say(talk)) == (429, "too_many_messages")


class TestMessages:
    def texts(self, page, talk, **query):
        found = page.get(f"/conversations/{talk['id']}/messages", **query).json()
        return [each["text"] for each in found["data"]], found

    def test_come_in_pages_the_latest_first_each_oldest_first(self, opened, talk):
        for place in range(4):
            opened.say(talk, str(place), f"n-{place}")
        latest, found = self.texts(opened, talk, limit=2)
        before, found = self.texts(opened, talk, limit=2, cursor=found["next_cursor"])
        first, found = self.texts(opened, talk, limit=2, cursor=found["next_cursor"])

        assert (latest, before, first) == (["2", "3"], ["0", "1"], ["Hello"])
        assert (found["has_more"], found["next_cursor"]) == (False, None)

    def test_come_after_one_that_is_known(self, opened, talk):
        for place in range(3):
            opened.say(talk, str(place), f"n-{place}")
        known = talk["messages"][0]["id"]

        assert self.texts(opened, talk, after=known)[0] == ["0", "1", "2"]
        texts, found = self.texts(opened, talk, after=known, limit=2)
        assert (texts, found["has_more"]) == (["0", "1"], True)
        assert wrong_fields(opened.get(f"/conversations/{talk['id']}/messages", after="x")) == {"after": "not_an_id"}

    def test_hide_what_is_not_the_persons_to_see(self, opened, talk, ada):
        messages.note(conversation=row(talk), author=Author("agent", ada), draft=Draft("Secret"))
        answer(talk, "Later", is_scheduled=True)
        answer(talk, "Yes?", ada, metadata={"order": 7}, client_message_id="server-1")
        texts, found = self.texts(opened, talk)

        assert texts == ["Hello", "Yes?"]
        assert "Secret" not in str(found)
        assert ada.email not in str(found)
        assert set(found["data"][1]) == MESSAGE
        assert found["data"][1]["client_message_id"] is None

    def test_show_buttons_as_a_question_and_take_the_answer(self, opened, talk):
        choices = [{"id": "s", "title": "Small"}, {"url": "https://shop.example", "title": "Shop"}]
        buttons = {"text": "Size?", "footer": "Pick", "buttons": choices}
        asked = answer(talk, "Size?", type="button", payload=buttons)
        _, found = self.texts(opened, talk)
        shown = found["data"][1]

        assert shown["content_type"] == "input_select"
        assert shown["content_attributes"] == {
            "footer": "Pick",
            "items": [
                {"title": "Small", "value": "s"},
                {"title": "Shop", "value": "", "url": "https://shop.example"},
            ],
        }
        given = opened.patch(f"/messages/{asked.public_id}", {"submitted_values": [{"title": "Small", "value": "s"}]})
        assert given.json()["content_attributes"]["submitted_values"] == [{"title": "Small", "value": "s"}]

    def test_take_the_answer_to_a_survey(self, live):
        page = Page(open_inbox(live, csat_survey_enabled=True))
        page.open()
        talk = page.begin()
        page.patch(f"/conversations/{talk['id']}", {"status": "closed"})
        asked = page.get(f"/conversations/{talk['id']}/messages").json()["data"][-1]

        assert asked["content_type"] == "input_csat"
        rated = page.patch(f"/messages/{asked['id']}", {"submitted_values": SURVEY})
        assert rated.json()["content_attributes"]["submitted_values"] == SURVEY
        wrong = {"csat_survey_response": {"rating": 6}}
        assert wrong_fields(page.patch(f"/messages/{asked['id']}", {"submitted_values": wrong})) == {
            "rating": "out_of_range"}  # fmt: skip

    @pytest.mark.parametrize("body", [{}, {"submitted_values": None}, {"submitted_values": "x"}])
    def test_take_no_answer_that_is_none(self, opened, talk, body):
        answered = opened.patch(f"/messages/{talk['messages'][0]['id']}", body)

        assert set(wrong_fields(answered)) == {"submitted_values"}


class TestFiles:
    def upload(self, page, content=b"PNG", name="cat.png", kind="image/png"):
        return page.upload("/attachments", {"file": SimpleUploadedFile(name, content, kind)})

    def test_go_with_one_message(self, opened, talk):
        stored = self.upload(opened)
        file = stored.json()
        said = opened.say(talk, "", attachment_ids=[file["id"]])

        assert stored.status_code == 201
        assert (file["type"], file["filename"], file["size"], file["details"]) == ("image", "cat.png", 3, {})
        [shown] = said.json()["attachments"]
        assert shown["url"] == file["url"]
        assert (said.json()["text"], said.json()["message_type"]) == ("", "media")
        again = opened.say(talk, "", "m-3", attachment_ids=[file["id"]])
        assert wrong_fields(again) == {"attachment_ids.0": "unknown_attachment"}

    def test_are_not_sent_twice_when_the_message_is(self, opened, talk):
        file = self.upload(opened).json()
        first, again = (opened.say(talk, "", attachment_ids=[file["id"]]) for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert Attachment.unscoped.count() == 1

    def test_are_nobody_elses(self, opened, other):
        file = self.upload(opened).json()
        other.open()

        refused = other.say(other.begin(), "", attachment_ids=[file["id"]])
        assert wrong_fields(refused) == {"attachment_ids.0": "unknown_attachment"}

    def test_of_the_businesss_server_cannot_be_named(self, opened, talk, api):
        theirs = api.upload("/v1/attachments", {"file": io.BytesIO(b"x")}).json()

        assert "attachment_ids.0" in wrong_fields(opened.say(talk, "", attachment_ids=[theirs["id"]]))

    def test_wait_for_a_day(self, opened, talk):
        file = self.upload(opened).json()
        Attachment.unscoped.update(created_at=timezone.now() - timedelta(hours=25))

        assert "attachment_ids.0" in wrong_fields(opened.say(talk, "", attachment_ids=[file["id"]]))
        assert uploads.forget_old() == 1

    def test_that_were_never_sent_go_with_their_person(self, opened, live):
        self.upload(opened)
        contact = ContactSession.unscoped.get().contact
        contact.environment = live
        erasure.erase(contact=contact, by=audit.SYSTEM, actor=SYSTEM)

        assert Attachment.unscoped.count() == 0

    def test_are_refused_where_they_are_too_large_empty_or_programs(self, opened, settings):
        settings.MAX_ATTACHMENT_BYTES = 2 * 2**20
        large = self.upload(opened, b"x" * (2 * 2**20 + 1))

        assert error(large) == (413, "file_too_large")
        [problem] = large.json()["error"]["errors"]
        assert (problem["field"], problem["limit"], problem["actual"]) == ("file", 2 * 2**20, 2 * 2**20 + 1)
        assert wrong_fields(self.upload(opened, b"")) == {"file": "file_empty"}
        assert wrong_fields(self.upload(opened, name="setup.EXE")) == {"file": "file_type_not_allowed"}
        assert wrong_fields(opened.upload("/attachments", {})) == {"file": "required"}
        assert error(opened.post("/attachments", {})) == (415, "unsupported_media_type")
        assert Attachment.unscoped.count() == 0

    def test_beyond_all_measure_are_refused_in_the_same_words(self, opened, settings):
        settings.MAX_ATTACHMENT_BYTES, settings.MAX_BODY_BYTES = 100, 100

        assert error(self.upload(opened, b"x" * 1000)) == (413, "file_too_large")
