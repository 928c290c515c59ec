"""When a message leaves, how often, with what, and where it is said."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Contact
from conversations.models import Conversation, Message
from core.times import iso
from events.models import LoggedEvent
from outbound.models import Dispatch
from tests.conftest import open_inbox
from tests.outbound.messaging import PHONE, open_on, text_to
from tests.servers import Server, at_once, wrong_fields

SEND = "/v1/send-message"


@pytest.fixture
def sms(live):
    return open_on(live, "sms")


class TestTimes:
    def test_keep_a_message_until_then(self, api, sms):
        later = timezone.now() + timedelta(hours=2)

        said = api.post(SEND, text_to(PHONE, "sms", send_at=iso(later))).json()

        assert (said["status"], said["send_at"]) == ("scheduled", iso(later))
        assert Dispatch.unscoped.get().next_attempt_at == later
        assert not LoggedEvent.unscoped.filter(type="message_out").exists()
        assert LoggedEvent.unscoped.get(type="message_status").data["message"]["status"] == "scheduled"

    @pytest.mark.parametrize(
        ("ahead", "code"),
        [(timedelta(days=31), "too_far"), (timedelta(seconds=-61), "in_the_past")],
    )
    def test_are_near(self, api, sms, ahead, code):
        answer = api.post(SEND, text_to(PHONE, "sms", send_at=iso(timezone.now() + ahead)))

        assert wrong_fields(answer) == {"send_at": code}

    def test_that_have_just_passed_are_now(self, api, sms):
        past = iso(timezone.now() - timedelta(seconds=30))

        assert api.post(SEND, text_to(PHONE, "sms", send_at=past)).json()["status"] == "queued"

    def test_end_before_they_begin_is_refused(self, api, sms):
        at = timezone.now() + timedelta(hours=2)
        body = text_to(PHONE, "sms", send_at=iso(at), expires_at=iso(at - timedelta(hours=1)))

        assert wrong_fields(api.post(SEND, body)) == {"expires_at": "in_the_past"}

    @pytest.mark.parametrize(
        ("category", "minutes"), [("authentication", 10), ("transactional", 24 * 60), ("marketing", 24 * 60)]
    )  # fmt: skip
    def test_run_out_by_category(self, api, sms, category, minutes):
        api.post(SEND, text_to(PHONE, "sms", category=category))

        left = Dispatch.unscoped.get().expires_at - timezone.now()
        assert timedelta(minutes=minutes - 1) < left <= timedelta(minutes=minutes)


class TestSayingItTwice:
    def test_sends_one_message_for_one_key(self, api, sms):
        first, again = (api.post(SEND, text_to(PHONE, "sms"), idempotency_key="k-1") for _ in range(2))

        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
        assert again["Idempotent-Replayed"] == "true"
        assert Dispatch.unscoped.count() == 1

    def test_refuses_the_key_for_other_words(self, api, sms):
        api.post(SEND, text_to(PHONE, "sms"), idempotency_key="k-1")

        answer = api.post(SEND, text_to(PHONE, "sms", "Other"), idempotency_key="k-1")

        assert answer.json()["error"]["code"] == "idempotency_key_reused"

    def test_may_be_mended_under_the_same_key(self, api, sms):
        assert api.post(SEND, text_to("+1", "sms"), idempotency_key="k-1").status_code == 422

        assert api.post(SEND, text_to(PHONE, "sms"), idempotency_key="k-1").status_code == 202

    def test_sends_one_message_for_one_client_message_id(self, api, sms):
        first, again = (api.post(SEND, text_to(PHONE, "sms", client_message_id="c-1")).json() for _ in range(2))

        assert first["id"] == again["id"]
        assert Dispatch.unscoped.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_makes_one_person_and_one_conversation_for_many_at_once(self, api, sms):
        answers = at_once(*[lambda: Server(api.headers["Authorization"][7:]).post(SEND, text_to(PHONE, "sms"))] * 4)

        assert [each.status_code for each in answers] == [202] * 4
        assert (Contact.unscoped.count(), Conversation.unscoped.count(), Dispatch.unscoped.count()) == (1, 1, 4)


class TestOnlyValidating:
    def test_sends_nothing(self, api, sms):
        answer = api.post(SEND, text_to(PHONE, "sms", "é" * 200, validate_only=True))

        told = answer.json()
        assert (answer.status_code, told["valid"], told["segments"], told["user_id"]) == (200, True, 2, None)
        assert not Message.unscoped.exists()
        assert not Contact.unscoped.exists()

    def test_names_every_problem_too(self, api, sms):
        assert wrong_fields(api.post(SEND, text_to("+1", "sms", "", validate_only=True))) == {
            "recipient_id": "invalid_recipient",
            "text": "required",
        }


class TestMail:
    def test_has_what_only_mail_has(self, api, live):
        open_on(live, "email")
        extras = {"subject": "Your order", "html": "<p>Hello</p>", "cc": ["b@x.test"], "reply_to": "help@acme.test"}

        said = api.post(SEND, text_to("Amine@Example.test", "email", email=extras)).json()

        assert said["recipient_id"] == "Amine@Example.test"
        dispatch = Dispatch.unscoped.get()
        assert (dispatch.address, dispatch.mail) == ("amine@example.test", extras)
        assert dispatch.conversation.subject == "Your order"

    def test_needs_a_subject_but_keeps_the_one_there_is(self, api, live):
        open_on(live, "email")
        assert "email.subject" in wrong_fields(api.post(SEND, text_to("a@b.test", "email")))

        api.post(SEND, text_to("a@b.test", "email", email={"subject": "Order 42"}))

        assert api.post(SEND, text_to("a@b.test", "email", "And more")).status_code == 202
        assert {each.mail["subject"] for each in Dispatch.unscoped.all()} == {"Order 42"}


class TestMedia:
    def test_is_passed_on_by_its_address(self, api, live):
        open_on(live, "telegram")
        media = {"type": "image", "url": "https://shop.test/plan.png", "caption": "The plan"}

        said = api.post(SEND, {"recipient_id": "42", "channel": "telegram", "message_type": "media",
                               "media": media}).json()  # fmt: skip

        assert (said["text"], said["payload"], said["attachments"][0]["url"]) == ("The plan", media, media["url"])

    def test_may_be_uploaded_before(self, api, live, picture):
        open_on(live, "telegram")
        upload = api.upload("/v1/attachments", {"file": picture}).json()
        body = {"recipient_id": "42", "channel": "telegram", "message_type": "media",
                "media": {"type": "image", "attachment_id": upload["id"]}}  # fmt: skip

        first, second = (api.post(SEND, body).json() for _ in range(2))

        urls = {first["attachments"][0]["url"], second["attachments"][0]["url"], upload["url"]}
        assert len(urls) == 3
        for url in urls:
            assert len(api.get("/" + url.split("/", 3)[3]).getvalue()) == upload["size"]

    def test_that_is_no_such_kind_of_file_is_refused(self, api, live, picture):
        open_on(live, "telegram")
        upload = api.upload("/v1/attachments", {"file": picture}).json()
        body = {"recipient_id": "42", "channel": "telegram", "message_type": "media",
                "media": {"type": "audio", "attachment_id": upload["id"]}}  # fmt: skip

        assert wrong_fields(api.post(SEND, body)) == {"media.attachment_id": "unsupported_media_type"}


class TestPlacing:
    def test_answers_a_message_in_its_conversation(self, api, sms):
        first = api.post(SEND, text_to(PHONE, "sms")).json()
        Message.unscoped.update(provider_id="SM1")

        said = api.post(SEND, text_to(PHONE, "sms", reply_to=first["id"])).json()

        assert said["conversation_id"] == first["conversation_id"]
        assert Dispatch.unscoped.order_by("-id").first().reply_to == "SM1"

    def test_refuses_a_conversation_with_somebody_else(self, api, sms):
        first = api.post(SEND, text_to(PHONE, "sms")).json()

        answer = api.post(SEND, text_to("+212600000002", "sms", conversation_id=first["conversation_id"]))

        assert wrong_fields(answer) == {"conversation_id": "recipient_mismatch"}

    def test_refuses_a_conversation_in_another_inbox(self, api, live, sms):
        api.put("/v1/users/c-1", {"phone_number": PHONE})
        open_inbox(live)
        talk = api.post(SEND, text_to("c-1", "api")).json()["conversation_id"]

        answer = api.post(SEND, text_to("c-1", "sms", conversation_id=talk))

        assert wrong_fields(answer) == {"conversation_id": "inbox_mismatch"}
