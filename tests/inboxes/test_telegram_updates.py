"""Telegram, inwards: which updates are genuine, and what each kind says."""

import json
from datetime import UTC, datetime

import pytest

from inboxes.channels.incoming import Card, Consent, Edited, IncomingFile, Moved, Place, Reacted, Said
from inboxes.channels.telegram import Telegram
from tests.providers import telegram as fake
from tests.providers.words import RECEIVED_AT, answered, asked, called, names_of, recorded, told

TELEGRAM = Telegram()
SETTINGS = {"bot_token": fake.TOKEN, "callback_secret": "the-secret_of-this-callback"}
WRITTEN_AT = datetime(2025, 6, 8, 20, 59, 43, tzinfo=UTC)


def one(name):
    [incoming] = told(TELEGRAM, SETTINGS, "telegram", name)
    return incoming


class TestDoor:
    @pytest.mark.parametrize(
        ("secret", "is_ours"), [(SETTINGS["callback_secret"], True), ("wrong", False), ("", False), ("ünïcode", False)]
    )
    def test_only_whoever_knows_the_secret_is_telegram(self, secret, is_ours):
        callback = called(recorded("telegram", "text"), headers={"x-telegram-bot-api-secret-token": secret})

        assert TELEGRAM.recognises(callback, SETTINGS) is is_ours

    def test_nobody_is_without_a_header_or_a_secret_of_ours(self):
        assert not TELEGRAM.recognises(called(b"{}"), SETTINGS)
        assert TELEGRAM.signature_of(called(b"{}"), SETTINGS) == ""
        nothing = called(b"{}", headers={"x-telegram-bot-api-secret-token": ""})
        assert not TELEGRAM.recognises(nothing, {"bot_token": fake.TOKEN})

    def test_the_update_of_another_bot_is_none_of_ours(self):
        body = recorded("telegram", "blocked")

        assert TELEGRAM.concerns(called(body), SETTINGS)
        assert not TELEGRAM.concerns(called(body), {**SETTINGS, "bot_token": "7:other"})

    def test_the_answer_is_empty_as_telegram_would_do_what_it_says(self):
        assert TELEGRAM.answer(called(b"{}")).body == b""

    def test_telegram_as_it_was_registered_is_recognised(self, settings):
        with fake.Telegram() as provider:
            settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": provider.base}
            asked(TELEGRAM.register_order(SETTINGS, "https://dexra.test/inbound/telegram/x"))
            callback = provider.update(json.loads(recorded("telegram", "text"))).read

        assert TELEGRAM.recognises(callback, SETTINGS)

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"{}", b"null", b"\xff", b'{"update_id":1,"message":[]}', b'{"update_id":1,"message":{"chat":7}}',
         b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"date":1e300}}', b"[" * 100_000],
    )  # fmt: skip
    def test_what_is_no_update_is_refused(self, body):
        with pytest.raises(ValueError, match=r".+"):
            TELEGRAM.read(called(body), SETTINGS)

    def test_an_update_of_a_kind_that_is_of_nobody_says_nothing(self):
        assert list(TELEGRAM.read(called(b'{"update_id":1,"poll":{"id":"9"}}'), SETTINGS)) == []


class TestMessages:
    def test_a_text(self):
        said = one("text")

        assert (said.id, said.text, said.at) == ("42:8", "Olá! 👋", WRITTEN_AT)
        assert (said.sender.address, said.sender.name, said.sender.language) == ("42", "Ana Lima", "pt-br")
        assert said.unsupported == ""

    def test_an_answer_names_what_it_answers(self):
        assert one("reply").reply_to == "42:101"

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("photo", IncomingFile("image", "AgACAgQAAxkBAAMX", content_type="image/jpeg")),
            ("document", IncomingFile("file", "BQACAgQAAxkBAAMD", "Fatura de março.pdf", "application/pdf")),
            ("video", IncomingFile("video", "BAACAgQAAxkBAAMV", content_type="video/mp4")),
            ("animation", IncomingFile("video", "CgACAgQAAxkBAAMA", "wave.mp4", "video/mp4")),
            ("video_note", IncomingFile("video", "DQACAgQAAxkBAAMN", content_type="video/mp4")),
            ("voice", IncomingFile("audio", "AwACAgQAAxkBAAMW", content_type="audio/ogg")),
            ("audio", IncomingFile("audio", "CQACAgQAAxkBAAMU", "song.mp3", "audio/mpeg")),
            ("sticker", IncomingFile("image", "CAACAgQAAxkBAAMK", content_type="image/webp")),
            ("sticker_animated", IncomingFile("file", "CAACAgQAAxkBAAML", content_type="application/x-tgsticker")),
        ],
    )
    def test_files(self, name, file):
        said = one(name)

        assert said.files == [file]
        assert said.unsupported == ""

    def test_words_come_with_a_picture_and_with_a_sticker(self):
        assert (one("photo").text, one("sticker").text) == ("This one", "😀")

    def test_an_album_is_several_messages(self):
        first, second = one("album_first"), one("album_second")

        assert first.id != second.id
        assert (first.text, second.text) == ("Two of them", "")

    def test_places(self):
        assert one("location").places == [Place(38.7223, -9.1393)]
        assert one("venue").places == [Place(38.7223, -9.1393, "Café Central", "Rua A 1, Lisboa")]

    def test_somebody_elses_card_says_nothing_of_whoever_sends_it(self):
        said = one("contact")

        assert said.cards == [Card("Rui Sousa", ["+351912345678"])]
        assert said.sender.phone_number == ""

    def test_ones_own_card_is_proof_of_ones_number(self):
        assert one("contact_own").sender.phone_number == "+351912345679"

    def test_ones_own_card_in_a_group_says_nothing_of_the_group(self):
        update = json.loads(recorded("telegram", "contact_own"))
        update["message"]["chat"] = {"id": -100777, "title": "Neighbours", "type": "supergroup"}
        [said] = TELEGRAM.read(called(json.dumps(update).encode()), SETTINGS)

        assert isinstance(said, Said)
        assert (said.sender.address, said.sender.phone_number) == ("-100777", "")

    @pytest.mark.parametrize("name", ["dice", "poll"])
    def test_what_has_no_place_here_is_kept(self, name):
        said = one(name)

        assert said.unsupported == name
        assert said.raw[name]

    def test_a_query_nobody_asked_for_is_kept_with_its_sender(self):
        said = one("shipping")

        assert (said.unsupported, said.sender.address) == ("shipping_query", "42")

    def test_a_group_is_answered_as_a_group(self):
        said = one("group")

        assert (said.sender.address, said.sender.name) == ("-1001234567890", "Buyers")

    def test_an_upgraded_group_has_moved(self):
        assert one("group_upgraded") == Moved("-12345", "-1001234567890")


