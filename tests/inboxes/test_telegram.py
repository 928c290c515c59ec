"""Telegram, outwards: settings, addresses, what is sent, and what its answers mean."""

import pytest

from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from inboxes.channels.telegram import Telegram
from inboxes.transport import http
from tests.providers import telegram as fake
from tests.providers.server import reset
from tests.providers.words import answered, asked, choice, file, link, outgoing

TELEGRAM = Telegram()
SETTINGS = {"bot_token": fake.TOKEN, "callback_secret": "s" * 43}
CALLBACK_URL = "https://dexra.test/inbound/telegram/abc"
LONG_ID = "é" * 100


@pytest.fixture
def provider(settings):
    with fake.Telegram() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": running.base}
        yield running


def send(message):
    return TELEGRAM.judge(asked(TELEGRAM.order(message, SETTINGS)), message)


class TestSettings:
    def test_a_secret_for_callbacks_is_made_once(self):
        made = TELEGRAM.completed({"bot_token": fake.TOKEN})

        assert len(made["callback_secret"]) == 43
        assert TELEGRAM.completed(made) == made

    @pytest.mark.parametrize("token", ["", "123", "12:a/../b", "12:a b", "x:abc", "12:abc?d"])
    def test_a_token_that_could_not_be_one_is_refused(self, token):
        found = TELEGRAM.problems({"bot_token": token}) + TELEGRAM.lacking({"bot_token": token})

        assert [problem.field for problem in found] == ["settings.bot_token"]

    def test_the_callback_secret_cannot_be_set(self):
        assert [problem.code for problem in TELEGRAM.problems({"callback_secret": "x"})] == ["read_only"]

    def test_secrets_are_masked(self):
        shown = str(TELEGRAM.shown(SETTINGS))

        assert fake.TOKEN not in shown
        assert SETTINGS["callback_secret"] not in shown


class TestSetUp:
    def test_the_bot_says_who_it_is(self, provider):
        checked = TELEGRAM.judge_check(asked(TELEGRAM.check_order(SETTINGS)), SETTINGS)

        assert checked.problem is None
        assert checked.facts == {"bot_username": "shop_bot"}

    def test_a_wrong_token_is_named(self, provider):
        wrong = {"bot_token": "1:wrong"}
        checked = TELEGRAM.judge_check(asked(TELEGRAM.check_order(wrong)), wrong)

        assert (checked.problem.field, checked.problem.code) == ("settings.bot_token", "channel_auth_failed")

    def test_an_outage_is_not_taken_for_a_wrong_token(self):
        assert TELEGRAM.judge_check(answered(502, b"<html>"), SETTINGS).problem.code == "provider_unavailable"

    def test_telegram_learns_where_and_how_to_call(self, provider):
        reply = asked(TELEGRAM.register_order(SETTINGS, CALLBACK_URL))

        assert TELEGRAM.judge_register(reply) == ""
        assert provider.webhook["url"] == CALLBACK_URL
        assert provider.webhook["secret_token"] == SETTINGS["callback_secret"]
        assert set(provider.webhook["allowed_updates"]) == {
            "message", "edited_message", "callback_query", "message_reaction", "my_chat_member"
        }  # fmt: skip

    def test_why_it_refuses_a_callback_is_told(self, provider):
        reply = asked(TELEGRAM.register_order(SETTINGS, "http://dexra.test/x"))

        assert "HTTPS" in TELEGRAM.judge_register(reply)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("42", "42"),
        (" 42 ", "42"),
        ("0042", "42"),
        ("-1001234567890", "-1001234567890"),
        ("@shop_news", "@shop_news"),
        *((wrong, None) for wrong in ("", "0", "+14155552671", "ana", "@a", "9" * 19, "٤٢", "42:7")),
    ],
)
def test_addresses_are_chats(given, address):
    assert TELEGRAM.address(given, SETTINGS) == address


