"""WhatsApp, outwards: settings, addresses, and what is sent."""

import pytest

from inboxes.channels import limits
from inboxes.channels.outcomes import Sent
from inboxes.channels.outgoing import Template
from inboxes.channels.whatsapp import Whatsapp
from tests.providers import graph
from tests.providers.words import answered, asked, choice, file, link, outgoing

WHATSAPP = Whatsapp()
SETTINGS = graph.SETTINGS["whatsapp"]
CALLBACK_URL = "https://dexra.test/inbound/whatsapp/abc"
ANA, USER_ID = "+16505551234", "US.13491208655302741918"
FOUR = [choice(str(n), str(n)) for n in range(4)]


@pytest.fixture
def provider(settings):
    with graph.Graph() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": running.base}
        yield running


def send(message):
    return WHATSAPP.judge(asked(WHATSAPP.order(message, SETTINGS)), message)


def wrong(message):
    return {(problem.field, problem.code) for problem in limits.problems_of(WHATSAPP, message, SETTINGS)}


class TestSettings:
    def test_what_is_needed_is_named(self):
        needed = {problem.field for problem in WHATSAPP.lacking({})}

        assert needed == {
            "settings.phone_number_id", "settings.access_token", "settings.app_secret", "settings.verify_token",
        }  # fmt: skip
        assert WHATSAPP.lacking(SETTINGS) == WHATSAPP.problems(SETTINGS) == []

    @pytest.mark.parametrize("value", ["12/messages", "+1555", "12?x=1", "..", "١٢٣"])
    @pytest.mark.parametrize("name", ["phone_number_id", "waba_id"])
    def test_ids_that_go_into_paths_are_digits(self, name, value):
        assert [problem.field for problem in WHATSAPP.problems({name: value})] == [f"settings.{name}"]

    def test_secrets_are_masked(self):
        shown = str(WHATSAPP.shown(SETTINGS))

        assert graph.NUMBER in shown
        assert not any(secret in shown for secret in (graph.TOKEN, graph.SECRET, graph.VERIFY_TOKEN))


class TestSetUp:
    def test_the_number_says_whose_it_is(self, provider):
        checked = WHATSAPP.judge_check(asked(WHATSAPP.check_order(SETTINGS)), SETTINGS)

        assert checked.problem is None
        assert checked.facts == {"display_phone_number": "+1 555-078-3881", "verified_name": "Shop"}

    @pytest.mark.parametrize(
        ("changed", "field", "code"),
        [
            ({"access_token": "expired"}, "settings.access_token", "channel_auth_failed"),
            ({"phone_number_id": "7"}, "settings.phone_number_id", "invalid"),
        ],
    )
    def test_what_meta_refuses_is_named(self, provider, changed, field, code):
        settings = {**SETTINGS, **changed}
        problem = WHATSAPP.judge_check(asked(WHATSAPP.check_order(settings)), settings).problem

        assert (problem.field, problem.code) == (field, code)
        assert graph.TOKEN not in problem.message

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_an_outage_is_not_taken_for_a_wrong_token(self, status):
        assert WHATSAPP.judge_check(answered(status, b"<html>"), SETTINGS).problem.code == "provider_unavailable"

    def test_a_limit_is_not_taken_for_a_wrong_id(self):
        reply = answered(400, {"error": {"code": 4, "message": "Application request limit reached"}})

        assert WHATSAPP.judge_check(reply, SETTINGS).problem.code == "provider_unavailable"

    def test_meta_is_told_where_to_call_about_this_number(self, provider):
        order = WHATSAPP.register_order(SETTINGS, CALLBACK_URL)
        reply = asked(order)

        assert WHATSAPP.judge_register(reply) == ""
        assert provider.hook == {"override_callback_uri": CALLBACK_URL, "verify_token": graph.VERIFY_TOKEN}
        assert {graph.TOKEN, graph.VERIFY_TOKEN} <= set(order.secrets)

    def test_a_refused_callback_is_told_in_metas_words(self, provider):
        reply = asked(WHATSAPP.register_order(SETTINGS, "http://dexra.test/x"))

        assert "must be https" in WHATSAPP.judge_register(reply)


