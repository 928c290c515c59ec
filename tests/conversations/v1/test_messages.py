"""``/v1/conversations/{id}/messages`` and ``/v1/messages/{id}``"""

import json
from io import BytesIO

import pytest

from conversations.models import Attachment, Conversation, Message
from conversations.services import messages
from conversations.services.messages import Draft
from tests.servers import wrong_fields

PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def picture(name="pixel.gif"):
    file = BytesIO(PIXEL)
    file.name = name
    return file


def stored(folder):
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


class TestSend:
    def test_answers_as_the_api(self, api, words, talk, amine):
        answer = api.post(words, {"text": "Hello", "metadata": {"order": "42", "n": 7, "gift": True}})

        assert answer.status_code == 201
        said = answer.json()
        assert (said["direction"], said["source"], said["text"]) == ("outbound", "api", "Hello")
        assert (said["conversation_id"], said["user_id"]) == (talk["id"], amine["id"])
        assert said["metadata"] == {"order": "42", "n": 7, "gift": True}
        assert said["author"] == {"type": "api", "id": None, "name": ""}

    @pytest.mark.parametrize("name", ["email", "public_id"])
    def test_answers_as_an_agent(self, api, words, ada, name):
        said = api.post(words, {"text": "Hello", "as_agent": getattr(ada, name)}).json()

        assert said["author"] == {"type": "agent", "id": ada.public_id, "name": "Ada"}

    def test_leaves_a_note(self, api, words):
        said = api.post(words, {"text": "Careful", "private": True}).json()

        assert (said["private"], Message.unscoped.get().kind) == (True, "note")

    def test_leaves_a_closed_conversation_closed(self, api, words, talk):
        api.patch(f"/v1/conversations/{talk['id']}", {"status": "closed"})

        assert api.post(words, {"text": "One more thing"}).status_code == 201
        assert api.get(f"/v1/conversations/{talk['id']}").json()["status"] == "closed"

    def test_reopens_when_asked(self, api, words, talk):
        api.patch(f"/v1/conversations/{talk['id']}", {"status": "closed"})

        api.post(words, {"text": "One more thing", "reopen": True})

        assert api.get(f"/v1/conversations/{talk['id']}").json()["status"] == "open"

    def test_says_it_once_for_one_client_message_id(self, api, words):
        body = {"text": "Hello", "client_message_id": "mine-1"}

        assert api.post(words, body).json()["id"] == api.post(words, body).json()["id"]
        assert Message.unscoped.count() == 1

    def test_refuses_a_blocked_person(self, api, words):
        api.patch("/v1/users/c-1", {"blocked": True})

        answer = api.post(words, {"text": "Hello"})

        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "user_blocked")

    def test_keeps_text_as_it_was_written(self, api, words):
        text = "  مرحبا 👋\n\ttwo  spaces  "

        assert api.post(words, {"text": text}).json()["text"] == text

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"text": "required"}),
            ({"text": ""}, {"text": "required"}),
            ({"text": "   "}, {"text": "required"}),
            ({"text": None, "private": True}, {"text": "required"}),
            ({"text": 5, "private": "yes", "metadata": [], "as_agent": 1},
             {"text": "invalid", "private": "invalid", "metadata": "invalid", "as_agent": "invalid"}),
            ({"text": "x" * 150_001}, {"text": "too_long"}),
            ({"text": "Hi", "as_agent": "nobody@acme.test"}, {"as_agent": "unknown_agent"}),
            ({"text": "Hi", "client_message_id": "x" * 256}, {"client_message_id": "too_long"}),
            ({"text": "Hi", "metadata": {str(n): n for n in range(51)}}, {"metadata": "too_many"}),
            ({"text": "Hi", "metadata": {"": 1}}, {"metadata": "invalid_key"}),
            ({"text": "Hi", "metadata": {"deep": {}}}, {"metadata": "invalid_value"}),
            ({"text": "a\x00b", "metadata": {"a": "\x00"}},
             {"text": "invalid_characters", "metadata.a": "invalid_characters"}),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong(self, api, words, body, wrong):
        assert wrong_fields(api.post(words, body)) == wrong
        assert not Message.unscoped.exists()

    def test_refuses_a_stranger(self, stranger, words):
        assert stranger.post(words, {"text": "Hello"}).status_code == 404


