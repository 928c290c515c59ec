"""``POST /v1/attachments``: files that are uploaded before their messages."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from conversations.models import Attachment, Conversation
from conversations.services import orphans, uploads
from tests.servers import Server, wrong_fields

PATH = "/v1/attachments"


@pytest.fixture(autouse=True)
def _place(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def plan(name="plan.png"):
    return SimpleUploadedFile(name, b"picture", content_type="image/png")


@pytest.fixture
def upload(api):
    return api.upload(PATH, {"file": plan()}).json()


def say(api, words, upload, **more):
    media = {"type": "image", "attachment_id": upload["id"]}
    return api.post(words, {"message_type": "media", "media": media, **more})


class TestUploading:
    def test_names_the_part_that_is_too_large(self, api, settings):
        settings.MAX_ATTACHMENT_BYTES = 6

        [found] = api.upload(PATH, {"file": plan()}).json()["error"]["errors"]

        assert (found["field"], found["code"], found["limit"], found["actual"]) == ("file", "too_large", 6, 7)
        assert not Attachment.unscoped.exists()

    def test_keeps_a_file_for_a_day(self, api):
        answer = api.upload(PATH, {"file": plan()})

        made = answer.json()
        assert (answer.status_code, made["type"], made["filename"], made["size"]) == (201, "image", "plan.png", 7)
        assert made["expires_at"] > made["created_at"]

    @pytest.mark.parametrize(("form", "code"), [({}, "required"), ({"file": "text"}, "required")])
    def test_needs_a_file(self, api, form, code):
        assert wrong_fields(api.upload(PATH, form)) == {"file": code}

    def test_takes_one(self, api):
        assert wrong_fields(api.upload(PATH, {"file": [plan(), plan()]})) == {"file": "too_many"}

    def test_is_a_form(self, api):
        assert api.post(PATH, {"file": "x"}).status_code == 415

    def test_needs_a_key(self, db):
        assert Server(None).upload(PATH, {"file": plan()}).status_code == 401


class TestSaying:
    def test_goes_with_many_messages(self, api, words, upload):
        said = [say(api, words, upload).json()["attachments"][0] for _ in range(2)]

        assert len({each["url"] for each in said}) == 2
        assert {each["size"] for each in said} == {7}

    def test_is_nobody_elses(self, stranger, upload):
        stranger.put("/v1/users/c-1", {})
        stranger.post("/v1/inboxes", {"name": "Shop", "channel": "api"})
        talk = stranger.post("/v1/conversations", {"user_id": "c-1"}).json()

        answer = say(stranger, f"/v1/conversations/{talk['id']}/messages", upload)

        assert wrong_fields(answer) == {"media.attachment_id": "unknown_attachment"}

    def test_is_not_taken_from_another_message(self, api, words, upload):
        taken = say(api, words, upload).json()["attachments"][0]

        assert wrong_fields(say(api, words, taken)) == {"media.attachment_id": "unknown_attachment"}


class TestUpkeep:
    def test_lets_go_of_what_went_with_nothing(self, upload):
        Attachment.unscoped.update(created_at=timezone.now() - timedelta(hours=25))

        assert (uploads.forget_old(), Attachment.unscoped.count()) == (1, 0)

    def test_keeps_the_file_of_a_message(self, api, words, upload, monkeypatch):
        say(api, words, upload)
        Attachment.unscoped.filter(message=None).update(created_at=timezone.now() - timedelta(hours=25))
        monkeypatch.setattr(orphans, "OLD", timedelta(0))

        uploads.forget_old()
        orphans.sweep()

        assert default_storage.exists(str(Attachment.unscoped.get().file.name))

    @pytest.mark.django_db(transaction=True)
    def test_erasing_one_person_keeps_what_went_to_others(self, api, words, upload):
        say(api, words, upload)
        api.put("/v1/users/c-2", {})
        other = api.post("/v1/conversations", {"user_id": "c-2"}).json()
        say(api, f"/v1/conversations/{other['id']}/messages", upload)
        path = str(Attachment.unscoped.first().file.name)

        api.delete("/v1/users/c-2")
        assert default_storage.exists(path)

        api.delete(f"/v1/users/{Conversation.unscoped.get().contact.public_id}")
        assert (default_storage.exists(path), Attachment.unscoped.count()) == (False, 0)
