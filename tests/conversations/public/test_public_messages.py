"""Messages over the client API."""

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations.errors import MESSAGES_A_MINUTE
from conversations.models import Attachment, Conversation, Message
from conversations.services import messages
from conversations.services.messages import Author, Draft
from events.models import LoggedEvent
from inboxes.models import Inbox


@pytest.fixture(autouse=True)
def _files_of_their_own(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def stored_files() -> list[str]:
    return [path.name for path in Path(default_storage.path("")).rglob("*") if path.is_file()]


def say(session, conversation, *texts) -> list[int]:
    return [messages.receive(session=session, number=conversation.number, draft=Draft(text)).pk for text in texts]


class TestPost:
    def test_says_something(self, browser, talk, golden):
        golden("message_incoming", browser.post(f"{talk}/messages", {"content": "Hello", "echo_id": "tmp-1"}))

    def test_takes_empty_words(self, browser, talk, golden):
        golden("message_empty", browser.post(f"{talk}/messages", {"content": ""}))

    def test_reads_nothing_but_content_echo_id_and_attachments(self, browser, talk):
        browser.post(
            f"{talk}/messages",
            {
                "content": "Hi",
                "private": True,
                "message_type": "outgoing",
                "content_attributes": {"a": 1},
                "status": "read",
            },
        )

        stored = Message.unscoped.get()
        assert (stored.direction, stored.kind, stored.status) == ("inbound", "spoken", "received")
        assert stored.content_attributes == {}

    @pytest.mark.parametrize("echo_id", ["tmp-1", 17, 1.5, True])
    def test_stores_the_same_words_with_the_same_echo_id_once(self, browser, talk, echo_id):
        first, again = (
            browser.post(f"{talk}/messages", {"content": "Hello", "echo_id": echo_id}).json() for _ in range(2)
        )

        assert first == again
        assert Message.unscoped.count() == 1

    def test_stores_a_message_once_however_often_it_is_posted_at_once(self, transactional_db, browser, talk, at_once):
        body = {"content": "Hello", "echo_id": "tmp-1"}

        ids = at_once([lambda: browser.post(f"{talk}/messages", body).json()["id"]] * 6)

        assert len(set(ids)) == 1

    def test_takes_150000_characters_and_not_one_more(self, browser, talk):
        fits = browser.post(f"{talk}/messages", {"content": "e" * 150_000})
        answer = browser.post(f"{talk}/messages", {"content": "é" * 150_001})

        assert fits.status_code == 200
        assert answer.status_code == 422
        assert answer.json() == {
            "message": "Content is too long (maximum is 150000 characters)",
            "attributes": ["content"],
        }

    def test_slows_a_conversation_down_after_200_a_minute(self, browser, talk, session, conversation, long_minute):
        say(session, conversation, *["again"] * MESSAGES_A_MINUTE)

        answer = browser.post(f"{talk}/messages", {"content": "and again"})

        assert answer.status_code == 422
        assert answer.json() == {"message": "Too many messages", "attributes": ["base"]}
        assert int(answer["Retry-After"]) >= 1

    def test_opens_a_resolved_conversation_again(self, browser, talk):
        browser.post(f"{talk}/toggle_status")

        browser.post(f"{talk}/messages", {"content": "One more thing"})

        assert browser.get(talk).json()["status"] == "open"

    def test_refuses_a_nul_and_mends_half_an_emoji(self, browser, talk):
        refused = browser.web.post(
            browser.root + f"{talk}/messages", '{"content":"a\\u0000b"}', content_type="application/json"
        )
        mended = browser.web.post(
            browser.root + f"{talk}/messages", '{"content":"cut \\ud83d"}', content_type="application/json"
        )

        assert refused.json() == {"message": "Content must not contain a NUL character", "attributes": ["content"]}
        assert mended.json()["content"] == "cut \ufffd"

    def test_asks_the_database_as_little_as_possible(self, browser, talk, django_assert_num_queries):
        # inbox, session and person; savepoint; lock; everything that is written, at once; release
        with django_assert_num_queries(5):
            browser.post(f"{talk}/messages", {"content": "Hello"})


class TestAttachments:
    def post(self, browser, talk, *files, **fields):
        return browser.web.post(f"{browser.root}{talk}/messages", {"attachments[]": list(files), **fields})

    def test_come_as_multipart(self, browser, talk, golden):
        answer = self.post(
            browser, talk,
            SimpleUploadedFile("photo.png", b"not a png", "image/png"),
            SimpleUploadedFile("voice.mp3", b"ID3", "audio/mpeg"),
            SimpleUploadedFile("offer.pdf", b"%PDF", "application/pdf"),
            content="Look",
        )  # fmt: skip

        golden("message_with_files", answer)

    def test_need_no_words(self, browser, talk):
        answer = self.post(browser, talk, SimpleUploadedFile("photo.png", b"x", "image/png"))

        assert (answer.json()["content"], len(answer.json()["attachments"])) == (None, 1)
        assert LoggedEvent.unscoped.get(type="message_in").data["message"]["attachments"][0]["filename"] == "photo.png"

    def test_are_stored_once_when_a_message_is_posted_twice(self, transactional_db, browser, talk):
        for _ in range(2):
            self.post(browser, talk, SimpleUploadedFile("a.png", b"x", "image/png"), echo_id="tmp-1", content="Look")

        assert (Attachment.unscoped.count(), len(stored_files())) == (1, 1)

    def test_leave_nothing_behind_when_the_message_is_refused(self, browser, talk):
        answer = self.post(browser, talk, SimpleUploadedFile("a.png", b"x", "image/png"), content="x" * 150_001)

        assert answer.status_code == 422
        assert stored_files() == []

    def test_are_not_stored_for_a_conversation_that_is_not_there(self, browser, me):
        answer = self.post(browser, f"{me}/conversations/99", SimpleUploadedFile("a.png", b"x", "image/png"))

        assert answer.status_code == 404
        assert stored_files() == []

    def test_are_fifteen_at_most(self, browser, talk):
        files = [SimpleUploadedFile(f"{number}.png", b"x", "image/png") for number in range(16)]

        answer = self.post(browser, talk, *files)

        assert answer.status_code == 422
        assert answer.json() == {"message": "At most 15 attachments.", "attributes": ["attachments"]}

    def test_have_40_mib_at_most(self, browser, talk, settings):
        settings.MAX_ATTACHMENT_BYTES = 10

        answer = self.post(browser, talk, SimpleUploadedFile("film.mp4", b"x" * 11, "video/mp4"))

        assert answer.json() == {"message": "film.mp4 is larger than 40 MiB.", "attributes": ["attachments"]}

    def test_that_are_no_files_are_ignored(self, browser, talk):
        answer = browser.post(f"{talk}/messages", {"content": "Hi", "attachments": ["not a file"]})

        assert "attachments" not in answer.json()


class TestList:
    def test_shows_agents_and_automatic_answers_in_their_own_shapes(
        self, browser, inbox, me, conversation, talk, ada, golden
    ):
        Inbox.unscoped.filter(pk=inbox.pk).update(greeting_enabled=True, greeting_message="Welcome!")
        browser.post(f"{talk}/messages", {"content": "Hello"})
        messages.send(conversation=conversation, author=Author("agent", ada), draft=Draft("Hi, how can I help?"))

        answer = browser.get(f"{talk}/messages")

        golden("message_incoming", answer, where="0")
        golden("message_template", answer, where="1")
        golden("message_outgoing", answer, where="2")

    def test_never_shows_notes_and_traces(self, browser, talk, conversation, ada):
        messages.note(conversation=conversation, author=Author("agent", ada), draft=Draft("Difficult customer"))
        browser.post(f"{talk}/toggle_status")

        assert browser.get(f"{talk}/messages").json() == []

    def test_is_the_latest_twenty_oldest_first(self, browser, talk, session, conversation):
        ids = say(session, conversation, *map(str, range(22)))

        assert [each["id"] for each in browser.get(f"{talk}/messages").json()] == ids[2:]

    def test_goes_back_with_before(self, browser, talk, session, conversation):
        ids = say(session, conversation, *map(str, range(25)))

        found = browser.get(f"{talk}/messages", before=ids[-1]).json()

        assert [each["id"] for each in found] == ids[4:24]

    def test_goes_forward_with_after(self, browser, talk, session, conversation):
        ids = say(session, conversation, *map(str, range(110)))

        found = browser.get(f"{talk}/messages", after=ids[2]).json()

        assert [each["id"] for each in found] == ids[3:103]

    def test_keeps_between_before_and_after(self, browser, talk, session, conversation):
        ids = say(session, conversation, *"abcde")

        found = browser.get(f"{talk}/messages", after=ids[0], before=ids[3]).json()

        assert [each["id"] for each in found] == ids[1:3]

    @pytest.mark.parametrize("before", ["x", "0", "-5"])
    def test_finds_nothing_before_what_is_no_number(self, browser, talk, session, conversation, before):
        say(session, conversation, "Hello")

        assert browser.get(f"{talk}/messages", before=before).json() == []

    @pytest.mark.parametrize("before", ["", "9" * 30, "99999999x"])
    def test_shows_everything_before_nothing_or_the_end(self, browser, talk, session, conversation, before):
        say(session, conversation, "Hello")

        assert len(browser.get(f"{talk}/messages", before=before).json()) == 1


@pytest.fixture
def form(conversation, ada) -> Message:
    """A question with choices."""
    choices = {"items": [{"title": "A", "value": "a"}]}
    draft = Draft("Which one?", content_type="input_select", content_attributes=choices)
    return messages.send(conversation=conversation, author=Author("agent", ada), draft=draft)


class TestUpdate:
    def test_fills_in_a_form(self, browser, talk, form, golden):
        golden(
            "form_submitted",
            browser.patch(f"{talk}/messages/{form.pk}", {"submitted_values": [{"title": "A", "value": "a", "x": 1}]}),
        )

    def test_fills_in_a_form_from_a_form(self, browser, talk, form):
        answer = browser.web.put(
            f"{browser.root}{talk}/messages/{form.pk}",
            "submitted_values[][title]=A&submitted_values[][value]=a&submitted_values[][title]=B",
            content_type="application/x-www-form-urlencoded",
        )

        assert answer.json()["content_attributes"]["submitted_values"] == [{"title": "A", "value": "a"}, {"title": "B"}]

    @pytest.mark.parametrize("values", ["a text", None, 7])
    def test_changes_nothing_for_anything_else(self, browser, talk, form, values):
        answer = browser.patch(f"{talk}/messages/{form.pk}", {"submitted_values": values})

        assert answer.status_code == 200
        assert "submitted_values" not in answer.json()["content_attributes"]

    def test_refuses_a_nul_inside_a_value(self, browser, talk, form):
        answer = browser.patch(f"{talk}/messages/{form.pk}", {"submitted_values": [{"value": "a\x00"}]})

        assert answer.status_code == 422

    @pytest.mark.parametrize("message_id", ["0", "x", "9" * 30, "99999999"])
    def test_answers_404_for_an_unknown_message(self, browser, talk, message_id):
        assert browser.patch(f"{talk}/messages/{message_id}", {}).status_code == 404

    def test_answers_404_for_a_note(self, browser, talk, conversation, ada):
        note = messages.note(conversation=conversation, author=Author("agent", ada), draft=Draft("Difficult"))

        assert browser.patch(f"{talk}/messages/{note.pk}", {"submitted_values": []}).status_code == 404

    def test_answers_404_for_a_message_of_another_conversation(self, browser, me, talk, form):
        other = browser.post(f"{me}/conversations").json()["id"]

        assert browser.patch(f"{me}/conversations/{other}/messages/{form.pk}", {}).status_code == 404
        assert Conversation.unscoped.count() == 2
