"""A fake Messages API of Vonage: refuses what Vonage refuses; its callbacks are signed by PyJWT."""

import base64
import hashlib
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from tests.providers.calling import Call, written
from tests.providers.server import Act, Provider, Request, answer_json

KEY, SECRET, SIGNATURE_SECRET, NUMBER = (
    "a1b2c3d4",
    "Vonage-secret-1",
    "signature-secret-of-the-tests-012345",
    "14155550100",
)
BARRED = "15005550004"
ERRORS = "https://developer.vonage.com/api-errors"


class Vonage(Provider):
    """An account with one number. ``messages`` are those it took."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def reply(self, request: Request) -> Act:
        """Answer a call about the account or a message."""
        pair = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return no(401, "unauthorized", "Unauthorized", "You did not provide correct credentials.")
        path = urlsplit(request.path).path
        if path == f"/accounts/{KEY}/secrets":
            return answer_json({"_embedded": {"secrets": [{"id": "1", "created_at": "2026-01-01T00:00:00Z"}]}})
        if path != "/v1/messages":
            return no(404, "not-found", "Not Found", "The requested resource does not exist.")
        return self._create(request.json)

    def told(self, message: Mapping[str, Any], status: str, **more: Any) -> Call:
        """Return the call that tells what became of a message, to where its creation said."""
        told = {
            "message_uuid": message["message_uuid"], "to": message["to"], "from": message["from"],
            "timestamp": "2026-11-20T20:00:00Z", "status": status, "client_ref": message.get("client_ref"),
            "channel": "sms", **more,
        }  # fmt: skip
        return signed(message["webhook_url"], told)

    def _create(self, said: Mapping[str, Any]) -> Act:
        numbers = [str(said.get(name, "")) for name in ("to", "from")]
        is_whole = said.get("channel") == "sms" and said.get("message_type") == "text" and said.get("text")
        if not is_whole or not all(numbers) or len(said.get("client_ref", "")) > 100:
            return no(422, "1020", "Invalid params", "The value of one or more parameters is invalid.")
        if not numbers[0].isdecimal():
            return no(422, "1170", "Invalid MSISDN", "The number is not valid.")
        if numbers[0] == BARRED:
            return no(422, "1240", "Illegal Number", "The recipient opted out.")
        message = {**said, "message_uuid": str(uuid.uuid4())}
        self.messages.append(message)
        return answer_json({"message_uuid": message["message_uuid"]}, 202)


def signed(url: str, told: Mapping[str, Any], secret: str = SIGNATURE_SECRET, **claims: Any) -> Call:
    """Return a call with the token that Vonage would put on it."""
    body = written(told)
    claims = {
        "iat": int(time.time()), "jti": str(uuid.uuid4()), "iss": "Vonage", "api_key": KEY,
        "payload_hash": hashlib.sha256(body).hexdigest(), **claims,
    }  # fmt: skip
    token = jwt.encode(claims, secret, algorithm="HS256")
    return Call(url, body, {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})


def no(status: int, code: str, title: str, detail: str) -> Act:
    """Refuse, as RFC 7807 has it."""
    kind = f"{ERRORS}/messages#{code}" if code.isdecimal() else f"{ERRORS}#{code}"
    return answer_json({"type": kind, "title": title, "detail": detail, "instance": "bf0ca0bf927b"}, status)
