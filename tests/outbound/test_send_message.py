"""``POST /v1/send-message``: one endpoint to every channel, and everything that is wrong in one answer."""

import pytest
from django.utils import timezone

from contacts.models import Contact
from contacts.services import sessions
from conversations.models import Message
from events.models import LoggedEvent
from outbound.models import Dispatch, Line
from tests.outbound.messaging import PHONE, SEND, open_on, problem, text_to, wrote
from tests.servers import Server, wrong_fields


@pytest.fixture
def sms(live):
    return open_on(live, "sms")


@pytest.fixture
def whatsapp(live):
    return open_on(live, "whatsapp")


class TestAccepting:
    def test_answers_with_the_message_and_where_to_look_for_it(self, api, sms):
        answer = api.post(SEND, text_to(PHONE, "sms"))

        said = answer.json()
        assert (answer.status_code, said["status"], said["channel"]) == (202, "queued", "sms")
        assert (said["recipient_id"], said["inbox_id"]) == (PHONE, sms.public_id)
        assert (said["segments"], said["encoding"]) == (1, "GSM-7")
        assert answer["Location"] == said["status_url"]
        assert said["status_url"].endswith(f"/v1/messages/{said['id']}")

    @pytest.mark.parametrize("path", [SEND, "/v1/messages"])
    def test_goes_by_two_names(self, api, sms, path):
        assert api.post(path, text_to(PHONE, "sms")).status_code == 202

    def test_makes_the_person_and_a_conversation_that_agents_see(self, api, sms):
        said = api.post(SEND, text_to(PHONE, "sms")).json()

        talk = api.get(f"/v1/conversations/{said['conversation_id']}").json()
        assert (talk["user"]["phone_number"], talk["channel"], talk["status"]) == (PHONE, "sms", "open")
        assert talk["last_message"]["text"] == "Hello"

    def test_goes_on_with_the_conversation_there_is(self, api, sms):
        first, second = (api.post(SEND, text_to(PHONE, "sms", words)).json() for words in ("One", "Two"))

        assert first["conversation_id"] == second["conversation_id"]
        assert Contact.unscoped.count() == 1

    def test_begins_another_where_the_last_one_is_closed(self, api, sms):
        first = api.post(SEND, text_to(PHONE, "sms")).json()
        api.patch(f"/v1/conversations/{first['conversation_id']}", {"status": "closed"})

        assert api.post(SEND, text_to(PHONE, "sms")).json()["conversation_id"] != first["conversation_id"]

    def test_opens_the_only_one_where_the_inbox_keeps_to_it(self, api, live):
        open_on(live, "sms", lock_to_single_conversation=True)
        first = api.post(SEND, text_to(PHONE, "sms")).json()
        path = f"/v1/conversations/{first['conversation_id']}"
        api.patch(path, {"status": "closed"})

        assert api.post(SEND, text_to(PHONE, "sms")).json()["conversation_id"] == first["conversation_id"]
        assert api.get(path).json()["status"] == "open"

    def test_queues_it_in_the_same_transaction(self, api, sms):
        said = api.post(SEND, text_to(PHONE, "sms", metadata={"order": "42"})).json()

        dispatch = Dispatch.unscoped.get()
        assert (dispatch.message.public_id, dispatch.address, dispatch.state) == (said["id"], PHONE, "waiting")
        assert Line.unscoped.get(pk=sms.pk).next_due_at <= timezone.now()

    def test_tells_of_it_as_it_tells_of_every_answer(self, api, sms):
        api.post(SEND, text_to(PHONE, "sms"))

        logged = LoggedEvent.unscoped.get(type="message_out")
        assert (logged.data["source_channel"], logged.data["message"]["status"]) == ("sms", "queued")
        assert logged.actor_type == "api"

    def test_names_what_it_does_not_know_down_to_a_button(self, api, live):
        open_on(live, "telegram")
        button = {"text": "?", "buttons": [{"title": "Yes", "id": "y", "colour": "red"}], "shape": "round"}

        said = api.post(SEND, {"recipient_id": "42", "channel": "telegram", "message_type": "button",
                               "button": button, "recipent": "typo"}).json()  # fmt: skip

        assert said["ignored_parameters"] == ["button.buttons.0.colour", "button.shape", "recipent"]