class TestTypes:
    def test_sends_a_file_from_the_web(self, api, words):
        media = {"type": "image", "url": "https://example.test/a.png", "caption": "A plan", "filename": "plan.png"}

        said = api.post(words, {"message_type": "media", "media": media}).json()

        assert (said["message_type"], said["text"], said["payload"]) == ("media", "A plan", media)
        [file] = said["attachments"]
        assert (file["type"], file["url"], file["filename"]) == ("image", media["url"], "plan.png")

    def test_sends_buttons(self, api, words):
        button = {"text": "Yes?", "buttons": [{"title": "Yes", "id": "y"}, {"title": "Help", "url": "https://a.test"}]}

        said = api.post(words, {"message_type": "button", "button": button}).json()

        assert (said["text"], said["payload"]) == ("Yes?", button)

    def test_sends_a_template(self, api, words):
        template = {"name": "welcome", "language": "en", "variables": {"1": "Amine"}}

        assert api.post(words, {"message_type": "template", "template": template}).json()["payload"] == template

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"message_type": "media"}, {"media": "invalid"}),
            ({"message_type": "text", "text": "Hi", "button": {"text": "?", "buttons": [{"title": "a", "id": "a"}]}},
             {"button": "invalid"}),
            ({"message_type": "song", "text": "la"}, {"message_type": "unknown_value"}),
            ({"message_type": "media", "media": {"type": "image", "url": "javascript:alert(1)"}},
             {"media.url": "not_a_url"}),
            ({"message_type": "media", "media": {"type": "gif", "url": "http://[oops"}},
             {"media.type": "unknown_value", "media.url": "not_a_url"}),
            ({"message_type": "button", "button": {"text": "?", "buttons": []}}, {"button.buttons": "min_length"}),
            ({"message_type": "button", "button": {"text": "?", "buttons": [{"title": "a"}]}},
             {"button.buttons.0": "ambiguous"}),
            ({"message_type": "template", "template": {"name": "x"}}, {"template.language": "required"}),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong(self, api, words, body, wrong):
        assert wrong_fields(api.post(words, body)) == wrong


class TestFiles:
    def test_takes_files_in_a_form(self, api, words):
        answer = api.upload(
            words, {"text": "Look", "attachments": [picture(), picture("two.gif")], "metadata": '{"n": 1}'}
        )

        assert answer.status_code == 201
        assert [each["filename"] for each in answer.json()["attachments"]] == ["pixel.gif", "two.gif"]
        assert answer.json()["metadata"] == {"n": 1}
        with Attachment.unscoped.first().file.open() as stored:
            assert stored.read() == PIXEL

    def test_takes_every_kind_of_field_in_a_form(self, api, words):
        media = {"type": "document", "url": "https://example.test/a.pdf"}

        said = api.upload(
            words, {"message_type": "media", "media": json.dumps(media), "attachments": [picture()]}
        ).json()

        assert [each["type"] for each in said["attachments"]] == ["image", "file"]

    def test_takes_a_private_file(self, api, words):
        assert api.upload(words, {"private": "true", "attachments": [picture()]}).json()["private"] is True

    def test_sends_it_once_for_one_idempotency_key_whatever_the_boundary(self, api, words):
        first = api.send(
            "POST",
            words,
            _form("one", b"Hi", PIXEL),
            content_type="multipart/form-data; boundary=one",
            idempotency_key="k",
        )
        again = api.send(
            "POST",
            words,
            _form("two", b"Hi", PIXEL),
            content_type="multipart/form-data; boundary=two",
            idempotency_key="k",
        )
        other = api.send(
            "POST", words, _form("one", b"Hi", b"GIF89a"), content_type="multipart/form-data; boundary=one",
            idempotency_key="k",
        )  # fmt: skip

        assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
        assert again["Idempotent-Replayed"] == "true"
        assert wrong_fields(other) == {"Idempotency-Key": "idempotency_key_reused"}
        assert Message.unscoped.count() == 1

    @pytest.mark.parametrize("headers", [{}, {"idempotency_key": "k"}])
    def test_leaves_nothing_behind_when_the_message_is_refused(self, api, words, headers, tmp_path):
        api.patch("/v1/users/c-1", {"blocked": True})

        answer = api.upload(words, {"text": "Look", "attachments": [picture(), picture("two.gif")]}, **headers)

        assert answer.json()["error"]["code"] == "user_blocked"
        assert stored(tmp_path) == []

    def test_keeps_the_files_of_the_first_time_when_it_is_said_twice(self, transactional_db, api, words, tmp_path):
        media = {"type": "document", "url": "https://example.test/a.pdf"}
        form = {"message_type": "media", "media": json.dumps(media), "client_message_id": "m-1"}

        first, again = [api.upload(words, {**form, "attachments": [picture()]}) for _ in range(2)]

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json()["attachments"] == again.json()["attachments"]
        assert stored(tmp_path) == [Attachment.unscoped.exclude(file="").get().file.name]

    def test_refuses_more_than_fifteen(self, api, words):
        answer = api.upload(words, {"attachments": [picture(f"{n}.gif") for n in range(16)]})

        assert wrong_fields(answer) == {"attachments": "too_many"}

    @pytest.mark.parametrize(
        ("form", "wrong"),
        [
            ({"private": "yes", "text": "Hi"}, {"private": "malformed_json"}),
            ({"metadata": "[]", "text": "Hi"}, {"metadata": "invalid"}),
            ({"text": ""}, {"text": "required"}),
        ],
    )
    def test_names_what_is_wrong(self, api, words, form, wrong):
        assert wrong_fields(api.upload(words, form)) == wrong

    def test_answers_400_for_a_form_that_is_none(self, api, words):
        answer = api.send("POST", words, b"nonsense", content_type="multipart/form-data")

        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_body")