class TestOrder:
    def test_a_text_goes_as_it_is(self):
        order = TELEGRAM.order(outgoing("42", "5 < 6 & *7*"), SETTINGS)

        assert (order.method, order.path) == ("POST", f"/bot{fake.TOKEN}/sendMessage")
        assert order.json == {"chat_id": 42, "text": "5 < 6 & *7*"}
        assert fake.TOKEN in order.secrets

    @pytest.mark.parametrize(
        ("media", "method", "said"),
        [
            (file("image"), "sendPhoto", "photo"),
            (file("image", content_type="image/gif"), "sendAnimation", "animation"),
            (file("video"), "sendVideo", "video"),
            (file("audio"), "sendAudio", "audio"),
            (file("audio", content_type="audio/ogg"), "sendVoice", "voice"),
            (file("document"), "sendDocument", "document"),
        ],
    )
    def test_files_go_by_their_kind(self, media, method, said):
        order = TELEGRAM.order(outgoing("42", "Look", type="media", media=[media]), SETTINGS)

        assert order.path.endswith(f"/{method}")
        assert order.json == {"chat_id": 42, said: "https://files.test/a", "caption": "Look"}

    def test_several_files_are_an_album(self):
        order = TELEGRAM.order(outgoing("42", "Both", type="media", media=[file("image"), file("video")]), SETTINGS)

        assert order.path.endswith("/sendMediaGroup")
        assert [each["type"] for each in order.json["media"]] == ["photo", "video"]
        assert [each.get("caption") for each in order.json["media"]] == ["Both", None]

    def test_buttons_are_a_keyboard_below(self):
        message = outgoing("42", type="button", buttons=[choice("Yes", "y"), link("See", "https://shop.test")])

        assert TELEGRAM.order(message, SETTINGS).json["reply_markup"] == {
            "inline_keyboard": [
                [{"text": "Yes", "callback_data": "y"}],
                [{"text": "See", "url": "https://shop.test"}],
            ]
        }

    @pytest.mark.parametrize(
        ("reply_to", "answers"),
        [
            ("42:7", {"message_id": 7, "allow_sending_without_reply": True}),
            ("43:7", None),
            ("callback:9", None),
            ("", None),
        ],
    )
    def test_an_answer_names_the_message_of_the_same_chat(self, reply_to, answers):
        assert TELEGRAM.order(outgoing("42", reply_to=reply_to), SETTINGS).json.get("reply_parameters") == answers

    def test_the_callers_own_fields_go_along_but_never_the_recipient(self):
        message = outgoing("42", overrides={"disable_notification": True, "chat_id": 43})

        said = TELEGRAM.order(message, SETTINGS).json
        assert said == {"chat_id": 42, "text": "Hello", "disable_notification": True}
        assert [problem.field for problem in TELEGRAM.problems_of(message, SETTINGS)] == ["overrides.telegram.chat_id"]

    @pytest.mark.parametrize(
        ("fields", "is_fine"),
        [
            ({"media": [file("image"), file("video")]}, True),
            ({"media": [file("document"), file("document")]}, True),
            ({"media": [file("image"), file("document")]}, False),
            ({"media": [file("image"), file("image")], "buttons": [choice("a", "a")]}, False),
        ],
    )
    def test_only_what_goes_together_is_put_together(self, fields, is_fine):
        assert (TELEGRAM.problems_of(outgoing("42", type="media", **fields), SETTINGS) == []) is is_fine


class TestLongButtonIds:
    def data_of(self, button_id):
        order = TELEGRAM.order(outgoing("42", type="button", buttons=[choice("A", button_id)]), SETTINGS)
        return order.json["reply_markup"]["inline_keyboard"][0][0]["callback_data"]

    @pytest.mark.parametrize("button_id", ["a" * 64, "é" * 32, "yes"])
    def test_what_fits_into_64_bytes_goes_as_it_is(self, button_id):
        assert self.data_of(button_id) == button_id

    @pytest.mark.parametrize("button_id", ["a" * 65, "é" * 33, LONG_ID, "id:abc"])
    def test_what_does_not_fit_comes_back_all_the_same(self, button_id):
        data = self.data_of(button_id)

        assert len(data.encode()) <= 64
        assert data != button_id
        assert TELEGRAM.chosen(data, ["no", LONG_ID + "x", button_id]) == button_id

    def test_nobody_can_choose_what_was_not_offered(self):
        data = self.data_of(LONG_ID)

        assert TELEGRAM.chosen(data, ["yes", "no"]) == data

    def test_telegram_takes_it(self, provider):
        assert isinstance(send(outgoing("42", type="button", buttons=[choice("A", LONG_ID)])), Sent)


