"""SMS by Vonage: the Messages API, version 1."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from core import crypto
from core.errors import Problem
from core.sentences import ended
from inboxes.channels import answers, phones
from inboxes.channels.base import Channel, Checked, Setting, is_blank
from inboxes.channels.capabilities import Capabilities, Rate
from inboxes.channels.incoming import Callback, Incoming, IncomingFile, Place, Receipt, Said, Sender
from inboxes.channels.outcomes import Deferred, Outcome, Rejected, Sent
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply

ONE_TIME_SECONDS = 600  # a code that comes later than this is of no use to anybody
BEARER = "bearer "
OWN_HOSTS = (".nexmo.com", ".vonage.com")

# Codes of refused messages and of failed ones; other failures are undelivered.
REFUSALS = {
    1010: "invalid_for_provider", 1020: "invalid_for_provider", 1021: "invalid_for_provider",
    1022: "template_parameters_mismatch", 1040: "invalid_recipient", 1050: "recipient_not_reachable",
    1060: "account_restricted", 1070: "account_restricted", 1080: "account_restricted",
    1090: "invalid_for_provider", 1120: "invalid_for_provider", 1130: "invalid_for_provider",
    1140: "account_restricted", 1150: "invalid_for_provider", 1160: "recipient_not_reachable",
    1170: "invalid_recipient", 1240: "opted_out",
}  # fmt: skip
OF_THE_ACCOUNT = {1060, 1070, 1080}  # suspended, out of credit, not provisioned: nothing leaves until that is mended
NOT_NOW = {1000, 1100}
STATUSES = {
    "submitted": "sent", "delivered": "delivered", "read": "read", "rejected": "failed", "undeliverable": "failed"
}  # fmt: skip
FILES = {"image": "image", "video": "video", "audio": "audio", "file": "file", "vcard": "file"}


class Vonage(Channel):
    """A number of a Vonage account."""

    kind: ClassVar[str] = "sms"
    ours: ClassVar[frozenset[str]] = frozenset({"channel", "message_type", "to", "from", "client_ref", "webhook_url"})
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("api_key", longest=64),
        Setting("api_secret", is_secret=True, longest=128),
        Setting("from", longest=20),
        Setting("signature_secret", is_secret=True, longest=256),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        types=frozenset({"text", "template"}),
        longest_text=1600,
        recipients=frozenset({"phone"}),
        receipts=frozenset({"delivered", "failed"}),
        echoes_id=True,
        account_rate=Rate(25, 25),
    )
    signature_header: ClassVar[str] = "authorization"

    # --- settings and set-up -------------------------------------------------------------------------------------

    def lacking(self, stored: Mapping[str, Any]) -> list[Problem]:
        """Return what Vonage needs and is not there; the signature's secret too, as nothing else proves callbacks."""
        found = [
            Problem(f"settings.{setting.name}", "required", f"Vonage needs {setting.name}.")
            for setting in self.settings
            if is_blank(stored.get(setting.name))
        ]
        sender = stored.get("from")
        if sender and not phones.is_sender(phones.from_provider(sender)):
            found.append(Problem("settings.from", "invalid", phones.SENDERS))
        return found

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder:
        """List the account's secrets: their ids and ages."""
        return _call(settings, "GET", f"/accounts/{quote(settings['api_key'], safe='')}/secrets")

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return whether Vonage knows the key and its secret."""
        if reply.status == 200:
            return Checked()
        words = _words(reply.document, reply)
        if reply.status in {401, 403, 404}:
            return Checked(Problem("settings.api_secret", "channel_auth_failed", f"Vonage refuses it: {ended(words)}"))
        return Checked(Problem("settings", "provider_unavailable", f"Vonage could not be asked: {ended(words)}"))

    # --- out -----------------------------------------------------------------------------------------------------

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that sends a message. Our id goes along and comes back with every receipt."""
        said: dict[str, Any] = {"text": message.text}
        if message.category == "authentication":
            said["ttl"] = ONE_TIME_SECONDS
        said |= message.overrides
        said |= {"channel": "sms", "message_type": "text", "client_ref": message.id}
        said |= {"to": message.address.removeprefix("+"), "from": str(settings["from"]).removeprefix("+")}
        if message.callback_url:
            said["webhook_url"] = message.callback_url
        return _call(settings, "POST", "/v1/messages", said)

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what Vonage's answer means."""
        said = reply.document
        if 200 <= reply.status < 300:
            return Sent(str(said.get("message_uuid") or ""))
        words, code = _words(said, reply), _code(said)
        if reply.status >= 500:
            return answers.by_status(reply, words, str(code or ""))
        if code in NOT_NOW or reply.status == 429:
            return Deferred("rate_limited", words, str(code or 429), reply.retry_after, "account")
        if code in REFUSALS:
            return _failure(code, words)
        if reply.status in {401, 402, 403}:
            ours = "channel_auth_failed" if reply.status == 401 else "account_restricted"
            return Rejected(ours, words, str(code or reply.status), disconnects=True)
        return answers.by_status(reply, words, str(code or ""))

    # --- in ------------------------------------------------------------------------------------------------------

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the callback brings a token signed with the account's signature secret, over this very body."""
        claims = _claims(self.signature_of(callback, settings), str(settings.get("signature_secret") or ""))
        if claims is None:
            return False
        expires = claims.get("exp")
        if isinstance(expires, int | float) and expires < callback.received_at.timestamp():
            return False
        return crypto.same(str(claims.get("payload_hash", "")).lower(), hashlib.sha256(callback.body).hexdigest())

    def concerns(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the callback is of this account and this number."""
        claims = _claims(self.signature_of(callback, settings), str(settings.get("signature_secret") or "")) or {}
        said = answers.object_of(callback.body)
        number = said.get("from" if "status" in said else "to")
        return claims.get("api_key", settings["api_key"]) == settings["api_key"] and (
            str(number).removeprefix("+") == str(settings["from"]).removeprefix("+")
        )

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what a callback says: a message, or what became of one of ours. Raises ValueError."""
        said = answers.callback_of(callback.body)
        with answers.of_its_shape():
            return answers.sound(_receipt(said) if "status" in said else _said(said))

    def file_order(self, file: IncomingFile, settings: Mapping[str, Any]) -> HttpOrder:
        """Fetch a file from where Vonage says it is; the account's credentials go to its own hosts only."""
        parts = urlsplit(file.reference)
        is_its_own = parts.scheme == "https" and parts.netloc.endswith(OWN_HOSTS)
        headers = _authorization(settings) if is_its_own else {}
        return HttpOrder("vonage", "GET", url=file.reference, headers=headers, secrets=list(headers.values()))


def _authorization(settings: Mapping[str, Any]) -> dict[str, str]:
    pair = f"{settings['api_key']}:{settings['api_secret']}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _call(settings: Mapping[str, Any], method: str, path: str, said: Mapping[str, Any] | None = None) -> HttpOrder:
    headers = _authorization(settings)
    secrets = [str(settings["api_secret"]), *headers.values()]
    return HttpOrder("vonage", method, path, headers=headers, json=said, secrets=secrets)


def _claims(authorization: str, secret: str) -> dict[str, Any] | None:
    """Return what a JSON Web Token says, or None unless it is signed by HMAC-SHA256 with the secret."""
    scheme, token = authorization[: len(BEARER)], authorization[len(BEARER) :].strip()
    parts = token.split(".")
    if scheme.lower() != BEARER or len(parts) != 3 or not secret or not token.isascii():
        return None
    header, claims, signature = (_decoded(part) for part in parts)
    if answers.object_of(header).get("alg") != "HS256":
        return None
    signed = hmac.digest(secret.encode(), f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256)
    return answers.object_of(claims) if hmac.compare_digest(signed, signature) else None


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        return b""


def _said(said: Mapping[str, Any]) -> Iterator[Incoming]:
    kind = said["message_type"]
    told = _part(said, kind)
    is_known = kind in {"text", "location", "reply", *FILES}
    sender = phones.from_provider(str(said["from"]))
    yield Said(
        said["message_uuid"],
        Sender(sender, name=_part(said, "profile").get("name", ""), phone_number=phones.e164(sender) or ""),
        _at(said),
        text=said.get("text") or told.get("caption") or told.get("title") or "",
        files=[IncomingFile(FILES[kind], told["url"], told.get("name", ""))] if kind in FILES else [],
        places=_places(told) if kind == "location" else [],
        choice=told.get("id", "") if kind == "reply" else "",
        reply_to=_part(said, "context").get("message_uuid", ""),
        unsupported="" if is_known else kind,
        raw={} if is_known else said,
    )


def _places(told: Mapping[str, Any]) -> list[Place]:
    return [Place(told["lat"], told["long"], told.get("name", ""), told.get("address", ""))]


def _part(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = said.get(name)
    return part if isinstance(part, dict) else {}


def _receipt(said: Mapping[str, Any]) -> Iterator[Incoming]:
    """Tell what became of a message of ours; words Vonage may add later are not news."""
    status = STATUSES.get(said["status"])
    if status is None:
        return
    error = _part(said, "error")
    yield Receipt(
        status,
        _at(said),
        provider_id=said["message_uuid"],
        message_id=said.get("client_ref") or "",
        address=phones.from_provider(str(said.get("to", ""))),
        failure=_failure(_code(error), str(error.get("detail", ""))) if status == "failed" else None,
    )


def _failure(code: int, words: str) -> Rejected:
    ours = REFUSALS.get(code, "undelivered")
    return Rejected(
        ours,
        words[: answers.SHOWN],
        str(code or ""),
        suppresses="all" if ours == "opted_out" else "",
        disconnects=code in OF_THE_ACCOUNT,
    )


def _code(said: Mapping[str, Any]) -> int:
    """Return the number of an error: its title, or what follows the # of its type."""
    for text in (str(said.get("title", "")), str(said.get("type", "")).rpartition("#")[2]):
        if text.isdecimal():
            return int(text)
    return 0


def _words(said: Mapping[str, Any], reply: Reply) -> str:
    told = said.get("detail") or said.get("title") or said.get("error_title") or f"HTTP {reply.status}"
    return str(told)[: answers.SHOWN]


def _at(said: Mapping[str, Any]) -> datetime:
    at = datetime.fromisoformat(str(said["timestamp"]))
    return at if at.tzinfo else at.replace(tzinfo=UTC)