class TestList:
    @pytest.fixture
    def said(self, api, words):
        texts = [{"text": "One"}, {"text": "Two", "private": True}, {"text": "Three"}]
        return [api.post(words, body).json()["id"] for body in texts]

    def ids(self, answer):
        return [each["id"] for each in answer.json()["data"]]

    def test_shows_the_newest_first(self, api, words, said):
        assert self.ids(api.get(words)) == said[::-1]

    def test_walks_in_both_directions(self, api, words, said):
        for order, expected in (("asc", said), ("desc", said[::-1])):
            first = api.get(words, order=order, limit=2)
            rest = api.get(words, order=order, limit=2, cursor=first.json()["next_cursor"])
            assert self.ids(first) + self.ids(rest) == expected
            assert rest.json()["has_more"] is False

    def test_leaves_out_what_the_person_cannot_see(self, api, words, talk, said):
        api.patch(f"/v1/conversations/{talk['id']}", {"status": "closed"})

        assert self.ids(api.get(words, include_private="false", order="asc")) == [said[0], said[2]]
        assert len(self.ids(api.get(words))) == 4  # with the trace of the closing

    def test_shows_what_the_person_said(self, api, words, talk, live):
        conversation = Conversation.unscoped.select_related("session__contact", "session__inbox").get()
        session = conversation.session
        session.environment = live
        messages.receive(session=session, number=conversation.number, draft=Draft("Hello?"))

        [shown] = api.get(words).json()["data"]

        assert (shown["direction"], shown["source"], shown["author"]["name"]) == ("inbound", "user", "Amine")

    @pytest.mark.parametrize("query", [{"order": "up"}, {"include_private": "0"}, {"limit": "1000"}])
    def test_refuses_wrong_parameters(self, api, words, query):
        assert list(wrong_fields(api.get(words, **query))) == list(query)

    def test_asks_the_database_as_often_for_three_as_for_one(self, api, words, said, django_assert_max_num_queries):
        with django_assert_max_num_queries(5):
            api.get(words)

    def test_refuses_a_stranger(self, stranger, words, said):
        assert stranger.get(words).status_code == 404


class TestGet:
    def test_looks_one_up(self, api, words):
        said = api.post(words, {"text": "Hello"}).json()

        assert api.get(f"/v1/messages/{said['id']}").json().items() >= said.items()

    def test_shows_files_in_the_order_they_came(self, api, words, relay):
        relay.drain()
        start = api.get("/v1/changes").json()["latest"]
        said = api.upload(words, {"text": "Look", "attachments": [picture(), picture("two.gif")]}).json()
        relay.drain()
        first = Attachment.unscoped.order_by("id").first()
        Attachment.unscoped.filter(pk=first.pk).update(width=1)  # PostgreSQL now finds it behind the other

        [changed] = api.get("/v1/changes", since=start).json()["messages"]
        for shown in (api.get(f"/v1/messages/{said['id']}").json(), api.get(words).json()["data"][0], changed):
            assert [each["filename"] for each in shown["attachments"]] == ["pixel.gif", "two.gif"]

    def test_refuses_a_stranger_and_nonsense(self, api, stranger, words):
        said = api.post(words, {"text": "Hello"}).json()

        assert stranger.get(f"/v1/messages/{said['id']}").status_code == 404
        assert api.get("/v1/messages/msg_nothing").status_code == 404
        assert api.get(f"/v1/messages/{said['conversation_id']}").status_code == 404


def _form(boundary: str, text: bytes, file: bytes) -> bytes:
    line = b"--" + boundary.encode()
    return b"\r\n".join(
        [line, b'Content-Disposition: form-data; name="text"', b"", text,
         line, b'Content-Disposition: form-data; name="attachments"; filename="a.gif"', b"Content-Type: image/gif", b"",
         file, line + b"--", b""]
    )  # fmt: skip
