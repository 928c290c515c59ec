"""``POST /v1/send-message`` names everything that is wrong with a request in one answer, whatever else is wrong."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.services import consent
from core.times import iso
from tests.outbound.messaging import PHONE, SEND, open_on, problem, text_to, wrote
from tests.servers import wrong_fields

PAST = "2020-01-01T00:00:00Z"


def buttons(count=2, **more):
    return {"text": "Which?", "buttons": [{"title": f"Size {n}", "id": f"b{n}"} for n in range(count)], **more}


@pytest.fixture
def sms(live):
    return open_on(live, "sms")


@pytest.fixture
def whatsapp(live):
    return open_on(live, "whatsapp")


@pytest.fixture
def mail(live):
    return open_on(live, "email")


class TestMalformedFields:
    def test_do_not_hide_what_is_beside_them_inside_of_an_object(self, api, whatsapp):
        asked = buttons(4, footer=5)
        asked["buttons"][1] = {"title": "Neither an id nor a url"}
        asked["buttons"][2]["title"] = "x" * 21

        answer = api.post(SEND, {"recipient_id": "+1", "channel": "whatsapp", "message_type": "button",
                                 "button": asked})  # fmt: skip

        assert wrong_fields(answer) == {
            "recipient_id": "invalid_recipient", "button.buttons.1": "ambiguous", "button.footer": "invalid",
            "button.buttons.2.title": "too_long", "button.buttons": "too_many",
        }  # fmt: skip

    @pytest.mark.parametrize("malformed", [{"id": "b9"}, {"title": 5, "id": "b9"}, {"title": "Lost"}, {}, "Yes", None])
    def test_are_counted_with_those_beside_them(self, api, whatsapp, malformed):
        asked = buttons(4)
        asked["buttons"][1] = malformed

        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "whatsapp", "message_type": "button",
                                 "button": asked})  # fmt: skip

        assert wrong_fields(answer)["button.buttons"] == "too_many"
        assert (problem(answer, "button.buttons")["limit"], problem(answer, "button.buttons")["actual"]) == (3, 4)
        assert {name.rpartition(".buttons.")[2][0] for name in wrong_fields(answer) if ".buttons." in name} == {"1"}

    def test_are_counted_where_none_is_well_formed(self, api, whatsapp):
        asked = {"text": "Which?", "buttons": [{"id": f"b{n}"} for n in range(4)]}

        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "whatsapp", "message_type": "button",
                                 "button": asked})  # fmt: skip

        assert wrong_fields(answer) == {
            "button.buttons": "too_many", "recipient_id": "window_closed",
            **{f"button.buttons.{n}.title": "required" for n in range(4)},
        }  # fmt: skip

    @pytest.mark.parametrize("malformed", [{"url": "https://a.test"}, {"title": "Lost"}])
    def test_are_taken_for_what_they_look_like(self, api, mail, malformed):
        links = [{"title": f"Page {n}", "url": "https://a.test"} for n in range(10)]

        answer = api.post(SEND, {"recipient_id": "a@x.test", "channel": "email", "message_type": "button",
                                 "email": {"subject": "Hi"},
                                 "button": {"text": "Which?", "buttons": [malformed, *links]}})  # fmt: skip

        assert problem(answer, "button.buttons")["message"] == "At most 10 links on this channel."
        assert [name for name in wrong_fields(answer) if name.startswith("button.buttons.")] == [
            "button.buttons.0" if "title" in malformed else "button.buttons.0.title"
        ]

    def test_have_ids_that_others_may_not_have(self, api, whatsapp):
        wrote(whatsapp, PHONE)
        asked = buttons(2)
        asked["buttons"][0] = {"id": "b1"}

        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "whatsapp", "message_type": "button",
                                 "button": asked})  # fmt: skip

        assert wrong_fields(answer) == {
            "button.buttons.0.title": "required", "button.buttons.1.id": "duplicate"
        }  # fmt: skip

    def test_do_not_hide_other_steps_of_a_chain(self, api, sms, whatsapp):
        chain = [{"channel": "sms", "after_seconds": "soon"}, {"channel": 5}, {"channel": "sms", "text": "x" * 1601}]

        answer = api.post(SEND, text_to(PHONE, "whatsapp", fallback=chain))

        assert wrong_fields(answer) == {
            "fallback.0.after_seconds": "invalid", "fallback.1.channel": "invalid", "fallback.2.text": "too_long"
        }  # fmt: skip

    def test_do_not_make_wrong_what_hinges_on_them(self, api, sms):
        step = {"channel": 5, "message_type": "button", "button": buttons()}

        answer = api.post(SEND, text_to(PHONE, "sms", email={"subject": "Hi"}, fallback=[step]))

        assert wrong_fields(answer) == {"fallback.0.channel": "invalid"}

    def test_do_not_hide_that_a_mail_needs_a_subject(self, api, mail):
        asked = text_to("a@x.test", "email", metadata=5, email={"cc": ["nobody"], "html": 5})

        assert wrong_fields(api.post(SEND, asked)) == {
            "metadata": "invalid", "email.html": "invalid", "email.subject": "required",
            "email.cc.0": "invalid_address",
        }  # fmt: skip


class TestMailsToNobody:
    def test_are_judged_by_all_that_is_said(self, api, mail):
        asked = text_to("nobody@", "email", email={"subject": "Hi", "cc": ["no address"]},
                        overrides={"email": {"headers": {"To": "a@x.test"}}})  # fmt: skip

        assert wrong_fields(api.post(SEND, asked)) == {
            "recipient_id": "invalid_recipient", "email.cc.0": "invalid_address",
            "overrides.email.headers.To": "unknown_header",
        }  # fmt: skip

    def test_are_asked_for_no_subject_that_a_conversation_may_have(self, api, mail):
        assert wrong_fields(api.post(SEND, text_to("nobody@", "email"))) == {"recipient_id": "invalid_recipient"}


class TestTimes:
    def test_that_are_past_are_both_named(self, api, sms):
        answer = api.post(SEND, text_to(PHONE, "sms", send_at=PAST, expires_at=PAST))

        assert wrong_fields(answer) == {"send_at": "in_the_past", "expires_at": "in_the_past"}

    def test_that_are_too_far_do_not_hide_an_end_before_the_beginning(self, api, sms):
        at = timezone.now() + timedelta(days=40)

        answer = api.post(SEND, text_to(PHONE, "sms", send_at=iso(at), expires_at=iso(at - timedelta(hours=1))))

        assert wrong_fields(answer) == {"send_at": "too_far", "expires_at": "in_the_past"}


class TestBlanks:
    @pytest.mark.parametrize("blank", ["   ", "\n\t\u00a0", "\u200b\ufeff"])
    @pytest.mark.parametrize(
        ("channel", "recipient_id"),
        [("whatsapp", PHONE), ("sms", PHONE), ("telegram", "42"), ("email", "a@x.test"), ("messenger", "42"),
         ("line", f"U{'a' * 32}"), ("web", "c-1"), ("api", "c-1")],
    )  # fmt: skip
    def test_say_nothing_on_any_channel(self, api, live, channel, recipient_id, blank):
        wrote(open_on(live, channel), recipient_id) if channel == "whatsapp" else open_on(live, channel)
        more = {"email": {"subject": "Hi"}} if channel == "email" else {}

        assert wrong_fields(api.post(SEND, text_to(recipient_id, channel, blank, **more)))["text"] == "required"

    def test_are_no_question_and_no_title(self, api, live):
        asked = {"text": " ", "buttons": [{"title": " ", "id": "b"}]}

        answer = api.post(SEND, {"recipient_id": "42", "channel": "telegram", "message_type": "button",
                                 "button": asked})  # fmt: skip

        assert {"button.text": "required", "button.buttons.0.title": "required"}.items() <= wrong_fields(answer).items()

    def test_are_no_caption(self, api, live):
        open_on(live, "telegram")
        media = {"type": "image", "url": "https://a.test/a.png", "caption": "  "}

        answer = api.post(SEND, {"recipient_id": "42", "channel": "telegram", "message_type": "media", "media": media})

        assert (answer.status_code, answer.json()["text"]) == (202, None)


class TestLengths:
    @pytest.mark.parametrize(
        ("said", "field", "limit"),
        [
            ({"text": "x" * 150_001}, "text", 4096),
            ({"message_type": "button", "button": buttons(text="x" * 150_001)}, "button.text", 1024),
            ({"message_type": "media", "media": {"type": "image", "url": "https://a.test/a.png",
                                                 "caption": "x" * 150_001}}, "media.caption", 1024),
        ],
        ids=["text", "question", "caption"],
    )  # fmt: skip
    def test_are_the_channels_own_beyond_every_limit(self, api, whatsapp, said, field, limit):
        found = problem(api.post(SEND, {"recipient_id": PHONE, "channel": "whatsapp", **said}), field)

        assert (found["code"], found["limit"], found["actual"]) == ("too_long", limit, 150_001)

    def test_are_judged_on_no_known_channel_too(self, api):
        answer = api.post(SEND, text_to(PHONE, "fax", "x" * 150_001))

        assert wrong_fields(answer) == {"channel": "unknown_channel", "text": "too_long"}
        assert (problem(answer, "text")["limit"], problem(answer, "text")["actual"]) == (150_000, 150_001)

    def test_are_told_of_what_only_the_form_limits(self, api, mail):
        asked = text_to("a@x.test", "email", email={"subject": "x" * 256})

        found = problem(api.post(SEND, asked), "email.subject")

        assert (found["limit"], found["actual"]) == (255, 256)


class TestAdapting:
    def test_asks_of_a_mail_only_what_nothing_mends(self, api, mail):
        asked = {"recipient_id": "a@x.test", "channel": "email", "message_type": "button", "button": buttons(),
                 "on_unsupported": "adapt"}  # fmt: skip

        assert wrong_fields(api.post(SEND, asked)) == {"email.subject": "required"}
        said = api.post(SEND, {**asked, "email": {"subject": "Sizes"}}).json()
        assert [each["code"] for each in said["adaptations"]] == ["buttons_as_text"]

    def test_is_thought_of_where_the_recipient_is_wrong(self, api, sms):
        asked = {"recipient_id": "+1", "channel": "sms", "message_type": "button", "button": buttons(),
                 "on_unsupported": "adapt"}  # fmt: skip

        assert wrong_fields(api.post(SEND, asked)) == {"recipient_id": "invalid_recipient"}

    def test_names_the_fields_that_were_written_where_no_form_fits(self, api, sms):
        asked = {"recipient_id": PHONE, "channel": "sms", "message_type": "button", "on_unsupported": "adapt",
                 "button": buttons(text="x" * 2000)}  # fmt: skip

        assert set(wrong_fields(api.post(SEND, asked))) == {"message_type"}


class TestOptedOut:
    def test_says_how_to_take_somebody_off_the_list(self, api, live, sms):
        listed = consent.suppress(environment=live, channel="sms", address=PHONE, reason="stop_word")

        words = problem(api.post(SEND, text_to(PHONE, "sms")), "recipient_id")["message"]

        assert "They wrote STOP" in words
        assert f"DELETE /v1/suppressions/{listed.public_id}" in words
        assert api.delete(f"/v1/suppressions/{listed.public_id}").status_code == 200
        assert api.post(SEND, text_to(PHONE, "sms")).status_code == 202

    def test_says_that_it_is_about_marketing_only(self, api, live, sms):
        consent.suppress(environment=live, channel="sms", address=PHONE, reason="unsubscribed", scope="marketing")

        answer = api.post(SEND, text_to(PHONE, "sms", category="marketing"))

        assert "Only marketing is kept from them" in problem(answer, "recipient_id")["message"]


class TestAddressesOfFiles:
    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("https://2130706433/a.png", "not_an_address"),
            ("https://0x7f.1/a.png", "not_an_address"),
            ("https://0177.0.0.1/a.png", "not_an_address"),
            ("https://0x7f000001./a.png", "not_an_address"),
            (
                "https://\uff11\uff16\uff19.\uff12\uff15\uff14.\uff11\uff16\uff19.\uff12\uff15\uff14/a.png",
                "private_address",
            ),
            ("https://[::ffff:169.254.169.254]/a.png", "private_address"),
            ("https://me:secret@files.test/a.png", "credentials_in_url"),
            ("https://files.test\\@evil.test/a.png", "not_a_url"),
            ("https://files..test/a.png", "not_a_url"),
        ],
    )
    def test_are_written_as_everybody_writes_them(self, api, sms, url, code):
        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "sms", "message_type": "media",
                                 "media": {"type": "image", "url": url}})  # fmt: skip

        assert wrong_fields(answer) == {"media.url": code}

    @pytest.mark.parametrize("host", ["files.test", "files.test.", "münchen.test", "203.0.114.7", "my_files.test:8443"])
    def test_are_taken_wherever_a_provider_may_fetch_them(self, api, sms, host):
        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "sms", "message_type": "media",
                                 "media": {"type": "image", "url": f"https://{host}/a.png"}})  # fmt: skip

        assert answer.status_code == 202


class TestWhatIsSaid:
    def test_is_judged_though_somebody_wants_nothing(self, api, live, sms):
        consent.suppress(environment=live, channel="sms", address=PHONE, reason="opted_out")

        answer = api.post(SEND, text_to(PHONE, "sms", "x" * 1601, conversation_id="conv_x"))

        assert wrong_fields(answer) == {
            "recipient_id": "opted_out", "text": "too_long", "conversation_id": "unknown_conversation"
        }  # fmt: skip

    def test_is_judged_beside_what_is_missing(self, api, whatsapp):
        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "whatsapp", "text": "no", "message_type": "button",
                                 "button": buttons(4)})  # fmt: skip

        assert wrong_fields(answer) == {
            "text": "unexpected_field", "button.buttons": "too_many", "recipient_id": "window_closed"
        }  # fmt: skip

    def test_needs_no_window_while_nobody_knows_what_it_is(self, api, whatsapp):
        missing = {"recipient_id": PHONE, "channel": "whatsapp", "message_type": "template"}

        assert wrong_fields(api.post(SEND, missing)) == {"template": "required"}

    def test_is_judged_beside_a_file_that_cannot_be_had(self, api, whatsapp):
        media = {"type": "image", "url": "https://169.254.169.254/a.png", "caption": "x" * 1025}

        answer = api.post(SEND, {"recipient_id": PHONE, "channel": "whatsapp", "message_type": "media",
                                 "media": media})  # fmt: skip

        assert wrong_fields(answer) == {
            "media.url": "private_address", "media.caption": "too_long", "recipient_id": "window_closed"
        }  # fmt: skip

    def test_is_asked_for_a_subject_beside_an_unknown_template(self, api, mail):
        asked = {"recipient_id": "a@x.test", "channel": "email", "message_type": "template",
                 "template": {"name": "nothing"}}  # fmt: skip

        assert wrong_fields(api.post(SEND, asked)) == {
            "template.name": "template_not_found", "email.subject": "required"
        }  # fmt: skip
