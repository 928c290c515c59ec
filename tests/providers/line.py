"""A fake Messaging API of LINE: refuses what LINE refuses, takes a retry key once, signs with the channel's secret."""

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.providers.calling import Call, written
from tests.providers.server import Act, Provider, Request, answer, answer_json

TOKEN, SECRET, ACCOUNT = "line-channel-access-token/+==", "line-channel-secret-of-the-tests", "U" + "b" * 32
PERSON = "U" + "0123456789abcdef" * 2
NOBODY = "U" + "f" * 32
CONTENT = re.compile(r"/v2/bot/message/(\d+)/content")


class Line(Provider):
    """An official account. ``pushed`` is what it took, ``endpoint`` where it calls us, ``content`` files by message."""

    def __init__(self) -> None:
        super().__init__()
        self.pushed: list[dict[str, Any]] = []
        self.endpoint = ""
        self.content: dict[str, bytes] = {}
        self.answers_by_key: dict[str, dict[str, Any]] = {}

    def reply(self, request: Request) -> Act:
        """Answer a call about the account, a push or a file."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return no(401, "Authentication failed. Confirm that the access token in the authorization header is valid.")
        path = urlsplit(request.path).path
        if found := CONTENT.fullmatch(path):
            content = self.content.get(found[1])
            return (
                no(404, "Not found")
                if content is None
                else answer(200, content, headers={"Content-Type": "image/jpeg"})
            )
        match request.method, path:
            case "GET", "/v2/bot/info":
                return answer_json({"userId": ACCOUNT, "basicId": "@shop", "displayName": "Shop", "chatMode": "bot"})
            case "PUT", "/v2/bot/channel/webhook/endpoint":
                return self._register(request.json)
            case "POST", "/v2/bot/message/push":
                return self._push(request)
            case _:
                return no(404, "Not found")

    def events(self, *events: Mapping[str, Any], url: str = "") -> Call:
        """Return the call that brings events."""
        return signed(url or self.endpoint, {"destination": ACCOUNT, "events": list(events)})

    def _register(self, said: Mapping[str, Any]) -> Act:
        if not said.get("endpoint", "").startswith("https://"):
            return no(400, "Invalid webhook endpoint URL")
        self.endpoint = said["endpoint"]
        return answer_json({})

    def _push(self, request: Request) -> Act:
        key, said = request.headers.get("x-line-retry-key", ""), request.json
        if key and not _is_uuid(key):
            return no(400, "The retry key is invalid")
        if key in self.answers_by_key:
            return answer_json({"message": "The retry key is already accepted", **self.answers_by_key[key]}, 409)
        if problems := _problems(said):
            details = [{"property": name, "message": words} for name, words in problems]
            return no(400, f"The request body has {len(details)} error(s)", details)
        if said["to"] == NOBODY:
            return no(400, "Failed to send messages")
        first = 461230966842064897 + len(self.pushed)
        taken = {"sentMessages": [{"id": str(first + n)} for n in range(len(said["messages"]))]}
        self.pushed.append(said)
        self.answers_by_key[key or str(uuid.uuid4())] = taken
        return answer_json(taken)


def signed(url: str, told: Mapping[str, Any], secret: str = SECRET) -> Call:
    """Return a call with the channel's signature."""
    body = written(told)
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return Call(url, body, {"Content-Type": "application/json; charset=utf-8", "X-Line-Signature": signature})


def no(status: int, words: str, details: Iterable[Mapping[str, str]] = ()) -> Act:
    """Refuse."""
    return answer_json({"message": words, **({"details": list(details)} if details else {})}, status)


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def _problems(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not re.fullmatch(r"[UCR][0-9a-f]{32}", str(said.get("to", ""))):
        return [("to", "The property, 'to', in the request body is invalid")]
    messages = said.get("messages", [])
    if not 1 <= len(messages) <= 5:
        return [("messages", "Size must be between 1 and 5")]
    return [
        (f"messages[{place}].{name}", words) for place, message in enumerate(messages) for name, words in _of(message)
    ]


def _of(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    match message["type"]:
        case "text":
            items = message.get("quickReply", {}).get("items", [])
            wrong = [] if 1 <= len(message["text"]) <= 5000 else [("text", "Length must be between 0 and 5000")]
            wrong += [("quickReply.items", "Size must be between 1 and 13")] if len(items) > 13 else []
            return wrong + [problem for item in items for problem in _of_action(item["action"])]
        case "image":
            names = ("originalContentUrl", "previewImageUrl")
            return [(name, "Must be a valid HTTPS URL") for name in names if not message[name].startswith("https://")]
        case "template":
            template = message["template"]
            wrong = [] if 1 <= len(message["altText"]) <= 400 else [("altText", "Length must be between 1 and 400")]
            wrong += [] if 1 <= len(template["text"]) <= 160 else [("template.text", "must not be longer than 160")]
            wrong += (
                [] if 1 <= len(template["actions"]) <= 4 else [("template.actions", "Size must be between 1 and 4")]
            )
            return wrong + [problem for action in template["actions"] for problem in _of_action(action)]
        case _:
            return [("type", "must be one of the known types")]


def _of_action(action: Mapping[str, Any]) -> list[tuple[str, str]]:
    wrong = [] if 1 <= len(action["label"]) <= 20 else [("label", "must not be longer than 20")]
    if action["type"] == "postback":
        return wrong + ([] if 1 <= len(action["data"]) <= 300 else [("data", "Length must be between 1 and 300")])
    return wrong + ([] if 1 <= len(action["uri"]) <= 1000 else [("uri", "invalid uri")])