class TestOnTheCable:
    def test_is_there_at_once(self, api, live, inbox, session):
        said = api.post(SEND, text_to("amine@example.test", "api")).json()

        assert (said["status"], said["user_id"]) == ("sent", session.contact.public_id)
        assert not Dispatch.unscoped.exists()

    def test_makes_somebody_new_of_an_address(self, api, inbox):
        said = api.post(SEND, text_to("+212600000009", "api")).json()

        assert api.get(f"/v1/users/{said['user_id']}").json()["phone_number"] == "+212600000009"

    def test_is_said_where_a_browser_is(self, api, inbox, session):
        said = api.post(SEND, text_to(session.source_id, "api")).json()

        assert Message.unscoped.get(text="Hello").conversation.session_id == session.pk
        assert said["user_id"] == session.contact.public_id

    def test_is_not_said_to_whoever_calls_themselves_somebody(self, api, inbox):
        sessions.open_session(inbox=inbox, source_id="customer-42", fields={"name": "Claims to be them"})

        assert wrong_fields(api.post(SEND, text_to("customer-42", "api"))) == {
            "recipient_id": "recipient_not_reachable"
        }
        them = api.put("/v1/users/customer-42", {"name": "Amine"}).json()
        assert api.post(SEND, text_to("customer-42", "api")).json()["user_id"] == them["id"]

    def test_knows_nobody_by_a_name_that_is_none(self, api, inbox):
        assert wrong_fields(api.post(SEND, text_to("customer-404", "api"))) == {
            "recipient_id": "recipient_not_reachable"
        }

    def test_knows_nobody_by_a_number_that_cannot_be(self, api, inbox):
        answer = api.post(SEND, text_to("+21260", "api"))

        assert wrong_fields(answer) == {"recipient_id": "invalid_recipient"}
        assert "it is too short" in problem(answer, "recipient_id")["message"]
        assert not Contact.unscoped.filter(phone_number="+21260").exists()

    def test_shows_what_there_was_no_form_for_as_words(self, api, inbox):
        api.put("/v1/users/customer-42", {"name": "Amine"})
        buttons = [{"id": f"b{place}", "title": f"Size {place}"} for place in range(1, 12)]
        asked = {"recipient_id": "customer-42", "channel": "api", "message_type": "button",
                 "button": {"text": "Which?", "buttons": buttons}, "on_unsupported": "adapt"}  # fmt: skip

        said = api.post(SEND, asked).json()

        assert (said["status"], said["message_type"], said["payload"]) == ("sent", "text", {})
        assert said["text"].startswith("Which?\n\n1. Size 1\n")
        assert said["text"].endswith("11. Size 11")
        assert [(each["code"], each["text"]) for each in said["adaptations"]] == [("buttons_as_text", said["text"])]


