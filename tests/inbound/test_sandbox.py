"""``/v1/sandbox/inbound-messages`` and ``/v1/sandbox/reset``: people are played, and everything begins anew."""

import base64

import pytest

from accounts.models import IdempotencyKey
from contacts.models import Contact, Suppression
from contacts.services import addresses
from conversations.models import Attachment, Conversation, Message
from conversations.services import conversations
from inbound.models import RawCallback, Receival
from inbound.services import resetting
from inboxes.models import Inbox
from outbound.models import Attempt, Dispatch
from tests.conftest import mint, open_inbox
from tests.inbound.callers import PEOPLE, PROVIDERS, open_carried
from tests.outbound.messaging import template
from tests.servers import Server, wrong_fields

SIMULATE = "/v1/sandbox/inbound-messages"
RESET = "/v1/sandbox/reset"
CHATS = [name for name in PEOPLE if name != "email"]
PICTURE = {"type": "image", "url": "https://files.example.com/a.jpg"}
RABAT = {"latitude": 34.02, "longitude": -6.83}


def offer(inbox, address, *names, **fields):
    """Have a message with buttons of these ids be with somebody."""
    session = addresses.open_at(inbox=inbox, address=address)
    talk = Conversation.unscoped.filter(session=session).first() or conversations.start(session=session)
    buttons = [{"id": name, "title": "Yes, please"} for name in names]
    values = {"type": "button", "status": "sent", "provider_id": "42:7", "payload": {"buttons": buttons}, **fields}
    return Message.unscoped.create(
        environment=inbox.environment, conversation=talk, contact=session.contact, direction="outbound", source="api",
        sequence=9, **values,
    )  # fmt: skip


@pytest.fixture
def test_api(sandbox):
    return Server(mint(sandbox))


@pytest.fixture
def play(test_api, sandbox, engine):
    """Let somebody write by a provider, and have it handled; returns the message that came."""

    def act(provider, **said):
        inbox = Inbox.unscoped.filter(name=provider).first() or open_carried(sandbox, provider, name=provider)
        asked = {"inbox_id": inbox.public_id, "from": PEOPLE[provider], **said}
        answer = test_api.post(SIMULATE, asked)
        assert answer.status_code == 202, answer.content
        engine.drain()
        return Message.unscoped.filter(direction="inbound").latest("pk")

    return act


@pytest.mark.parametrize("provider", PEOPLE)
class TestEveryProvider:
    def test_tells_what_somebody_writes(self, play, provider):
        message = play(provider, text="Where is my order?", name="Amine")

        assert (message.text, message.status) == ("Where is my order?", "received")
        assert RawCallback.unscoped.get().is_simulated
        assert RawCallback.unscoped.get().state == "done"

    def test_tells_what_somebody_writes_once_more(self, play, provider):
        play(provider, text="One")
        message = play(provider, text="Two")

        assert Message.unscoped.filter(direction="inbound").count() == 2
        assert Contact.unscoped.count() == 1
        assert message.text == "Two"


@pytest.mark.parametrize("provider", CHATS)
class TestEveryChat:
    def test_tells_of_a_file(self, play, provider):
        message = play(provider, media=PICTURE)

        assert [each.external_url for each in message.attachments.all()] == [PICTURE["url"]]

    def test_tells_of_a_place(self, play, provider):
        [attachment] = play(provider, location=RABAT).attachments.all()

        assert attachment.type == "location"

    def test_tells_of_a_button(self, play, sandbox, provider):
        offer(open_carried(sandbox, provider, name=provider), PEOPLE[provider], "yes")

        message = play(provider, button={"id": "yes", "title": "Yes"})

        assert (message.type, message.payload["id"]) == ("button", "yes")


class TestAnswer:
    def test_shows_the_callback_with_its_signature(self, test_api, sandbox):
        inbox = open_carried(sandbox, "whatsapp")

        said = test_api.post(SIMULATE, {"channel": "whatsapp", "from": "+212600000001", "text": "Hi"}).json()

        assert said["id"] == RawCallback.unscoped.get().public_id
        assert (said["channel"], said["inbox_id"], said["message_id"]) == ("whatsapp", inbox.public_id, None)
        assert said["callback"]["headers"]["x-hub-signature-256"].startswith("sha256=")
        assert "Hi" in said["callback"]["body"]

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_shows_no_secret(self, test_api, sandbox, provider):
        inbox = open_carried(sandbox, provider)

        answer = test_api.post(SIMULATE, {"inbox_id": inbox.public_id, "from": PEOPLE[provider], "text": "Hi"})

        assert answer.status_code == 202
        hidden = {name for name in inbox.settings if "secret" in name or "token" in name or "password" in name}
        assert not [name for name in hidden if inbox.settings[name] in answer.content.decode()]


