"""Telegram as python-telegram-bot, which knows nothing of us, reads and writes it."""

import asyncio
import json

import pytest
import telegram as library
from telegram.request import BaseRequest

from inboxes.channels.incoming import Said
from inboxes.channels.telegram import Telegram
from tests.providers import telegram as fake
from tests.providers.words import choice, file, link, names_of, outgoing, recorded, told

TELEGRAM = Telegram()
SETTINGS = {"bot_token": fake.TOKEN, "callback_secret": "s"}
MESSAGE = {"message_id": 1, "date": 1, "chat": {"id": 42, "type": "private"}}


class Recorder(BaseRequest):
    """Takes what the library would have sent."""

    read_timeout = 1.0

    def __init__(self):
        self.calls = []

    async def initialize(self):
        """There is nothing to open."""

    async def shutdown(self):
        """There is nothing to close."""

    async def do_request(self, url, method, request_data=None, *_, **__):
        """Write a call down, and answer as Telegram does."""
        self.calls.append((url.rpartition("/")[2], dict(request_data.parameters)))
        result = [MESSAGE, MESSAGE] if url.endswith("Group") else MESSAGE
        return 200, json.dumps({"ok": True, "result": result}).encode()


def as_the_library_says(call):
    recorder = Recorder()
    asyncio.run(call(library.Bot(fake.TOKEN, request=recorder)))
    [said] = recorder.calls
    return said


def as_we_say(message):
    order = TELEGRAM.order(message, SETTINGS)
    return order.path.rpartition("/")[2], order.json


KEYBOARD = library.InlineKeyboardMarkup(
    [
        [library.InlineKeyboardButton("Yes", callback_data="y")],
        [library.InlineKeyboardButton("See", url="https://shop.test")],
    ]
)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        pytest.param(outgoing("42", "Hi"), lambda bot: bot.send_message(42, "Hi"), id="text"),
        pytest.param(
            outgoing("42", "Hi", reply_to="42:7"),
            lambda bot: bot.send_message(
                42, "Hi", reply_parameters=library.ReplyParameters(7, allow_sending_without_reply=True)
            ),
            id="an answer",
        ),
        pytest.param(
            outgoing("42", "Go?", type="button", buttons=[choice("Yes", "y"), link("See", "https://shop.test")]),
            lambda bot: bot.send_message(42, "Go?", reply_markup=KEYBOARD),
            id="buttons",
        ),
        pytest.param(
            outgoing("42", "Look", type="media", media=[file("image")]),
            lambda bot: bot.send_photo(42, "https://files.test/a", caption="Look"),
            id="a picture",
        ),
        pytest.param(
            outgoing("42", "", type="media", media=[file("audio", content_type="audio/ogg")]),
            lambda bot: bot.send_voice(42, "https://files.test/a"),
            id="a voice",
        ),
        pytest.param(
            outgoing("42", "", type="media", media=[file("document")]),
            lambda bot: bot.send_document(42, "https://files.test/a"),
            id="a document",
        ),
    ],
)
def test_we_say_what_it_says(message, call):
    assert as_we_say(message) == as_the_library_says(call)


def test_our_album_is_its_album():
    pictures = [
        library.InputMediaPhoto("https://files.test/a", caption="Both"),
        library.InputMediaPhoto("https://b.test/b"),
    ]
    message = outgoing("42", "Both", type="media", media=[file("image"), file("image", "https://b.test/b")])

    method, said = as_the_library_says(lambda bot: bot.send_media_group(42, pictures))
    ours = as_we_say(message)

    assert ours[0] == method
    for mine, its in zip(ours[1]["media"], said["media"], strict=True):
        assert mine.items() <= (its if isinstance(its, dict) else its.to_dict()).items()


@pytest.mark.parametrize("name", names_of("telegram"))
def test_it_reads_every_recorded_update(name):
    body = json.loads(recorded("telegram", name))

    update = library.Update.de_json(body, library.Bot(fake.TOKEN))

    assert update.effective_chat is not None or update.effective_user is not None
    assert not update.api_kwargs
    for said in told(TELEGRAM, SETTINGS, "telegram", name):
        if isinstance(said, Said) and update.message:
            message = update.message
            assert said.sender.address == str(message.chat.id)
            assert said.id == f"{message.chat.id}:{message.message_id}"
            assert said.at == message.date
            assert said.text == (message.text or message.caption or (message.sticker.emoji if message.sticker else ""))
            assert bool(said.files) is bool(message.effective_attachment and file_of(message))


def file_of(message):
    """Return what the library takes for the file of a message, if it is one."""
    attached = message.effective_attachment
    return attached if isinstance(attached, list | tuple) or hasattr(attached, "file_id") else None
