"""A fake Bot API: refuses what Telegram refuses, in its words, and sends updates with the secret it was told."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.providers.calling import Call, written
from tests.providers.server import Act, Provider, Request, answer, answer_json

TOKEN = "8412345678:AAH-a-token_of_a_bot_for_tests0123456789"
PATH = re.compile(r"/(file/)?bot([^/]+)/(.+)")
SENDING = {
    "sendMessage": "text", "sendPhoto": "photo", "sendVideo": "video", "sendAudio": "audio", "sendVoice": "voice",
    "sendDocument": "document", "sendAnimation": "animation",
}  # fmt: skip
WEBHOOK_PORTS = {None, 443, 80, 88, 8443}


class Refused(Exception):
    """The request is not to Telegram's liking."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class Telegram(Provider):
    """
    A Bot API with one bot. ``sent`` are the messages it took, ``webhook`` what it was told of ours.

    ``blocked`` are chats whose person stopped the bot, ``unknown`` those that never began, ``moved`` groups that were
    upgraded and their new ids; ``files`` are contents by file id.
    """

    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.webhook: dict[str, Any] = {}
        self.sent: list[dict[str, Any]] = []
        self.answered: list[str] = []
        self.blocked: set[int] = set()
        self.unknown: set[int] = set()
        self.moved: dict[int, int] = {}
        self.files: dict[str, bytes] = {}

    def reply(self, request: Request) -> Act:
        """Answer a method, or a file's path."""
        found = PATH.fullmatch(urlsplit(request.path).path)
        if found is None:
            return _no(404, "Not Found")
        is_file, token, name = found.groups()
        if token != self.token:
            return _no(*((401, "Unauthorized") if ":" in token else (404, "Not Found")))
        if is_file:
            content = self.files.get(name.removeprefix("documents/"))
            return answer(200, content) if content is not None else _no(404, "Not Found")
        method = getattr(self, f"_{name}", None) or (self._send if name in SENDING else None)
        if method is None:
            return _no(404, "Not Found")
        try:
            said = request.json if request.body else {}
            return answer_json({"ok": True, "result": method(said, name)})
        except Refused as refused:
            return _no(refused.code, refused.description, refused.parameters)

    def update(self, told: Mapping[str, Any]) -> Call:
        """Return the call that brings an update to where ``setWebhook`` said."""
        headers = {
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", ""),
        }
        return Call(self.webhook.get("url", ""), written(told), headers)

    def _getMe(self, _said: Any, _name: str) -> dict[str, Any]:  # noqa: N802  Telegram's own names
        return {"id": int(self.token.split(":")[0]), "is_bot": True, "first_name": "Shop", "username": "shop_bot"}

    def _setWebhook(self, said: Any, _name: str) -> bool:  # noqa: N802
        url = urlsplit(said.get("url", ""))
        if url.scheme != "https":
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if url.port not in WEBHOOK_PORTS:
            raise Refused(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", said.get("secret_token", "")):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = said
        return True

    def _getFile(self, said: Any, _name: str) -> dict[str, Any]:  # noqa: N802
        file_id = said.get("file_id", "")
        if file_id not in self.files:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        size = len(self.files[file_id])
        if size > 20 * 1024 * 1024:
            raise Refused(400, "Bad Request: file is too big")
        return {"file_id": file_id, "file_unique_id": "u", "file_size": size, "file_path": f"documents/{file_id}"}

    def _answerCallbackQuery(self, said: Any, _name: str) -> bool:  # noqa: N802
        self.answered.append(said["callback_query_id"])
        return True

    def _sendMediaGroup(self, said: Any, _name: str) -> list[dict[str, Any]]:  # noqa: N802
        chat, files = self._chat(said), said.get("media", [])
        if not 2 <= len(files) <= 10:
            raise Refused(400, "Bad Request: group send failed: wrong number of messages")
        kinds = {file["type"] for file in files}
        if len(kinds) > 1 and not kinds <= {"photo", "video"}:
            raise Refused(400, "Bad Request: MEDIA_INVALID")
        for file in files:
            _check_url(file["media"])
            _check_caption(file)
        return [self._take(chat, {"caption": file.get("caption"), file["type"]: file["media"]}) for file in files]

    def _send(self, said: Any, name: str) -> dict[str, Any]:
        chat, kind = self._chat(said), SENDING[name]
        if kind == "text":
            if not said.get("text", "").strip():
                raise Refused(400, "Bad Request: message text is empty")
            if len(said["text"]) > 4096:
                raise Refused(400, "Bad Request: message is too long")
        else:
            _check_url(said.get(kind, ""))
            _check_caption(said)
        for row in said.get("reply_markup", {}).get("inline_keyboard", []):
            for button in row:
                _check_button(button)
        return self._take(chat, said)

    def _chat(self, said: Any) -> int:
        chat = said.get("chat_id")
        if chat in (None, ""):
            raise Refused(400, "Bad Request: chat_id is empty")
        if not isinstance(chat, int) or chat in self.unknown:
            raise Refused(400, "Bad Request: chat not found")
        if chat in self.moved:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, words, migrate_to_chat_id=self.moved[chat])
        if chat in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat

    def _take(self, chat: int, said: Mapping[str, Any]) -> dict[str, Any]:
        message = {
            **said,
            "message_id": 100 + len(self.sent),
            "date": 1749416383,
            "chat": {"id": chat, "type": "private"},
        }
        self.sent.append(message)
        return message


def too_many(seconds: int) -> Act:
    """Ask to be left alone for so long."""
    return _no(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def _no(code: int, description: str, parameters: Mapping[str, Any] | None = None) -> Act:
    more = {"parameters": parameters} if parameters else {}
    return answer_json({"ok": False, "error_code": code, "description": description, **more}, code)


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")


def _check_caption(said: Mapping[str, Any]) -> None:
    if len(said.get("caption", "")) > 1024:
        raise Refused(400, "Bad Request: message caption is too long")


def _check_button(button: Mapping[str, Any]) -> None:
    if not button.get("text"):
        raise Refused(400, 'Bad Request: can\'t parse inline keyboard button: field "text" must be non-empty')
    if len({"url", "callback_data"} & button.keys()) != 1:
        raise Refused(400, "Bad Request: can't parse inline keyboard button: text buttons are unallowed")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