class TestCable:
    @pytest.fixture
    def web(self, sandbox):
        return open_inbox(sandbox)

    def test_is_written_to_as_clients_write(self, test_api, web):
        said = test_api.post(SIMULATE, {"channel": "api", "from": "browser-1", "name": "Amine", "text": "Hi"}).json()

        message = Message.unscoped.get()
        assert (said["message_id"], said["callback"], said["id"]) == (message.public_id, None, None)
        assert (message.text, message.contact.name) == ("Hi", "Amine")

    def test_goes_on_with_the_conversation_there_is(self, test_api, web):
        for words in ("One", "Two"):
            test_api.post(SIMULATE, {"channel": "api", "from": "browser-1", "text": words})

        assert Conversation.unscoped.count() == 1

    def test_takes_files_buttons_and_places(self, test_api, web):
        test_api.post(SIMULATE, {"channel": "api", "from": "browser-1", "text": "Hi"})
        buttons = {"text": "?", "buttons": [{"id": "yes", "title": "Yes"}]}
        talk = Conversation.unscoped.get()
        test_api.post(f"/v1/conversations/{talk.public_id}/messages", {"message_type": "button", "button": buttons})
        Message.unscoped.filter(direction="inbound").delete()

        for said in ({"media": PICTURE}, {"button": {"id": "yes"}}, {"location": RABAT}):
            assert test_api.post(SIMULATE, {"channel": "api", "from": "browser-1", **said}).status_code == 202

        came = Message.unscoped.filter(direction="inbound").order_by("pk")
        assert [(each.type, each.text) for each in came] == [("media", None), ("button", "Yes"), ("media", None)]


