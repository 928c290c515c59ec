"""Telegram: the Bot API."""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from core import crypto
from core.errors import Problem
from core.sentences import ended
from inboxes.channels import answers, telegram_answers, telegram_updates
from inboxes.channels.base import Channel, Checked, Setting
from inboxes.channels.capabilities import Buttons, Capabilities, MediaLimit, Rate
from inboxes.channels.incoming import Callback, Incoming, IncomingFile
from inboxes.channels.outcomes import Outcome
from inboxes.channels.outgoing import Button, HttpOrder, Media, Outgoing, Reply

MEGABYTE = 1024 * 1024
TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{1,100}", re.ASCII)
CHAT_ID = re.compile(r"-?\d{1,18}", re.ASCII)
CHAT_NAME = re.compile(r"@[A-Za-z]\w{3,31}", re.ASCII)
MOST_BYTES_OF_DATA = 64
STANDS_FOR = "id:"  # what the data of a button begins with whose id is too long to be its data
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")
FILE_PATH = re.compile(r"(?!.*\.\.)[\w./-]{1,400}", re.ASCII)

# Files by URL: Telegram fetches them, pictures up to 5 MB and others up to 20, documents of these types only.
BY_URL = {
    "image": MediaLimit(frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}), 5 * MEGABYTE),
    "video": MediaLimit(frozenset({"video/mp4"}), 20 * MEGABYTE),
    "audio": MediaLimit(frozenset({"audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/ogg"}), 20 * MEGABYTE),
    "document": MediaLimit(frozenset({"application/pdf", "application/zip"}), 20 * MEGABYTE),
}
METHODS = {"image": "photo", "video": "video", "audio": "audio", "document": "document"}
METHODS_BY_TYPE = {"image/gif": "animation", "audio/ogg": "voice"}
MOST_IN_AN_ALBUM = 10


