"""``POST /v1/send-message``: one endpoint to every channel."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Contact, ContactSession, Suppression
from contacts.services import addresses
from conversations.models import Conversation, Message
from core.times import iso
from events.models import LoggedEvent
from outbound.models import Dispatch, Line
from tests.conftest import mint, open_inbox
from tests.outbound.messaging import PHONE, open_on, template, text_to
from tests.servers import Server, at_once, wrong_fields

SEND = "/v1/send-message"


@pytest.fixture
def sms(live):
    return open_on(live, "sms")


@pytest.fixture
def whatsapp(live):
    return open_on(live, "whatsapp")


def problem(answer, field):
    [found] = [each for each in answer.json()["error"]["errors"] if each["field"] == field]
    return found


def wrote(inbox, address, ago=timedelta(0)):
    """Let somebody have written to an inbox."""
    session = addresses.open_at(inbox=inbox, address=address)
    ContactSession.unscoped.filter(pk=session.pk).update(last_inbound_at=timezone.now() - ago)
    return session


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

    def test_knows_nobody_by_a_name_that_is_none(self, api, inbox):
        assert wrong_fields(api.post(SEND, text_to("customer-404", "api"))) == {
            "recipient_id": "recipient_not_reachable"
        }


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
        }  # fmt: skip
        assert not Message.unscoped.exists()

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"recipient_id": "required", "channel": "required", "text": "required"}),
            ({"recipient_id": PHONE, "channel": "fax", "text": "Hi"}, {"channel": "unknown_channel"}),
            ({"recipient_id": PHONE, "channel": "telegram", "text": "Hi"}, {"channel": "channel_not_configured"}),
            ({"recipient_id": PHONE, "channel": "sms"}, {"text": "required"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": ""}, {"text": "required"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "x" * 1601}, {"text": "too_long"}),
            ({"recipient_id": PHONE, "channel": "sms", "message_type": "song"}, {"message_type": "unknown_value"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "Hi", "inbox_id": "inb_nothing"},
             {"inbox_id": "unknown_inbox"}),
            ({"recipient_id": PHONE, "channel": "sms", "text": "Hi", "conversation_id": "conv_x", "reply_to": "msg_x"},
             {"conversation_id": "unknown_conversation"}),
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


class TestTemplates:
    def send(self, api, channel="whatsapp", **said):
        named = {"name": "order", "language": "en", "variables": {"1": "42"}, **said}
        return api.post(SEND, {"recipient_id": PHONE, "channel": channel, "message_type": "template",
                               "template": named})  # fmt: skip

    def test_of_a_provider_need_no_window_and_hurry(self, api, live, whatsapp):
        template(live, inbox=whatsapp)

        said = self.send(api).json()

        assert (said["status"], said["category"], said["text"]) == ("queued", "utility", "Order 42 is on its way.")
        assert Dispatch.unscoped.get().lane == Dispatch.Lane.URGENT

    def test_that_are_unknown_are_refused_with_those_there_are(self, api, live, whatsapp):
        template(live, inbox=whatsapp)

        answer = self.send(api, name="ordre")

        assert wrong_fields(answer) == {"template.name": "template_not_found"}
        assert "order (en)" in problem(answer, "template.name")["message"]

    def test_whose_variables_are_missing_are_refused(self, api, live, whatsapp):
        template(live, inbox=whatsapp)

        wrong = wrong_fields(self.send(api, variables={"2": "x"}))

        assert set(wrong.values()) == {"template_parameters_mismatch"}

    def test_that_a_provider_has_paused_are_refused(self, api, live, whatsapp):
        template(live, inbox=whatsapp, status="paused")

        assert wrong_fields(self.send(api)) == {"template.name": "template_unavailable"}

    def test_of_a_provider_that_was_never_asked_are_passed_on(self, api, whatsapp):
        said = self.send(api).json()

        assert said["warnings"][0]["code"] == "template_not_checked"

    def test_of_ours_are_rendered(self, api, live, sms):
        template(live, text="Hello {{name}}, order {{1}} is here.")

        said = self.send(api, "sms", variables={"1": "42", "name": "Ana"}).json()

        assert said["text"] == "Hello Ana, order 42 is here."
        assert Dispatch.unscoped.get().adapted["text"] == said["text"]

    def test_of_ours_take_a_list(self, api, live, sms):
        template(live)

        assert self.send(api, "sms", variables=["42"]).json()["text"] == "Order 42 is on its way."

    def test_of_ours_name_what_is_missing_and_what_is_too_much(self, api, live, sms):
        template(live)

        assert wrong_fields(self.send(api, "sms", variables={"name": "Ana"})) == {
            "template.variables.1": "template_parameters_mismatch",
            "template.variables.name": "template_parameters_mismatch",
        }

    def test_need_no_language_where_there_is_one(self, api, live, sms):
        template(live)
        body = {"recipient_id": PHONE, "channel": "sms", "message_type": "template",
                "template": {"name": "order", "variables": ["42"]}}  # fmt: skip

        assert api.post(SEND, body).json()["payload"]["language"] == "en"
        template(live, language="fr")
        assert wrong_fields(api.post(SEND, body)) == {"template.language": "required"}


class TestConsent:
    def test_keeps_a_closed_window_closed_and_names_a_way(self, api, live, whatsapp):
        template(live, inbox=whatsapp)
        wrote(whatsapp, PHONE, timedelta(hours=24, minutes=1))

        answer = api.post(SEND, text_to(PHONE, "whatsapp"))

        assert wrong_fields(answer) == {"recipient_id": "window_closed"}
        assert "order (en)" in problem(answer, "recipient_id")["message"]

    def test_lets_a_message_through_an_open_window(self, api, whatsapp):
        wrote(whatsapp, PHONE, timedelta(hours=23))

        assert api.post(SEND, text_to(PHONE, "whatsapp")).status_code == 202

    def test_does_not_ask_for_a_window_in_the_sandbox(self, sandbox):
        open_on(sandbox, "whatsapp")

        said = Server(mint(sandbox)).post(SEND, text_to(PHONE, "whatsapp")).json()

        assert (said["status"], said["warnings"][0]["code"]) == ("queued", "window_closed")

    def test_refuses_whoever_opted_out(self, api, live, sms):
        Suppression.unscoped.create(environment=live, channel="sms", address=PHONE, reason="stop_word")

        assert wrong_fields(api.post(SEND, text_to(PHONE, "sms"))) == {"recipient_id": "opted_out"}

    def test_refuses_only_marketing_where_only_that_is_unwanted(self, api, live, sms):
        Suppression.unscoped.create(
            environment=live, channel="sms", address=PHONE, reason="unsubscribed", scope="marketing"
        )

        assert api.post(SEND, text_to(PHONE, "sms")).status_code == 202
        answer = api.post(SEND, text_to(PHONE, "sms", category="marketing"))
        assert wrong_fields(answer) == {"recipient_id": "opted_out"}

    def test_refuses_a_blocked_person(self, api, sms):
        api.put("/v1/users/c-1", {"phone_number": PHONE, "blocked": True})

        assert wrong_fields(api.post(SEND, text_to("c-1", "sms"))) == {"recipient_id": "blocked"}

    @pytest.mark.parametrize(
        ("digit", "code"), [(1, "invalid_recipient"), (4, "opted_out"), (8, "window_closed")]
    )  # fmt: skip
    def test_is_rehearsed_in_the_sandbox(self, sandbox, digit, code):
        open_on(sandbox, "sms")

        answer = Server(mint(sandbox)).post(SEND, text_to(f"+1500555000{digit}", "sms"))

        assert wrong_fields(answer) == {"recipient_id": code}


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