class TestMails:
    def test_bring_their_files_along(self, play, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        file = {"type": "document", "content": base64.b64encode(b"a,b").decode(), "filename": "a.csv",
                "content_type": "text/csv"}  # fmt: skip

        [attachment] = play("email", text="Look", subject="Order 42", media=file).attachments.all()

        assert (attachment.filename, attachment.size) == ("a.csv", 3)

    def test_begin_a_conversation_with_their_subject(self, play):
        assert play("email", text="Hello", subject="Order 42").conversation.subject == "Order 42"

    def test_come_to_inboxes_whose_mails_are_fetched(self, play, sandbox):
        open_carried(sandbox, "email", name="email", settings_={"inbound_secret": ""})

        assert play("email", text="Hello").text == "Hello"


class TestAnswering:
    @pytest.fixture
    def asked(self, sandbox):
        """Have a message with buttons be with somebody."""

        def have(provider):
            return offer(open_carried(sandbox, provider, name=provider), PEOPLE[provider], "yes" * 30)

        return have

    @pytest.mark.parametrize("provider", ["telegram", "whatsapp", "twilio"])
    def test_a_button_is_that_of_the_last_message_with_it(self, asked, play, provider):
        question = asked(provider)

        message = play(provider, button={"id": "yes" * 30})

        assert (message.text, message.payload["id"]) == ("Yes, please", "yes" * 30)
        assert message.payload["reply_to"] == question.public_id

    def test_names_what_it_answers(self, asked, play):
        question = asked("telegram")

        assert play("telegram", text="Well", reply_to=question.public_id).payload["reply_to"] == question.public_id

    def test_knows_no_messages_of_other_inboxes(self, asked, sandbox, test_api):
        question = asked("telegram")
        open_carried(sandbox, "line", name="line")

        answer = test_api.post(
            SIMULATE,
            {"channel": "line", "from": PEOPLE["line"], "text": "Hi", "reply_to": question.public_id},
        )

        assert wrong_fields(answer) == {"reply_to": "unknown_message"}


class TestButtonsThatNobodyOffered:
    @pytest.fixture
    def press(self, test_api):
        def act(button_id, sender="42", **more):
            return test_api.post(SIMULATE, {"channel": "telegram", "from": sender, "button": {"id": button_id}, **more})

        return act

    @pytest.fixture
    def inbox(self, sandbox):
        return open_carried(sandbox, "telegram")

    def test_cannot_be_pressed_and_the_others_are_named(self, press, inbox):
        offer(inbox, "42", "yes", "no")
        offer(inbox, "42", "later", provider_id="42:8")

        answer = press("maybe")

        assert wrong_fields(answer) == {"button.id": "unknown_button"}
        assert "These were offered: later, yes, no." in answer.json()["error"]["message"]
        assert not RawCallback.unscoped.exists()

    def test_cannot_be_pressed_where_there_were_none(self, press, inbox):
        answer = press("yes")

        assert wrong_fields(answer) == {"button.id": "unknown_button"}
        assert "Send them a message with buttons first" in answer.json()["error"]["message"]

    def test_are_somebody_elses_too(self, press, inbox):
        offer(inbox, "42", "yes")

        assert wrong_fields(press("yes", sender="43")) == {"button.id": "unknown_button"}

    def test_are_another_messages_too(self, press, inbox):
        other = offer(inbox, "42", "no")
        offer(inbox, "42", "yes", provider_id="42:8")

        assert wrong_fields(press("yes", reply_to=other.public_id)) == {"button.id": "unknown_button"}

    def test_are_in_what_failed(self, press, inbox):
        offer(inbox, "42", "yes", status="failed")

        assert wrong_fields(press("yes")) == {"button.id": "unknown_button"}

    def test_are_told_from_those_that_are_on_their_way(self, press, inbox):
        offer(inbox, "42", "yes", status="queued", provider_id=None)

        assert wrong_fields(press("yes")) == {"button.id": "not_sent"}

    def test_are_not_those_of_a_template(self, press, inbox, sandbox):
        components = [{"type": "body", "text": "?"}, {"type": "buttons", "buttons": [{"text": "Yes, {{1}}"}]}]
        template(sandbox, "ask", components=components)
        asked = offer(
            inbox, "42", type="template", payload={"name": "ask", "language": "en", "variables": {"1": "Ana"}}
        )

        assert press("1").status_code == 202
        assert "Yes, Ana" in press("1", reply_to=asked.public_id).json()["callback"]["body"]
        assert wrong_fields(press("2")) == {"button.id": "unknown_button"}


class TestWrongInput:
    @pytest.mark.parametrize(
        ("asked", "wrong"),
        [
            ({"from": "42", "text": "Hi"}, {"inbox_id": "required"}),
            ({"channel": "sms", "from": "42", "text": "Hi"}, {"channel": "channel_not_configured"}),
            ({"inbox_id": "inb_nothing", "from": "42", "text": "Hi"}, {"inbox_id": "unknown_inbox"}),
            ({"channel": "telegram", "text": "Hi"}, {"from": "required"}),
            ({"channel": "telegram", "from": "ana", "text": "Hi"}, {"from": "invalid_address"}),
            ({"channel": "telegram", "from": "42"}, {"text": "required"}),
            ({"channel": "telegram", "from": "ana"}, {"text": "required", "from": "invalid_address"}),
            (
                {"channel": "telegram", "from": "42", "media": PICTURE, "location": RABAT},
                {"location": "unexpected_field"},
            ),
            ({"channel": "telegram", "from": "42", "text": "a", "location": RABAT}, {"text": "unexpected_field"}),
            ({"channel": "telegram", "from": "42", "media": {"type": "image"}}, {"media.url": "required"}),
            ({"channel": "telegram", "from": "42", "media": {"type": "image", "url": "ftp://a"}},
             {"media.url": "not_a_url"}),
            ({"channel": "telegram", "from": "42", "location": {"latitude": 91, "longitude": 0}},
             {"location.latitude": "out_of_range"}),
            ({"channel": "email", "from": "a@b.test", "media": PICTURE},
             {"media.content": "required", "media.url": "unexpected_field"}),
            ({"channel": "email", "from": "a@b.test", "media": {"type": "image", "content": "???"}},
             {"media.content": "not_base64"}),
            ({"channel": "email", "from": "a@b.test", "button": {"id": "a"}}, {"button": "unsupported_by_channel"}),
        ],
    )  # fmt: skip
    def test_is_named_and_nothing_comes(self, test_api, sandbox, asked, wrong):
        open_carried(sandbox, "telegram")
        open_carried(sandbox, "email")

        assert wrong_fields(test_api.post(SIMULATE, asked)) == wrong
        assert not RawCallback.unscoped.exists()

    def test_says_which_inboxes_there_are(self, test_api, sandbox):
        for _ in range(2):
            open_carried(sandbox, "telegram")

        answer = test_api.post(SIMULATE, {"channel": "telegram", "from": "42", "text": "Hi"})

        assert wrong_fields(answer) == {"inbox_id": "ambiguous_inbox"}


@pytest.mark.parametrize(("path", "body"), [(SIMULATE, {"text": "Hi"}), (RESET, {"confirm": True})])
class TestDoor:
    def test_is_not_there_with_a_live_key(self, api, path, body):
        assert api.post(path, body).status_code == 404

    def test_is_closed_without_a_key(self, db, path, body):
        assert Server(None).post(path, body).status_code == 401

    def test_asks_for_a_scope(self, sandbox, path, body):
        assert Server(mint(sandbox, "users:read")).post(path, body).status_code == 403


def test_strangers_play_nobody_here(sandbox, globex):
    inbox = open_carried(sandbox, "telegram")
    elsewhere = Server(mint(type(sandbox).objects.get(account=globex.account, kind="sandbox")))

    answer = elsewhere.post(SIMULATE, {"inbox_id": inbox.public_id, "from": "42", "text": "Hi"})

    assert wrong_fields(answer) == {"inbox_id": "unknown_inbox"}
    assert not RawCallback.unscoped.exists()


class TestReset:
    LEFT = (Contact, Conversation, Message, Attachment, Dispatch, Attempt, RawCallback, Receival, Suppression,
            IdempotencyKey)  # fmt: skip

    @pytest.fixture
    def used(self, play, test_api, sandbox):
        """A sandbox in which much was said."""
        play("telegram", media=PICTURE)
        play("whatsapp", text="STOP")
        test_api.send("POST", "/v1/send-message", {"recipient_id": "42", "channel": "telegram", "text": "Hi"},
                      **{"Idempotency-Key": "once"})  # fmt: skip
        for dispatch in Dispatch.unscoped.all():
            Attempt.unscoped.create(environment=sandbox, dispatch=dispatch, n=1, request={"url": "x"})
        return test_api

    def test_leaves_nothing_that_was_said(self, used):
        assert [model for model in self.LEFT if not model.unscoped.exists()] == []

        answer = used.post(RESET, {"confirm": True})

        assert answer.status_code == 200
        assert answer.json()["done"]
        assert answer.json()["deleted"]["messages"] == 4  # one is the trace of their wish
        assert [model for model in self.LEFT if model.unscoped.exists()] == []

    def test_keeps_inboxes_keys_and_webhooks(self, used):
        used.post("/v1/webhook-endpoints", {"url": "https://93.184.216.34/hooks"})

        used.post(RESET, {"confirm": True})

        assert len(used.get("/v1/inboxes").json()["data"]) == 2
        assert len(used.get("/v1/webhook-endpoints").json()["data"]) == 1

    def test_lets_everything_begin_anew(self, used, play):
        used.post(RESET, {"confirm": True})

        assert play("whatsapp", text="Hello").text == "Hello"

    def test_touches_nobody_else(self, used, live, conversation):
        used.post(RESET, {"confirm": True})

        assert Conversation.of(live).count() == 1

    def test_removes_the_files(self, used, play, settings, tmp_path, django_capture_on_commit_callbacks):
        settings.MEDIA_ROOT = tmp_path
        content = base64.b64encode(b"a,b").decode()
        play("email", text="Look", media={"type": "document", "content": content, "filename": "a.csv"})
        assert [each for each in tmp_path.rglob("*") if each.is_file()]

        with django_capture_on_commit_callbacks(execute=True):
            used.post(RESET, {"confirm": True})

        assert not [each for each in tmp_path.rglob("*") if each.is_file()]

    def test_goes_on_where_there_was_too_much_for_one_request(self, used, monkeypatch):
        monkeypatch.setattr(resetting, "SECONDS", 0.0)
        assert used.post(RESET, {"confirm": True}).json()["done"] is False

        monkeypatch.setattr(resetting, "SECONDS", 10.0)
        assert used.post(RESET, {"confirm": True}).json()["done"] is True

    @pytest.mark.parametrize(("body", "code"), [({}, "required"), ({"confirm": False}, "not_confirmed")])
    def test_wants_to_be_sure(self, used, body, code):
        assert wrong_fields(used.post(RESET, body)) == {"confirm": code}
        assert Message.unscoped.exists()