class TestAddress:
    @pytest.mark.parametrize(
        ("given", "address"),
        [
            ("+16505551234", "+16505551234"),
            (" +1 650 555-1234 ", "+16505551234"),
            ("+15005550006", "+15005550006"),
            (USER_ID, USER_ID),
            ("US.ENT.11815799212886844830", "US.ENT.11815799212886844830"),
            ("16505551234", None),  # of which country?
            ("0016505551234", None),
            ("ana", None),
            ("us.134", None),
            ("US." + "1" * 129, None),
            ("", None),
        ],
    )
    def test_is_a_phone_number_or_what_whatsapp_calls_somebody(self, given, address):
        assert WHATSAPP.address(given, SETTINGS) == address


class TestOrder:
    @pytest.mark.parametrize(
        ("fields", "kind", "content"),
        [
            ({"text": "Hi https://a.b"}, "text", {"body": "Hi https://a.b", "preview_url": False}),
            ({"type": "media", "text": "c", "media": [file("image")]}, "image",
             {"link": "https://files.test/a", "caption": "c"}),
            ({"type": "media", "text": "", "media": [file("audio")]}, "audio", {"link": "https://files.test/a"}),
            ({"type": "media", "text": "c", "media": [file("document", filename="x.pdf")]}, "document",
             {"link": "https://files.test/a", "caption": "c", "filename": "x.pdf"}),
            ({"type": "button", "text": "Well?", "buttons": [choice("Yes", "y")], "header": "H", "footer": "F"},
             "interactive",
             {"type": "button", "body": {"text": "Well?"}, "header": {"type": "text", "text": "H"},
              "footer": {"text": "F"},
              "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]}}),
            ({"type": "button", "text": "Look", "buttons": [link("Open", "https://shop.test")]}, "interactive",
             {"type": "cta_url", "body": {"text": "Look"},
              "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://shop.test"}}}),
        ],
        ids=["text", "image", "audio", "document", "replies", "link"],
    )  # fmt: skip
    def test_says_each_kind_as_graph_takes_it(self, provider, fields, kind, content):
        outcome = send(outgoing(ANA, **fields))

        assert outcome == Sent("wamid.000000")
        [taken] = provider.sent
        assert (taken["to"], taken["type"], taken[kind]) == ("16505551234", kind, content)
        assert taken["biz_opaque_callback_data"] == "msg_abc"

    def test_goes_to_the_version_and_number_of_the_settings_with_the_token_in_a_header(self, settings):
        settings.GRAPH_VERSION = "v25.0"
        order = WHATSAPP.order(outgoing(ANA), SETTINGS)

        assert (order.method, order.path) == ("POST", f"/v25.0/{graph.NUMBER}/messages")
        assert order.headers == {"Authorization": f"Bearer {graph.TOKEN}"}
        assert order.secrets == [graph.TOKEN]

    def test_names_a_person_without_a_number_by_the_user_id(self, provider):
        send(outgoing(USER_ID))

        assert provider.sent[0]["recipient"] == USER_ID
        assert "to" not in provider.sent[0]

    def test_answers_a_message(self, provider):
        send(outgoing(ANA, reply_to="wamid.THEIRS"))

        assert provider.sent[0]["context"] == {"message_id": "wamid.THEIRS"}

    def test_is_the_same_for_every_attempt(self):
        assert WHATSAPP.order(outgoing(ANA), SETTINGS) == WHATSAPP.order(outgoing(ANA), SETTINGS)

    def test_lets_the_caller_add_what_only_whatsapp_has(self, provider):
        rows = [{"id": str(n), "title": f"Row {n}"} for n in range(10)]
        menu = {"type": "list", "body": {"text": "Pick"},
                "action": {"button": "Menu", "sections": [{"title": "S", "rows": rows}]}}  # fmt: skip
        send(outgoing(ANA, overrides={"text": {"preview_url": True}}))
        send(outgoing(ANA, overrides={"type": "interactive", "interactive": menu}))

        assert provider.sent[0]["text"] == {"body": "Hello", "preview_url": True}
        assert provider.sent[1]["interactive"] == menu
        assert "text" not in provider.sent[1]

    @pytest.mark.parametrize("name", sorted(WHATSAPP.ours))
    def test_lets_nobody_change_whom_it_goes_to_or_what_it_is_known_by(self, name):
        message = outgoing(ANA, overrides={name: "other"})

        assert wrong(message) == {(f"overrides.whatsapp.{name}", "not_allowed")}
        assert WHATSAPP.order(message, SETTINGS).json == WHATSAPP.order(outgoing(ANA), SETTINGS).json


