"""Fallback: a chain of steps, checked when the message is accepted, taken one by one."""

import pytest

from contacts.models import Suppression
from conversations.models import Message
from outbound.models import Dispatch
from outbound.services import sending
from tests.conftest import open_inbox
from tests.outbound.messaging import PHONE, open_on, text_to
from tests.servers import wrong_fields

SEND = "/v1/send-message"
USUAL = ["failed", "undelivered", "expired", "window_closed"]


@pytest.fixture
def whatsapp(live):
    return open_on(live, "whatsapp")


@pytest.fixture
def sms(live):
    return open_on(live, "sms")


def follow():
    """Take the next step of the only message there is."""
    dispatch = Dispatch.unscoped.select_related("message__author", "contact").get()
    return sending.follow(parent=dispatch, step=dispatch.fallback[0], rest=dispatch.fallback[1:])


class TestAccepting:
    def test_shows_the_chain(self, api, live, sms):
        open_on(live, "email")
        api.put("/v1/users/c-1", {"phone_number": PHONE, "email": "amine@example.test"})
        chain = [{"channel": "email", "after_seconds": 60, "text": "By mail", "email": {"subject": "News"}}]

        said = api.post(SEND, text_to("c-1", "sms", fallback=chain)).json()

        [step] = said["fallback"]
        assert (step["channel"], step["on"], step["after_seconds"]) == ("email", [*USUAL, "no_delivery"], 60)

    def test_names_a_problem_by_its_step(self, api, live, sms, whatsapp):
        chain = [{"channel": "whatsapp", "text": "x" * 5000}, {"channel": "fax"}]

        assert wrong_fields(api.post(SEND, text_to(PHONE, "sms", fallback=chain))) == {
            "fallback.0.text": "too_long",
            "fallback.1.channel": "unknown_channel",
        }

    def test_says_a_problem_of_inherited_words_once(self, api, sms, whatsapp):
        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "sms", "fallback": [{"channel": "whatsapp"}]})

        assert wrong_fields(answer) == {"text": "required"}

    def test_refuses_a_step_where_the_person_is_not(self, api, live, sms):
        open_on(live, "telegram")

        answer = api.post(SEND, text_to(PHONE, "sms", fallback=[{"channel": "telegram"}]))

        assert wrong_fields(answer) == {"fallback.0.recipient_id": "recipient_not_reachable"}

    def test_waits_for_no_receipt_that_nobody_sends(self, api, live, sms):
        open_on(live, "telegram")
        chain = [{"channel": "sms", "recipient_id": PHONE, "after_seconds": 60}]

        answer = api.post(SEND, text_to("42", "telegram", fallback=chain))

        assert wrong_fields(answer) == {"fallback.0.after_seconds": "no_receipts"}

    def test_needs_to_know_how_long_to_wait(self, api, sms, whatsapp):
        answer = api.post(SEND, text_to(PHONE, "sms", fallback=[{"channel": "whatsapp", "on": ["no_delivery"]}]))

        assert wrong_fields(answer)["fallback.0.after_seconds"] == "required"

    def test_takes_a_closed_window_for_a_reason_to_go_on(self, api, sms, whatsapp):
        assert wrong_fields(api.post(SEND, text_to(PHONE, "whatsapp"))) == {"recipient_id": "window_closed"}

        assert api.post(SEND, text_to(PHONE, "whatsapp", fallback=[{"channel": "sms"}])).status_code == 202

    def test_refuses_a_message_that_no_step_would_bring(self, api, live, sms, whatsapp):
        Suppression.unscoped.create(environment=live, channel="sms", address=PHONE, reason="stop_word")

        answer = api.post(SEND, text_to(PHONE, "whatsapp", fallback=[{"channel": "sms"}]))

        assert wrong_fields(answer) == {"recipient_id": "window_closed"}

    def test_has_at_most_five_steps(self, api, sms):
        answer = api.post(SEND, text_to(PHONE, "sms", fallback=[{"channel": "sms"}] * 6))

        assert wrong_fields(answer) == {"fallback": "too_long"}


class TestFollowing:
    def test_says_the_same_in_a_conversation_of_its_own(self, api, sms, whatsapp):
        first = api.post(SEND, text_to(PHONE, "whatsapp", fallback=[{"channel": "sms"}], metadata={"a": 1})).json()

        message = follow()

        assert (message.text, message.metadata, message.status) == ("Hello", {"a": 1}, "queued")
        assert message.conversation.inbox_id == sms.pk
        child, parent = Dispatch.unscoped.get(message=message), Dispatch.unscoped.get(message=message.pk - 1)
        assert (child.fallback_of_id, child.address, child.fallback) == (parent.pk, PHONE, [])
        shown = api.get(f"/v1/messages/{message.public_id}").json()
        assert (shown["fallback_of"], shown["user_id"]) == (first["id"], first["user_id"])

    def test_says_its_own_words_adapted(self, api, sms, whatsapp):
        step = {"channel": "sms", "message_type": "button", "on_unsupported": "adapt",
                "button": {"text": "Ok?", "buttons": [{"title": "Yes", "id": "y"}]}}  # fmt: skip
        api.post(SEND, text_to(PHONE, "whatsapp", fallback=[step]))

        message = follow()

        assert (message.type, message.text) == ("button", "Ok?")
        assert Dispatch.unscoped.get(message=message).adapted["text"] == "Ok?\n\n1. Yes"

    def test_brings_files_along(self, api, live, whatsapp, picture):
        upload = api.upload("/v1/attachments", {"file": picture}).json()
        open_on(live, "telegram")
        api.post(SEND, {
            "recipient_id": PHONE, "channel": "whatsapp", "message_type": "media",
            "media": {"type": "image", "attachment_id": upload["id"]},
            "fallback": [{"channel": "telegram", "recipient_id": "42"}],
        })  # fmt: skip

        message = follow()

        [file] = api.get(f"/v1/messages/{message.public_id}").json()["attachments"]
        assert (file["filename"], file["size"]) == (upload["filename"], upload["size"])

    def test_leads_to_the_cable_too(self, api, live, sms):
        inbox = open_inbox(live)
        api.post(SEND, text_to(PHONE, "sms", fallback=[{"channel": "api"}]))

        message = follow()

        assert (message.status, message.conversation.inbox_id) == ("sent", inbox.pk)
        assert Message.unscoped.count() == 2
