"""LINE: what is sent, what its answers mean, which callbacks are genuine and what each kind says."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from inboxes.channels import limits
from inboxes.channels.incoming import Consent, Edited, IncomingFile, Place, Reacted, Said
from inboxes.channels.line import Line
from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from tests.providers import line as fake
from tests.providers.words import answered, asked, called, choice, file, link, names_of, outgoing, recorded, told

LINE = Line()
SETTINGS = {"channel_access_token": fake.TOKEN, "channel_secret": fake.SECRET, "bot_user_id": fake.ACCOUNT}
URL = "https://dexra.test/inbound/line/abc"
WRITTEN_AT = datetime(2025, 6, 8, 20, 59, 43, 123000, tzinfo=UTC)
TWO = [choice("Yes", "y"), link("See", "https://shop.test")]


@pytest.fixture
def provider(settings):
    with fake.Line() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "line": running.base, "line_data": running.base}
        yield running


def send(message, settings=SETTINGS):
    return LINE.judge(asked(LINE.order(message, settings)), message)


def messages_of(message):
    return LINE.order(message, SETTINGS).json["messages"]


def one(name):
    [incoming] = told(LINE, SETTINGS, "line", name)
    return incoming


class TestSetUp:
    def test_the_account_says_who_it_is(self, provider):
        checked = LINE.judge_check(asked(LINE.check_order(SETTINGS)), SETTINGS)

        assert checked.problem is None
        assert checked.facts == {"bot_user_id": fake.ACCOUNT, "bot_name": "Shop"}

    def test_a_wrong_token_is_named(self, provider):
        wrong = {**SETTINGS, "channel_access_token": "wrong"}
        problem = LINE.judge_check(asked(LINE.check_order(wrong)), wrong).problem

        assert (problem.field, problem.code) == ("settings.channel_access_token", "channel_auth_failed")

    def test_an_outage_is_no_wrong_token(self):
        assert LINE.judge_check(answered(500), SETTINGS).problem.code == "provider_unavailable"

    def test_line_learns_where_to_call(self, provider):
        assert LINE.judge_register(asked(LINE.register_order(SETTINGS, URL))) == ""
        assert provider.endpoint == URL

    def test_why_it_refuses_a_callback_is_told(self, provider):
        reply = asked(LINE.register_order(SETTINGS, "http://dexra.test"))

        assert LINE.judge_register(reply) == "Invalid webhook endpoint URL"

    def test_secrets_are_masked(self):
        shown = str(LINE.shown(SETTINGS))

        assert fake.TOKEN not in shown
        assert fake.SECRET not in shown


@pytest.mark.parametrize(
    ("given", "address"),
    [(fake.PERSON, fake.PERSON), (f" {fake.PERSON} ", fake.PERSON), ("C" + "a" * 32, "C" + "a" * 32), ("U123", None),
     (fake.PERSON.upper(), None), ("", None), ("+81312345678", None)],
)  # fmt: skip
def test_addresses_are_lines_own(given, address):
    assert LINE.address(given, SETTINGS) == address


class TestOrder:
    def test_a_push_with_a_key_that_makes_it_once(self):
        message = outgoing(fake.PERSON, "こんにちは")
        order = LINE.order(message, SETTINGS)

        assert (order.method, order.path) == ("POST", "/v2/bot/message/push")
        assert order.headers["X-Line-Retry-Key"] == str(message.retry_key)
        assert order.headers["Authorization"] == f"Bearer {fake.TOKEN}"
        assert order.json == {"to": fake.PERSON, "messages": [{"type": "text", "text": "こんにちは"}]}
        assert fake.TOKEN in order.secrets

    def test_a_caption_follows_its_picture(self):
        picture = "https://files.test/a"

        assert messages_of(outgoing(fake.PERSON, "Look", type="media", media=[file("image")])) == [
            {"type": "image", "originalContentUrl": picture, "previewImageUrl": picture},
            {"type": "text", "text": "Look"},
        ]

    def test_few_buttons_stay_in_the_chat(self):
        [said] = messages_of(outgoing(fake.PERSON, "Go?", type="button", buttons=TWO))

        assert (said["type"], said["altText"]) == ("template", "Go?")
        assert said["template"]["actions"] == [
            {"type": "postback", "label": "Yes", "data": "y\nYes", "displayText": "Yes"},
            {"type": "uri", "label": "See", "uri": "https://shop.test"},
        ]

    @pytest.mark.parametrize(
        ("text", "count"), [("Go?", 5), ("Go?", 13), ("a" * 161, 2), ("\N{GRINNING FACE}" * 81, 2)]
    )
    def test_many_buttons_and_long_words_become_quick_replies(self, text, count):
        buttons = [choice(f"Title {n}", f"id{n}") for n in range(count)]
        [said] = messages_of(outgoing(fake.PERSON, text, type="button", buttons=buttons))

        assert said["text"] == text
        assert len(said["quickReply"]["items"]) == count

    def test_the_longest_id_fits_with_its_title(self):
        [said] = messages_of(outgoing(fake.PERSON, "Go?", type="button", buttons=[choice("T" * 20, "i" * 256)]))

        assert len(said["template"]["actions"][0]["data"]) <= 300

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"text": "a" * 5001}, ["text"]),
            ({"type": "media", "media": [file("image", "http://files.test/a")]}, ["media.url"]),
            ({"type": "media", "media": [file("image", "http://127.0.0.1/a", path="of/ours")]}, []),
            ({"type": "media", "media": [file("video")]}, ["media.type"]),
            ({"type": "media", "media": [file("image")] * 5}, ["attachments"]),
            ({"type": "button", "buttons": [choice(f"T{n}", str(n)) for n in range(14)]}, ["button.buttons"]),
            ({"type": "button", "buttons": [*TWO[:1], *(link(f"L{n}", "https://a.test") for n in range(13))]},
             ["button.buttons"]),
            ({"type": "button", "buttons": [link("See", "https://a.test/" + "b" * 1000)]}, ["button.buttons.0.url"]),
            ({"type": "button", "buttons": [choice("T" * 21, "a")]}, ["button.buttons.0.title"]),
            ({"overrides": {"to": "U1", "messages": []}}, ["overrides.line.to", "overrides.line.messages"]),
        ],
    )  # fmt: skip
    def test_what_line_would_refuse_is_named_before(self, fields, wrong):
        found = limits.problems_of(LINE, outgoing(fake.PERSON, **{"text": "Hello", **fields}), SETTINGS)

        assert [problem.field for problem in found] == wrong

    def test_the_callers_own_fields_never_change_the_recipient(self):
        message = outgoing(fake.PERSON, overrides={"notificationDisabled": True, "to": "U1"})

        said = LINE.order(message, SETTINGS).json
        assert (said["to"], said["notificationDisabled"]) == (fake.PERSON, True)


class TestAnswers:
    @pytest.mark.parametrize(
        "fields",
        [
            {"text": "Hi"},
            {"type": "button", "buttons": TWO},
            {"type": "button", "buttons": [choice(f"T{n}", str(n)) for n in range(13)]},
            {"type": "button", "buttons": [choice("T" * 20, "é" * 128)]},
            {"type": "media", "media": [file("image")] * 4},
        ],
    )
    def test_line_takes_what_we_say(self, provider, fields):
        message = outgoing(fake.PERSON, **fields)

        assert limits.problems_of(LINE, message, SETTINGS) == []
        assert send(message) == Sent("461230966842064897")

    def test_sent_again_it_arrived_once(self, provider):
        message = outgoing(fake.PERSON)

        assert send(message) == send(message) == Sent("461230966842064897")
        assert len(provider.pushed) == 1

    def test_a_wrong_token_disconnects(self, provider):
        outcome = send(outgoing(fake.PERSON), {**SETTINGS, "channel_access_token": "wrong"})

        assert (outcome.code, outcome.disconnects) == ("channel_auth_failed", True)

    def test_whoever_is_no_friend_cannot_be_reached(self, provider):
        assert send(outgoing(fake.NOBODY)).code == "recipient_not_reachable"

    def test_an_address_that_is_none_is_named(self, provider):
        assert send(outgoing("U1")).code == "invalid_recipient"

    def test_what_is_refused_is_told_in_lines_words(self, provider):
        outcome = send(outgoing(fake.PERSON, "a" * 5001))

        assert outcome == Rejected(
            "invalid_for_provider",
            "The request body has 1 error(s); messages[0].text: Length must be between 0 and 5000",
            "400",
        )

    def test_a_picture_at_no_address_is_refused(self, provider):
        message = outgoing(fake.PERSON, "", type="media", media=[file("image", "http://files.test/a")])

        assert send(message).code == "media_refused"

    @pytest.mark.parametrize(
        ("reply", "outcome"),
        [
            (answered(429, {"message": "You have reached your monthly limit."}),
             Rejected("account_restricted", "You have reached your monthly limit.", "429", disconnects=True)),
            (answered(429, {"message": "The API rate limit has been exceeded. Try again later."}, retry_after="2"),
             Deferred("rate_limited", "The API rate limit has been exceeded. Try again later.", "429", 2.0, "account")),
            (answered(403, {"message": "Access to this API is not available for your account"}),
             Rejected("account_restricted", "Access to this API is not available for your account", "403",
                      disconnects=True)),
            (answered(500, {"message": "Internal server error"}), Uncertain(detail="Internal server error")),
            (answered(200, b"{"), Sent("")),
            (answered(409, {"message": "The retry key is already accepted"}), Sent("")),
            (answered(413, b""), Rejected("invalid_for_provider", "HTTP 413", "413")),
        ],
    )  # fmt: skip
    def test_every_status_has_a_meaning(self, reply, outcome):
        assert LINE.judge(reply, outgoing(fake.PERSON)) == outcome


class TestDoor:
    def signed(self, name):
        return fake.signed(URL, json.loads(recorded("line", name))).read

    @pytest.mark.parametrize("name", names_of("line"))
    def test_what_is_signed_is_lines(self, name):
        assert LINE.recognises(self.signed(name), SETTINGS)
        assert LINE.concerns(self.signed(name), SETTINGS)

    def test_whatever_is_changed_breaks_it(self):
        callback = self.signed("text")

        assert not LINE.recognises(replace(callback, body=callback.body + b" "), SETTINGS)
        assert not LINE.recognises(replace(callback, headers={}), SETTINGS)
        assert not LINE.recognises(replace(callback, headers={"x-line-signature": "☃"}), SETTINGS)
        assert not LINE.recognises(callback, {**SETTINGS, "channel_secret": "another"})

    def test_a_callback_to_another_account_is_none_of_ours(self):
        assert not LINE.concerns(self.signed("text"), {**SETTINGS, "bot_user_id": "U" + "c" * 32})
        assert LINE.concerns(self.signed("text"), {**SETTINGS, "bot_user_id": ""})

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{}",
            b'{"events":[7]}',
            b'{"events":[{"source":{"type":"user"}}]}',
            b'{"events":[{"type":"message","source":{"type":"user","userId":"U"}}]}',
        ],
    )
    def test_what_is_no_callback_of_lines_is_refused(self, body):
        with pytest.raises(ValueError, match=r".+"):
            LINE.read(called(body), SETTINGS)


class TestRead:
    def test_a_text(self):
        said = one("text")

        assert (said.id, said.text, said.at) == ("444573844083572737", "こんにちは $ 😀", WRITTEN_AT)
        assert said.sender.address == fake.PERSON

    def test_an_answer_names_what_it_answers(self):
        assert one("reply").reply_to == "444573844083572700"

    def test_several_events_come_in_their_order(self):
        assert [said.text for said in told(LINE, SETTINGS, "line", "two")] == ["one", "two"]

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("image", IncomingFile("image", "354718705033693859", content_type="image/jpeg")),
            ("image_elsewhere", IncomingFile("image", "https://files.test/a.jpg", content_type="image/jpeg")),
            ("video", IncomingFile("video", "325708", content_type="video/mp4")),
            ("audio", IncomingFile("audio", "325709", content_type="audio/mp4")),
            ("file", IncomingFile("file", "325710", "fatura.pdf")),
        ],
    )
    def test_files(self, name, file):
        assert one(name).files == [file]

    def test_a_place(self):
        assert one("location").places == [Place(38.7223, -9.1393, "Café Central", "Rua A 1, Lisboa")]

    @pytest.mark.parametrize("name", ["sticker", "beacon"])
    def test_what_has_no_place_here_is_kept(self, name):
        assert (one(name).unsupported, bool(one(name).raw)) == (name, True)

    def test_a_button_of_ours_says_its_id_and_its_title(self):
        assert (one("postback").choice, one("postback").text) == ("yes", "Yes, send it")

    def test_one_of_the_consoles_menu_says_its_data(self):
        assert one("postback_of_menu").choice == one("postback_of_menu").text == "action=prices"

    def test_what_is_taken_back_is_named(self):
        taken = one("unsend")

        assert isinstance(taken, Edited)
        assert (taken.target, taken.deleted) == ("444573844083572737", True)

    @pytest.mark.parametrize(
        ("name", "address", "given"),
        [("follow", fake.PERSON, True), ("unfollow", fake.PERSON, False), ("join", "C" + "a" * 32, True),
         ("leave", "C" + "a" * 32, False)],
    )  # fmt: skip
    def test_friends_come_and_go(self, name, address, given):
        assert one(name) == Consent(address, given, at=WRITTEN_AT)

    def test_a_group_is_answered_as_a_group(self):
        assert one("group_text").sender.address == "C" + "a" * 32

    @pytest.mark.parametrize("name", ["verify", "account_wide"])
    def test_what_is_of_nobody_says_nothing(self, name):
        assert told(LINE, SETTINGS, "line", name) == []

    def test_no_two_events_have_the_same_id(self):
        every = [each for name in names_of("line") for each in told(LINE, SETTINGS, "line", name)]
        ids = [each.id for each in every if isinstance(each, Said | Edited | Reacted)]

        assert len(ids) == len(set(ids)) > 14


class TestFiles:
    def test_content_lies_on_a_host_of_its_own(self, provider):
        provider.content["354718705033693859"] = b"JPEG"
        order = LINE.file_order(one("image").files[0], SETTINGS)

        assert order.provider == "line_data"
        assert asked(order).body == b"JPEG"

    def test_elsewhere_our_token_is_not_told(self):
        order = LINE.file_order(one("image_elsewhere").files[0], SETTINGS)

        assert (order.url, order.headers) == ("https://files.test/a.jpg", {})