class TestEverythingElse:
    def test_edits_name_what_they_change(self):
        edited = one("edited")

        assert isinstance(edited, Edited)
        assert (edited.target, edited.text, edited.deleted) == ("42:7", "Olá, tudo bem?", False)
        assert one("edited_caption").text == "That one"

    def test_somebody_who_walks_edits_nothing(self):
        assert told(TELEGRAM, SETTINGS, "telegram", "live_location") == []

    def test_a_button_is_its_choice_and_its_title(self):
        said = one("button")

        assert (said.id, said.choice, said.text) == ("callback:4382bfdwdsb323b2d9", "yes", "Yes, send it")
        assert (said.reply_to, said.at) == ("42:105", RECEIVED_AT)

    def test_a_button_of_an_old_message_has_lost_its_title(self):
        said = one("button_of_old_message")

        assert (said.choice, said.text, said.reply_to) == ("no", "no", "42:3")

    def test_a_reaction_is_put_and_taken_off(self):
        put, taken = one("reaction"), one("reaction_removed")

        assert isinstance(put, Reacted)
        assert (put.target, put.emoji, taken.emoji) == ("42:105", "👍", "")

    def test_stopping_the_bot_is_opting_out(self):
        assert one("blocked") == Consent("42", is_given=False, at=datetime(2025, 6, 8, 21, 3, 20, tzinfo=UTC))
        assert one("unblocked").is_given is True

    @pytest.mark.parametrize("name", names_of("telegram"))
    def test_the_same_update_says_the_same_again(self, name):
        assert told(TELEGRAM, SETTINGS, "telegram", name) == told(TELEGRAM, SETTINGS, "telegram", name)

    def test_no_two_updates_have_the_same_id(self):
        every = [one for name in names_of("telegram") for one in told(TELEGRAM, SETTINGS, "telegram", name)]
        ids = [each.id for each in every if isinstance(each, Said | Edited | Reacted)]

        assert len(ids) == len(set(ids)) > 25


class TestFollowingUp:
    def test_a_pressed_button_stops_spinning(self, settings):
        [order] = TELEGRAM.follow_up(called(recorded("telegram", "button")), SETTINGS)
        with fake.Telegram() as provider:
            settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": provider.base}
            asked(order)

        assert provider.answered == ["4382bfdwdsb323b2d9"]

    def test_nothing_else_asks_for_anything(self):
        assert list(TELEGRAM.follow_up(called(recorded("telegram", "text")), SETTINGS)) == []

    def test_a_file_is_asked_for_and_then_fetched(self, settings):
        with fake.Telegram() as provider:
            provider.files["BQAC"] = b"%PDF-"
            settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "telegram": provider.base}
            where = asked(TELEGRAM.file_order(IncomingFile("file", "BQAC"), SETTINGS))
            order = TELEGRAM.next_file_order(where, SETTINGS)
            content = asked(order)

        assert content.body == b"%PDF-"
        assert fake.TOKEN in order.secrets

    @pytest.mark.parametrize(
        "reply",
        [
            answered(400, {"ok": False, "error_code": 400, "description": "Bad Request: file is too big"}),
            answered(200, {"ok": True, "result": {"file_id": "a"}}),
            answered(200, {"ok": True, "result": {"file_path": "../../bot1:x/getMe"}}),
            answered(200, {"ok": True, "result": {"file_path": "a?b"}}),
            answered(502, b"<html>"),
        ],
    )
    def test_no_place_is_made_up_for_it(self, reply):
        with pytest.raises(ValueError, match=r".+"):
            TELEGRAM.next_file_order(reply, SETTINGS)