class TestTaken:
    def test_tells_what_else_the_recipient_is_called(self, provider):
        provider.wa_ids["5511987654321"] = "551187654321"

        assert send(outgoing("+5511987654321")) == Sent("wamid.000000", ("+551187654321",))
        assert provider.sent[0]["to"] == "5511987654321"

    @pytest.mark.parametrize(
        "said", [b"", b"{", b"[]", {}, {"messages": []}, {"messages": [{}]}, {"messages": [7], "contacts": [7]}]
    )
    def test_is_sent_for_all_that_is_known_when_the_answer_says_nothing(self, said):
        assert WHATSAPP.judge(answered(200, said), outgoing(ANA)) == Sent("")

    @pytest.mark.parametrize("state", ["held_for_quality_assessment", "paused"])
    def test_counts_what_meta_holds_back_as_taken(self, state):
        said = {"messages": [{"id": "wamid.A", "message_status": state}]}

        assert WHATSAPP.judge(answered(200, said), outgoing(ANA)) == Sent("wamid.A")


class TestLimits:
    @pytest.mark.parametrize(
        ("fields", "problems"),
        [
            ({"text": "x" * 4096}, set()),
            ({"text": "x" * 4097}, {("text", "too_long")}),
            ({"type": "button", "buttons": FOUR[:3]}, set()),
            ({"type": "button", "buttons": FOUR}, {("button.buttons", "too_many")}),
            ({"type": "button", "buttons": [choice("x" * 21, "a")]}, {("button.buttons.0.title", "too_long")}),
            ({"type": "button", "buttons": [choice("a", "é" * 129)]}, {("button.buttons.0.id", "too_long")}),
            ({"type": "button", "buttons": [choice("a", "1"), choice("a", "2")]},
             {("button.buttons.1.title", "duplicate")}),
            ({"type": "button", "buttons": [choice("a", "1"), link("b", "https://b.test")]},
             {("button.buttons", "unsupported_by_channel")}),
            ({"type": "button", "text": "x" * 1025, "buttons": FOUR[:1], "header": "x" * 61, "footer": "x" * 61},
             {("button.text", "too_long"), ("button.header", "too_long"), ("button.footer", "too_long")}),
            ({"type": "media", "text": "x" * 1025, "media": [file("image")]}, {("media.caption", "too_long")}),
            ({"type": "media", "text": "x", "media": [file("audio")]}, {("media.caption", "unsupported_by_channel")}),
            ({"type": "media", "text": "", "media": [file("image", content_type="image/webp")]},
             {("media.url", "unsupported_media_type")}),
            ({"type": "media", "text": "", "media": [file("video", size=16 * 1024 * 1024 + 1)]},
             {("media.url", "too_large")}),
            ({"type": "media", "text": "", "media": [file("image"), file("image")]}, {("attachments", "too_many")}),
        ],
    )  # fmt: skip
    def test_are_told_before_anything_is_sent(self, fields, problems):
        assert wrong(outgoing(ANA, **fields)) == problems

    @pytest.mark.parametrize("code", ["123456"])
    def test_codes_are_for_phone_numbers_only(self, code):
        components = [{"type": "BODY", "text": "{{1}} is your code"}]
        template = Template("code", "en", "authentication", {"1": code}, components)

        assert wrong(outgoing(USER_ID, type="template", template=template)) == {("recipient_id", "invalid_recipient")}
        assert wrong(outgoing(ANA, type="template", template=template)) == set()