class Telegram(Channel):
    """A bot that people write to."""

    kind: ClassVar[str] = "telegram"
    ours: ClassVar[frozenset[str]] = frozenset({"chat_id"})
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("bot_token", is_secret=True, is_needed=True, longest=128),
        Setting("callback_secret", is_secret=True, is_ours=True),
        Setting("bot_username", is_ours=True, is_account=True),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        longest_text=4096,
        longest_caption=1024,
        media=BY_URL,
        most_files=MOST_IN_AN_ALBUM,
        buttons=Buttons(100, 100, mixes=True, longest_title=128, longest_id=256, longest_text=4096),
        recipients=frozenset({"native"}),
        person_writes_first=True,
        account_rate=Rate(25, 25),
        recipient_rate=Rate(1, 3),
    )
    is_carried: ClassVar[bool] = True
    has_callback: ClassVar[bool] = True
    signature_header: ClassVar[str] = "x-telegram-bot-api-secret-token"

    # --- settings ------------------------------------------------------------------------------------------------

    def problems(self, given: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the settings."""
        token = given.get("bot_token")
        found = super().problems(given)
        if not found and token and not TOKEN.fullmatch(token):
            found.append(
                Problem(
                    "settings.bot_token", "invalid", "A bot token is digits, a colon and letters, as BotFather says it."
                )
            )
        return found

    def completed(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with the secret that Telegram sends with every update."""
        return {**stored, "callback_secret": stored.get("callback_secret") or secrets.token_urlsafe(32)}

    # --- set-up --------------------------------------------------------------------------------------------------

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder:
        """Ask who the bot is."""
        return _call(settings, "getMe", {})

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return the bot's name, or why Telegram does not know it."""
        said = reply.document
        if said.get("ok") is True:
            return Checked(facts={"bot_username": str(answers.within(said, "result", "username") or "")})
        words = str(said.get("description") or f"HTTP {reply.status}")
        if reply.status in {401, 404}:
            return Checked(
                Problem("settings.bot_token", "channel_auth_failed", f"Telegram refuses the token: {ended(words)}")
            )
        return Checked(Problem("settings", "provider_unavailable", f"Telegram could not be asked: {ended(words)}"))

    def register_order(self, settings: Mapping[str, Any], callback_url: str) -> HttpOrder:
        """Tell Telegram where updates go, which ones, and the secret that proves them."""
        told = {
            "url": callback_url,
            "secret_token": settings["callback_secret"],
            "allowed_updates": list(ALLOWED_UPDATES),
            "max_connections": 40,
        }
        order = _call(settings, "setWebhook", told)
        return HttpOrder(order.provider, path=order.path, json=told, secrets=[*order.secrets, told["secret_token"]])

    def judge_register(self, reply: Reply) -> str:
        """Return why Telegram refused the callback."""
        said = reply.document
        return "" if said.get("ok") is True else str(said.get("description") or f"HTTP {reply.status}")

    # --- out -----------------------------------------------------------------------------------------------------

    def address(self, given: str, settings: Mapping[str, Any]) -> str | None:
        """Return a chat's id in digits, negative for groups, or a public chat's @name."""
        given = given.strip()
        if CHAT_NAME.fullmatch(given):
            return given
        return str(int(given)) if CHAT_ID.fullmatch(given) and int(given) else None

    def problems_of(self, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
        """Return what an album or the caller's own fields make impossible."""
        found = super().problems_of(message, settings)
        if len(message.media) > 1 and (message.buttons or not _go_together(message.media)):
            words = (
                "Telegram puts pictures with videos, or files of one kind, into one message, and no buttons under it."
            )
            found.append(Problem("attachments", "unsupported_by_channel", words))
        return found

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call of the sending method that fits."""
        said: dict[str, Any] = {"chat_id": _chat(message.address)}
        chat, _, answered = message.reply_to.rpartition(":")
        if chat == message.address and answered.isdecimal():
            said["reply_parameters"] = {"message_id": int(answered), "allow_sending_without_reply": True}
        if message.buttons:
            said["reply_markup"] = {"inline_keyboard": [[_button(button)] for button in message.buttons]}
        method, content = _content(message)
        return _call(settings, method, {**content, **message.overrides, **said})

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what Telegram's answer means."""
        return telegram_answers.meaning(reply, message)

    # --- in ------------------------------------------------------------------------------------------------------

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the update brings the secret that only Telegram was told."""
        secret = settings.get("callback_secret", "")
        return bool(secret) and crypto.same(self.signature_of(callback, settings), secret)

    def concerns(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether an update that names a bot names this one: a token begins with the bot's id."""
        named = answers.within(answers.object_of(callback.body), "my_chat_member", "new_chat_member", "user", "id")
        # Messages do not say which bot they are to; the secret does.
        return named is None or str(named) == str(settings["bot_token"]).partition(":")[0]

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what an update says. Raises ValueError."""
        update = answers.callback_of(callback.body)
        with answers.of_its_shape():
            return answers.sound(telegram_updates.read(update, callback))

    def chosen(self, choice: str, ids: Sequence[str]) -> str:
        """Return the button id that a button's data stands for."""
        return next((one for one in ids if data_of(one) == choice), choice)

    def follow_up(self, callback: Callback, settings: Mapping[str, Any]) -> Sequence[HttpOrder]:
        """Stop the spinner on a button that was pressed."""
        pressed = answers.within(answers.object_of(callback.body), "callback_query", "id")
        return [] if pressed is None else [_call(settings, "answerCallbackQuery", {"callback_query_id": str(pressed)})]

    def file_order(self, file: IncomingFile, settings: Mapping[str, Any]) -> HttpOrder:
        """Ask where a file is."""
        return _call(settings, "getFile", {"file_id": file.reference})

    def next_file_order(self, reply: Reply, settings: Mapping[str, Any]) -> HttpOrder:
        """Fetch it from there. Raises ValueError where Telegram does not say where it is: files over 20 MB, for one."""
        said = reply.document
        path = answers.within(said, "result", "file_path")
        if not isinstance(path, str) or not FILE_PATH.fullmatch(path):
            raise ValueError(str(said.get("description") or f"HTTP {reply.status}"))
        token = str(settings["bot_token"])
        return HttpOrder("telegram", "GET", path=f"/file/bot{token}/{quote(path)}", secrets=[token])


def _call(settings: Mapping[str, Any], method: str, said: Mapping[str, Any]) -> HttpOrder:
    """Return the call of a method; the token is in its path."""
    token = str(settings["bot_token"])
    return HttpOrder("telegram", path=f"/bot{token}/{method}", json=dict(said), secrets=[token])


def _chat(address: str) -> int | str:
    return int(address) if CHAT_ID.fullmatch(address) else address


def _content(message: Outgoing) -> tuple[str, dict[str, Any]]:
    """Return the method and what it says. Nothing is parsed as markup unless the caller's own fields ask for it."""
    if not message.media:
        return "sendMessage", {"text": message.text}
    captioned = {"caption": message.text} if message.text else {}
    if len(message.media) == 1:
        name = _name(message.media[0])
        return f"send{name.title()}", {name: message.media[0].url, **captioned}
    album = [{"type": METHODS[media.kind], "media": media.url} for media in message.media]
    album[0].update(captioned)
    return "sendMediaGroup", {"media": album}


def _name(media: Media) -> str:
    return METHODS_BY_TYPE.get(media.content_type, METHODS[media.kind])


def _go_together(files: Sequence[Media]) -> bool:
    kinds = {media.kind for media in files}
    return len(kinds) == 1 or kinds == {"image", "video"}


def _button(button: Button) -> dict[str, str]:
    return {"text": button.title, **({"url": button.url} if button.url else {"callback_data": data_of(button.id)})}


def data_of(button_id: str) -> str:
    """
    Return what comes back when a button is pressed: its id, or what stands for one of more than 64 bytes.

    That is a digest, so that nothing has to be kept: whoever has the message's buttons finds the one it is of
    (``chosen``). Ids that look like such a digest are digested, too, so that none can be taken for another.
    """
    if len(button_id.encode()) <= MOST_BYTES_OF_DATA and not button_id.startswith(STANDS_FOR):
        return button_id
    digest = hashlib.sha256(button_id.encode()).digest()
    return STANDS_FOR + base64.urlsafe_b64encode(digest[:24]).decode()