class TestEveryProblem:
    def test_is_in_one_answer(self, api, sms):
        answer = api.post(SEND, {
            "recipient_id": "+1", "channel": "sms", "message_type": "media", "text": "no", "metadata": [],
            "media": {"type": "image"}, "send_at": "2020-01-01T00:00:00Z", "expires_at": 5,
            "fallback": [{"channel": "fax"}, {"channel": "telegram", "after_seconds": 1}],
        })  # fmt: skip

        assert wrong_fields(answer) == {
            "metadata": "invalid", "expires_at": "invalid", "fallback.1.after_seconds": "out_of_range",
            "text": "unexpected_field", "recipient_id": "invalid_recipient", "send_at": "in_the_past",
            "media.url": "required", "fallback.0.channel": "unknown_channel",
            "fallback.1.channel": "channel_not_configured",
        }  # fmt: skip
        assert not Message.unscoped.exists()

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"recipient_id": "required", "channel": "required", "text": "required"}),
            ({"recipient_id": PHONE, "channel": "fax", "text": "Hi"}, {"channel": "unknown_channel"}),
            ({"recipient_id": PHONE, "channel": "telegram", "text": "Hi"}, {"channel": "channel_not_configured"}),
            ({"recipient_id": PHONE, "channel": "sms"}, {"text": "required"}),
            ({"channel": "sms", "text": "Hi"}, {"recipient_id": "required"}),
            ({"recipient_id": 5, "channel": "sms", "text": "Hi"}, {"recipient_id": "invalid"}),
            ({"recipient_id": PHONE, "text": "Hi"}, {"channel": "required"}),
            ({"channel": "sms", "text": "Hi", "fallback": [{"channel": "sms", "text": "Ho"}]},
             {"recipient_id": "required"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "Hi", "overrides": {"sms": 5}},
             {"overrides.sms": "invalid"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": ""}, {"text": "required"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "x" * 1601}, {"text": "too_long"}),
            ({"recipient_id": PHONE, "channel": "sms", "message_type": "song"}, {"message_type": "unknown_value"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "Hi", "inbox_id": "inb_nothing"},
             {"inbox_id": "unknown_inbox"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "Hi", "conversation_id": "conv_x", "reply_to": "msg_x"},
             {"conversation_id": "unknown_conversation", "reply_to": "unknown_message"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "Hi", "reply_to": "msg_x"},
             {"reply_to": "unknown_message"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "Hi", "email": {"subject": "Hi"}},
             {"email": "unexpected_field"}),
            ({"recipient_id": PHONE, "channel": "sms", "message_type": "media",
              "media": {"type": "image", "url": "https://a.test/a.png", "attachment_id": "att_1"}},
             {"media": "ambiguous"}),
            ({"recipient_id": PHONE, "channel": "sms", "message_type": "media",
              "media": {"type": "image", "url": "http://a.test/a.png"}}, {"media.url": "https_required"}),
            ({"recipient_id": PHONE, "channel": "sms", "message_type": "media",
              "media": {"type": "image", "url": "https://169.254.169.254/a.png"}}, {"media.url": "private_address"}),
            ({"recipient_id": PHONE, "channel": "sms", "message_type": "media",
              "media": {"type": "image", "attachment_id": "att_x"}}, {"media.attachment_id": "unknown_attachment"}),
        ],
    )  # fmt: skip
    def test_has_a_field_and_a_code(self, api, sms, body, wrong):
        assert wrong_fields(api.post(SEND, body)) == wrong

    def test_tells_the_limit_and_what_there_was(self, api, sms):
        found = problem(api.post(SEND, text_to(PHONE, "sms", "x" * 1700)), "text")

        assert (found["limit"], found["actual"]) == (1600, 1700)

    def test_lists_what_is_connected(self, api, sms, whatsapp):
        words = problem(api.post(SEND, text_to(PHONE, "telegram")), "channel")["message"]

        assert "connected channels: sms, whatsapp" in words

    def test_lists_the_inboxes_to_choose_from(self, api, live, sms):
        other = open_on(live, "sms", name="Second")

        answer = api.post(SEND, text_to(PHONE, "sms"))

        assert wrong_fields(answer) == {"inbox_id": "ambiguous_sender"}
        assert other.public_id in problem(answer, "inbox_id")["message"]
        assert api.post(SEND, text_to(PHONE, "sms", inbox_id=other.public_id)).json()["inbox_id"] == other.public_id

    def test_refuses_an_inbox_of_another_channel(self, api, sms, whatsapp):
        answer = api.post(SEND, text_to(PHONE, "sms", inbox_id=whatsapp.public_id))

        assert wrong_fields(answer) == {"inbox_id": "inbox_of_another_channel"}

    def test_knows_nothing_of_anybody_elses(self, api, sms, globex):
        theirs = open_on(globex, "sms")

        assert wrong_fields(api.post(SEND, text_to(PHONE, "sms", inbox_id=theirs.public_id))) == {
            "inbox_id": "unknown_inbox"
        }

    def test_needs_a_key(self, api, sms):
        assert Server(None).post(SEND, text_to(PHONE, "sms")).status_code == 401


class TestButtons:
    def ask(self, *titles, **more):
        buttons = [{"title": title, "id": f"b{place}"} for place, title in enumerate(titles)]
        return {"recipient_id": PHONE, "channel": "whatsapp", "message_type": "button",
                "button": {"text": "Confirm?", "buttons": buttons}, **more}  # fmt: skip

    def test_are_counted_and_measured(self, api, whatsapp):
        wrote(whatsapp, PHONE)

        answer = api.post(SEND, self.ask("Yes", "No", "Maybe", "x" * 21))

        assert wrong_fields(answer) == {"button.buttons": "too_many", "button.buttons.3.title": "too_long"}
        assert problem(answer, "button.buttons")["limit"] == 3
        found = problem(answer, "button.buttons.3.title")
        assert (found["limit"], found["actual"]) == (20, 21)

    def test_become_text_where_that_is_wanted(self, api, sms):
        body = self.ask("Yes", "No", channel="sms", on_unsupported="adapt")

        said = api.post(SEND, body).json()

        [change] = said["adaptations"]
        assert (change["code"], change["text"]) == ("buttons_as_text", "Confirm?\n\n1. Yes\n2. No")
        assert said["payload"] == body["button"]
        assert Dispatch.unscoped.get().adapted == {"type": "text", "text": change["text"], "payload": {}}

    def test_are_refused_where_it_is_not(self, api, sms):
        answer = api.post(SEND, self.ask("Yes", channel="sms"))

        assert set(wrong_fields(answer).values()) == {"unsupported_by_channel"}
