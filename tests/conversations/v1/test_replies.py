"""Replies on channels that a provider carries: checked by what their inbox can say."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.services import addresses, consent
from conversations.models import Message
from conversations.services import conversations
from tests.outbound.messaging import PHONE, open_on, template
from tests.servers import wrong_fields


@pytest.fixture
def talk(live):
    def begin(channel, address=PHONE):
        inbox = open_on(live, channel)
        session = addresses.open_at(inbox=inbox, address=address)
        return f"/v1/conversations/{conversations.start(session=session).public_id}/messages"

    return begin


def buttons(*titles):
    return {"message_type": "button",
            "button": {"text": "?", "buttons": [{"title": title, "id": title} for title in titles]}}  # fmt: skip


class TestReplies:
    def test_are_queued(self, api, talk):
        assert api.post(talk("sms"), {"text": "Hello"}).json()["status"] == "queued"

    def test_say_something(self, api, talk):
        assert wrong_fields(api.post(talk("sms"), {"text": " \n"})) == {"text": "required"}

    def test_are_measured(self, api, talk):
        assert wrong_fields(api.post(talk("sms"), {"text": "x" * 1601})) == {"text": "too_long"}

    def test_have_buttons_where_there_are_some(self, api, talk):
        assert api.post(talk("telegram", "42"), buttons("Yes", "No")).status_code == 201
        assert wrong_fields(api.post(talk("messenger", "42"), buttons(*"12345678901234")))

    def test_are_refused_outside_the_window(self, api, talk):
        assert wrong_fields(api.post(talk("whatsapp"), {"text": "Hello"})) == {"conversation_id": "window_closed"}

    def test_are_refused_to_whoever_opted_out(self, api, live, talk):
        consent.suppress(environment=live, channel="sms", address=PHONE, reason="stop_word")

        assert wrong_fields(api.post(talk("sms"), {"text": "Hello"})) == {"conversation_id": "opted_out"}
        assert not Message.unscoped.exists()

    def test_go_on_in_a_mails_thread(self, api, talk):
        answer = api.post(talk("email", "amine@example.com"), {"text": "Hello"})

        assert (answer.status_code, answer.json()["status"]) == (201, "queued")

    def test_leave_notes_alone(self, api, talk):
        assert api.post(talk("whatsapp"), {"text": "x" * 5000, "private": True}).status_code == 201

    def test_fill_templates_of_ours(self, api, live, talk):
        template(live, text="Hello {{name}}")
        words = talk("sms")
        said = {"name": "order", "language": "en", "variables": {"name": "Ana"}}

        assert api.post(words, {"message_type": "template", "template": said}).json()["text"] == "Hello Ana"
        said["variables"] = {}
        assert wrong_fields(api.post(words, {"message_type": "template", "template": said})) == {
            "template.variables.name": "template_parameters_mismatch"
        }

    def test_name_a_template_that_is_unknown(self, api, talk):
        said = {"message_type": "template", "template": {"name": "nothing", "language": "en"}}

        assert wrong_fields(api.post(talk("sms"), said)) == {"template.name": "template_not_found"}

    def test_bring_as_many_files_as_the_channel_takes(self, api, talk, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        files = [SimpleUploadedFile(f"{n}.png", b"x", content_type="image/png") for n in range(5)]

        answer = api.upload(talk("line", f"U{'a' * 32}"), {"attachments": files})

        assert wrong_fields(answer)["attachments"] == "too_many"
        assert list(tmp_path.rglob("*.png")) == []


def test_a_conversation_begins_where_the_person_is(api, live):
    open_on(live, "sms")
    api.put("/v1/users/c-1", {"phone_number": PHONE})
    api.put("/v1/users/c-2", {"email": "b@example.test"})

    assert api.post("/v1/conversations", {"user_id": "c-1", "text": "Hi"}).json()["channel"] == "sms"
    assert wrong_fields(api.post("/v1/conversations", {"user_id": "c-1", "text": " "})) == {"text": "required"}
    answer = api.post("/v1/conversations", {"user_id": "c-2", "text": "Hi"})
    assert wrong_fields(answer) == {"user_id": "recipient_not_reachable"}
