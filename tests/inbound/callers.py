"""Providers that call an inbox through the real door: recorded bodies and others, signed as the real ones sign."""

import hashlib
import hmac
import json
import time
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl

import jwt
from django.conf import settings

from accounts.models import Environment
from inboxes import channels
from inboxes.models import Inbox, InboxHealth
from tests.providers import graph, line, telegram, twilio, vonage
from tests.providers.words import recorded
from tests.servers import Server

META = {"app_secret": graph.SECRET, "verify_token": graph.VERIFY_TOKEN}
PAGE = {**META, "page_id": graph.PAGE, "page_access_token": graph.TOKEN}
# The provider whose bodies are recorded: the channel that speaks to it, and the settings they are meant for.
PROVIDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "whatsapp": (
        "whatsapp",
        {**META, "phone_number_id": graph.NUMBER, "waba_id": graph.ACCOUNT, "access_token": graph.TOKEN},
    ),
    "messenger": ("messenger", PAGE),
    "instagram": ("instagram", {**PAGE, "page_id": graph.INSTAGRAM}),
    "telegram": ("telegram", {"bot_token": telegram.TOKEN}),
    "line": (
        "line",
        {"channel_access_token": line.TOKEN, "channel_secret": line.SECRET, "bot_user_id": line.ACCOUNT},
    ),
    "twilio": (
        "sms",
        {"provider": "twilio", "account_sid": twilio.ACCOUNT, "auth_token": twilio.TOKEN, "from": twilio.NUMBER},
    ),
    "vonage": (
        "sms",
        {
            "provider": "vonage",
            "api_key": vonage.KEY,
            "api_secret": vonage.SECRET,
            "from": vonage.NUMBER,
            "signature_secret": vonage.SIGNATURE_SECRET,
        },
    ),
    "email": (
        "email",
        {"from_address": "help@acme.test", "smtp_host": "mx.acme.test", "inbound_secret": "letter-box"},
    ),
}
# Somebody to write to and to hear from, with each.
PEOPLE = {
    "whatsapp": "+212600000001",
    "twilio": "+212600000001",
    "vonage": "+212600000001",
    "telegram": "42",
    "messenger": "998877",
    "instagram": "998877",
    "line": "U0123456789abcdef0123456789abcdef",
    "email": "amine@example.test",
}


def open_carried(environment: Environment, provider: str, **changed: Any) -> Inbox:
    """Open an inbox of a provider's channel without asking the provider; ``settings_`` are laid over its usual ones."""
    kind, usual = PROVIDERS[provider]
    kept = channels.find(kind).completed({**usual, **changed.pop("settings_", {})})
    inbox: Inbox = Inbox.unscoped.create(
        environment=environment, channel=kind, **{"name": provider.title(), "settings": kept, **changed}
    )
    InboxHealth.unscoped.create(inbox=inbox, environment=environment)
    return inbox


class Caller:
    """A provider that calls one inbox."""

    def __init__(self, inbox: Inbox, provider: str = "") -> None:
        self.inbox = inbox
        self.provider = provider or inbox.channel
        self.path = f"/inbound/{inbox.channel}/{inbox.identifier}"
        self.door = Server(None)

    def calls(self, told: Any, *, query: str = "", **changed: str) -> Any:
        """Call with JSON, or with bytes as they are; ``changed`` headers replace what the provider would send."""
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        at = self.path + (f"?{query}" if query else "")
        headers, secret = self.signed(at, body)
        headers = {**headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
        kind = headers.pop("Content-Type")
        return self.door.send("POST", at + secret, body, content_type=kind, **headers)

    def plays(self, name: str, **changed: str) -> Any:
        """Call with a recorded body."""
        kind = {"Content-Type": "message/rfc822"} if self.provider == "email" and not name_is_json(name) else {}
        return self.calls(recorded(self.provider, name), **{**kind, **changed})

    def signed(self, at: str, body: bytes) -> tuple[dict[str, str], str]:
        """Return the headers that prove a body, and what is added to the query for that."""
        kind = {"Content-Type": "application/json"}
        match self.provider:
            case "whatsapp" | "messenger" | "instagram":
                return {**kind, "X-Hub-Signature-256": f"sha256={_hex(graph.SECRET, body)}"}, ""
            case "telegram":
                return {**kind, "X-Telegram-Bot-Api-Secret-Token": self.inbox.settings["callback_secret"]}, ""
            case "line":
                digest = hmac.new(line.SECRET.encode(), body, hashlib.sha256).digest()
                return {**kind, "X-Line-Signature": b64encode(digest).decode()}, ""
            case "twilio":
                fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
                return dict(twilio.Twilio().signed(settings.BASE_URL + at, fields).headers), ""
            case "vonage":
                return _vonage(body), ""
            case _:
                return kind, "?secret=letter-box"


def name_is_json(name: str) -> bool:
    """Whether a recorded mail is a provider's JSON rather than the mail itself."""
    return name.startswith(("postmark_", "mailgun_"))


def _hex(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _vonage(body: bytes) -> dict[str, str]:
    claims = {"iat": int(time.time()), "jti": "j", "iss": "Vonage", "api_key": vonage.KEY,
              "payload_hash": hashlib.sha256(body).hexdigest()}  # fmt: skip
    token = jwt.encode(claims, vonage.SIGNATURE_SECRET, algorithm="HS256")
    return {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}


def letter(sender, **headers):
    """Return a short mail."""
    lines = {"From": sender, "To": "help@acme.test", "Subject": "Order 42", "Message-ID": "<1@example.test>", **headers}
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode() + b"\r\nWhere is it?\r\n"
