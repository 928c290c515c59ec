"""Files that come with messages: fetched, looked at, stored; none lost for coming late, none trusted."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import Attachment, Message
from events.models import LoggedEvent
from inbound.models import Fetch, RawCallback
from inbound.services import following
from tests.inbound.callers import Caller, letter, open_carried
from tests.providers import telegram as fake
from tests.providers.line import ACCOUNT, Line
from tests.providers.server import answer, hang_up

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
PERSON = {"id": 42, "is_bot": False, "first_name": "Ana"}
CHAT = {"id": 42, "type": "private", "first_name": "Ana"}


@pytest.fixture
def provider(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    with fake.Telegram() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": running.base}
        yield running


@pytest.fixture
def telegram(live, provider):
    return Caller(open_carried(live, "telegram"))


def sends(telegram, engine, number=1, **content):
    """Somebody sends a file; returns the message."""
    message = {"message_id": number, "date": 1763668800, "chat": CHAT, "from": PERSON, **content}
    telegram.calls({"update_id": number, "message": message})
    engine.drain()
    return Message.unscoped.filter(direction="inbound").order_by("-id").first()


def document(file_id="F1", name="report.pdf", kind="application/pdf"):
    return {"document": {"file_id": file_id, "file_name": name, "mime_type": kind}}


def stored(attachment):
    with attachment.file.open() as content:
        return content.read()


def soon():
    RawCallback.unscoped.filter(state="waiting").update(next_attempt_at=timezone.now())


class TestFetching:
    def test_a_file_is_fetched_and_stored_before_its_message_is_told(self, telegram, provider, live, engine):
        provider.files["F1"] = b"%PDF-1.7 hello"
        message = sends(telegram, engine, **document(), caption="Here")

        file = Attachment.of(live).get()
        assert (message.text, message.type) == ("Here", "media")
        assert stored(file) == b"%PDF-1.7 hello"
        assert (file.filename, file.content_type, file.size) == ("report.pdf", "application/pdf", 14)
        [told] = LoggedEvent.of(live).filter(type="message_in")
        assert told.data["message"]["attachments"][0]["size"] == 14

    def test_a_picture_without_a_name_gets_one(self, telegram, provider, live, engine):
        provider.files["P1"] = PNG
        sends(telegram, engine, photo=[{"file_id": "P1", "width": 1, "height": 1}])

        file = Attachment.of(live).get()
        assert (file.type, file.content_type, file.filename) == ("image", "image/png", "image.png")

    def test_told_twice_it_is_fetched_once(self, telegram, provider, live, engine):
        provider.files["F1"] = b"%PDF-1.7"
        for _ in range(2):
            sends(telegram, engine, **document())

        assert Attachment.of(live).count() == 1
        assert len([each for each in provider.requests if "/file/" in each.path]) == 1

    def test_the_sandbox_fetches_nothing(self, sandbox, provider, engine):
        telegram = Caller(open_carried(sandbox, "telegram"))
        message = sends(telegram, engine, **document(), caption="Here")

        assert not provider.requests
        assert message.content_attributes["missing_files"][0]["reason"] == "not_fetched_in_sandbox"


class TestTrouble:
    def test_a_file_that_comes_at_the_second_try_comes_with_its_message(self, telegram, provider, live, engine):
        provider.files["F1"] = b"%PDF-1.7"
        provider.meets(answer(502))
        assert sends(telegram, engine, **document()) is None
        soon()
        engine.drain()

        assert stored(Attachment.of(live).get()) == b"%PDF-1.7"
        assert not Fetch.of(live).exists()

    def test_what_does_not_come_follows_its_message_when_it_can_be_had(self, telegram, provider, live, engine):
        provider.files["F1"] = b"%PDF-1.7"
        provider.keeps_meeting(hang_up())
        sends(telegram, engine, **document(), caption="Here")
        for _ in range(2):
            soon()
            engine.drain()
        message, file = Message.of(live).get(), Attachment.of(live).get()
        assert message.text == "Here"
        assert message.content_attributes["missing_files"][0]["filename"] == "report.pdf"
        assert (file.details["state"], bool(file.file)) == ("pending", False)

        provider.keeps_meeting(None)
        assert following.fetch_due() == 1

        file = Attachment.of(live).get()
        assert (file.details["state"], stored(file)) == ("ready", b"%PDF-1.7")
        assert "missing_files" not in Message.of(live).get().content_attributes
        told = LoggedEvent.of(live).filter(type="message_status").get()
        assert told.data["message"]["attachments"][0]["size"] == 8
        assert following.fetch_due() == 0

    def test_after_a_day_nobody_asks_for_it_any_more(self, telegram, provider, live, engine):
        provider.keeps_meeting(hang_up())
        sends(telegram, engine, **document())
        for _ in range(2):
            soon()
            engine.drain()
        Fetch.of(live).update(created_at=timezone.now() - timedelta(hours=25))
        following.fetch_due()

        assert Fetch.of(live).get().state == "failed"
        assert Attachment.of(live).get().details["state"] == "failed"

    def test_a_file_that_is_gone_is_not_waited_for(self, telegram, provider, live, engine):
        message = sends(telegram, engine, **document("nothing"), caption="Here")

        assert message.text == "Here"
        assert Attachment.of(live).get().details["state"] == "failed"
        assert not Fetch.of(live).exists()

    def test_a_file_that_is_too_large_is_not_taken(self, telegram, provider, live, engine, settings):
        settings.MAX_ATTACHMENT_BYTES = 1000
        provider.files["F1"] = b"%PDF-1.7" + b"x" * 5000
        message = sends(telegram, engine, **document())

        assert message.content_attributes["missing_files"][0]["reason"] == "too_large"
        assert not Attachment.of(live).get().file

    def test_a_private_address_is_not_dialled(self, live, engine, provider, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []
        line = Caller(open_carried(live, "line"))
        line.calls({"destination": line.inbox.settings["bot_user_id"], "events": [
            {"type": "message", "timestamp": 1763668800000, "webhookEventId": "w", "mode": "active",
             "source": {"type": "user", "userId": "U" + "a" * 32},
             "message": {"id": "1", "type": "image", "contentProvider": {
                 "type": "external", "originalContentUrl": provider.at("/secret.png")}}}]})  # fmt: skip
        for _ in range(3):
            engine.drain()
            soon()

        assert not provider.requests
        assert Message.of(live).get().content_attributes["missing_files"]


class TestLine:
    @pytest.fixture
    def provider(self, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        with Line() as running:
            settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "line_data": running.base}
            yield running

    def test_a_video_that_is_still_being_prepared_is_waited_for(self, live, provider, engine):
        provider.content["1"] = b"\x00\x00\x00\x18ftypmp42 a video"
        provider.keeps_meeting(answer(202))
        Caller(open_carried(live, "line")).calls({"destination": ACCOUNT, "events": [
            {"type": "message", "timestamp": 1763668800000, "webhookEventId": "w", "mode": "active",
             "source": {"type": "user", "userId": "U" + "a" * 32},
             "message": {"id": "1", "type": "video", "contentProvider": {"type": "line"}}}]})  # fmt: skip
        for _ in range(3):
            engine.drain()
            soon()
        file = Attachment.of(live).get()
        assert (file.details["state"], bool(file.file), file.size) == ("pending", False, 0)

        provider.keeps_meeting(None)
        assert following.fetch_due() == 1

        assert stored(Attachment.of(live).get()) == provider.content["1"]


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("name", "kind", "content"),
        [
            ("cat.png", "image/png", b"<html><script>alert(1)</script>"),
            ("cat.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
            ("page.html", "text/html", b"<!doctype html><script>alert(1)</script>"),
            ("song.mp3", "audio/mpeg", b"<?xml version='1.0'?><svg onload='alert(1)'/>"),
            ("x.pdf", "text/html; charset=utf-8", b"%PDF-1.7"),
            ("x", "not a type", b"MZ"),
        ],
    )
    def test_nothing_a_browser_would_run_is_shown_in_place(self, telegram, provider, live, engine, name, kind, content):
        provider.files["F1"] = content
        sends(telegram, engine, **document("F1", name, kind))

        file = Attachment.of(live).get()
        answered = Client().get(f"/files/{file.token}")
        assert answered["Content-Disposition"].startswith("attachment")
        assert answered["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answered["Content-Security-Policy"]
        assert file.type == "file"
        answered.close()

    @pytest.mark.parametrize(
        "name", ["../../etc/passwd", "..\\..\\boot.ini", "a/b/c.pdf", "x" * 400 + ".pdf", "\x00.pdf"]
    )
    def test_a_name_leads_nowhere(self, telegram, provider, live, engine, name, tmp_path):
        provider.files["F1"] = b"%PDF-1.7"
        sends(telegram, engine, **document("F1", name))

        file = Attachment.of(live).get()
        assert "/" not in file.filename
        assert "\\" not in file.filename
        assert len(file.filename) <= 255
        assert str(tmp_path) in str(file.file.path)

    def test_a_mail_with_very_many_files_is_still_a_message(self, live, engine, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        mail = Caller(open_carried(live, "email"))
        part = "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=f{0}.txt\r\n\r\n{0}\r\n"
        head = letter("a@b.test", **{"Content-Type": "multipart/mixed; boundary=b"}).partition(b"\r\n\r\n")[0]
        parts = "".join(part.format(number) for number in range(70)).encode()
        mail.calls(head + b"\r\n\r\n" + parts + b"--b--\r\n", **{"Content-Type": "message/rfc822"})
        engine.drain()

        message = Message.of(live).get()
        here = Attachment.of(live).exclude(file=None).exclude(file="").count()
        assert 40 <= here <= 70
        assert here + len(message.content_attributes.get("missing_files", [])) == Attachment.of(live).count()