class TestAnswers:
    def test_a_message_is_known_by_its_chat_and_number(self, provider):
        assert send(outgoing("42")) == Sent("42:100")
        assert send(outgoing("42", media=[file("image"), file("image")])) == Sent("42:101")

    def test_a_chat_called_by_name_gives_its_number_away(self):
        result = {"ok": True, "result": {"message_id": 7, "chat": {"id": -100}}}

        assert TELEGRAM.judge(answered(200, result), outgoing("@news")) == Sent("-100:7", ("-100",))

    def test_whoever_stopped_the_bot_gets_nothing_more(self, provider):
        provider.blocked.add(42)

        outcome = send(outgoing("42"))
        assert (outcome.code, outcome.suppresses) == ("opted_out", "all")

    def test_whoever_never_began_cannot_be_reached_yet(self, provider):
        provider.unknown.add(42)

        outcome = send(outgoing("42"))
        assert (outcome.code, outcome.suppresses) == ("recipient_not_reachable", "")

    def test_an_upgraded_group_is_found_where_it_moved(self, provider):
        provider.moved[-5] = -1005

        outcome = send(outgoing("-5"))
        assert isinstance(outcome, Deferred)
        assert (outcome.address, outcome.counts) == ("-1005", False)

    @pytest.mark.parametrize(("address", "pauses"), [("42", "account"), ("-5", "recipient")])
    def test_it_is_left_alone_for_as_long_as_it_asks(self, provider, address, pauses):
        provider.meets(fake.too_many(14))

        outcome = send(outgoing(address))
        assert isinstance(outcome, Deferred)
        assert (outcome.code, outcome.seconds, outcome.pauses) == ("rate_limited", 14, pauses)

    def test_a_token_that_was_revoked_disconnects(self, provider):
        provider.token = "9:other"

        outcome = send(outgoing("42"))
        assert (outcome.code, outcome.disconnects) == ("channel_auth_failed", True)

    def test_a_reset_is_no_answer_to_be_judged(self, provider):
        provider.meets(reset(), taken=True)

        assert http.ask(TELEGRAM.order(outgoing("42"), SETTINGS), livemode=True).kind == "ambiguous"

    @pytest.mark.parametrize(
        ("code", "words", "ours", "suppresses"),
        [
            (403, "Forbidden: user is deactivated", "recipient_not_reachable", "all"),
            (403, "Forbidden: bot was kicked from the supergroup chat", "recipient_not_reachable", "all"),
            (403, "Forbidden: bot can't initiate conversation with a user", "recipient_not_reachable", ""),
            (403, "Forbidden: something new", "recipient_not_reachable", ""),
            (400, "Bad Request: chat not found", "recipient_not_reachable", ""),
            (400, "Bad Request: PEER_ID_INVALID", "invalid_recipient", ""),
            (400, "Bad Request: message is too long", "invalid_for_provider", ""),
            (400, "Bad Request: message text is empty", "invalid_for_provider", ""),
            (400, "Bad Request: BUTTON_DATA_INVALID", "invalid_for_provider", ""),
            (400, "Bad Request: can't parse entities: unclosed", "invalid_for_provider", ""),
            (400, "Bad Request: wrong file identifier/HTTP URL specified", "media_refused", ""),
            (400, "Bad Request: failed to get HTTP URL content", "media_refused", ""),
            (400, "Bad Request: PHOTO_INVALID_DIMENSIONS", "media_refused", ""),
            (413, "Request Entity Too Large", "invalid_for_provider", ""),
        ],
    )
    def test_refusals_are_told_apart_by_their_words(self, code, words, ours, suppresses):
        outcome = TELEGRAM.judge(
            answered(code, {"ok": False, "error_code": code, "description": words}), outgoing("42")
        )

        assert outcome == Rejected(ours, words, str(code), suppresses)

    @pytest.mark.parametrize(
        ("reply", "outcome"),
        [
            pytest.param(answered(200, b"{half"), Sent(""), id="taken, and nobody knows its number"),
            pytest.param(answered(200, {"ok": True}), Sent(""), id="taken without a result"),
            pytest.param(answered(500, {"ok": False, "error_code": 500, "description": "restart"}),
                         Uncertain(detail="restart"), id="a restart"),
            pytest.param(answered(502, b"<html>"), Uncertain(detail="HTTP 502"), id="a gateway"),
            pytest.param(answered(302), Rejected("invalid_for_provider", "HTTP 302", "302"), id="a redirect"),
            pytest.param(answered(429, b"", retry_after="7"),
                         Deferred("rate_limited", "HTTP 429", "429", 7.0, "account"), id="429 by somebody on the way"),
        ],
    )  # fmt: skip
    def test_what_no_table_knows_is_told_by_its_status(self, reply, outcome):
        assert TELEGRAM.judge(reply, outgoing("42")) == outcome
