"""SMS and MMS by Twilio: the Messages resource."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlencode, urlsplit

from core import crypto
from core.errors import Problem
from core.sentences import ended
from inboxes.channels import answers, phones, twilio_answers, twilio_forms
from inboxes.channels.base import Channel, Checked, Setting, is_blank
from inboxes.channels.capabilities import Capabilities, MediaLimit, Rate
from inboxes.channels.incoming import Answer, Callback, Incoming, IncomingFile
from inboxes.channels.outcomes import Outcome
from inboxes.channels.outgoing import HttpOrder, Outgoing, Reply

ACCOUNT, SERVICE = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII), re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)
VERSION = "/2010-04-01"
MEGABYTE = 1024 * 1024
OWN_HOST = ("https", "api.twilio.com")
LISTED = 200  # to somebody who was sent more, nothing is said to be missing
ONE_TIME_SECONDS = 600  # a code that comes later than this is of no use to anybody


class Twilio(Channel):
    """A number, or a messaging service with several, of a Twilio account."""

    kind: ClassVar[str] = "sms"
    ours: ClassVar[frozenset[str]] = frozenset({"To", "From", "MessagingServiceSid", "StatusCallback"})
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("account_sid", longest=66),
        Setting("auth_token", is_secret=True, longest=128),
        Setting("from", longest=20),
        Setting("messaging_service_sid", longest=66),
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        types=frozenset({"text", "media", "template"}),
        longest_text=1600,
        longest_caption=1600,
        media={
            "image": MediaLimit(frozenset({"image/jpeg", "image/png", "image/gif"}), 5 * MEGABYTE),
            "video": MediaLimit(most_bytes=500 * 1024),
            "audio": MediaLimit(most_bytes=500 * 1024),
            "document": MediaLimit(most_bytes=500 * 1024),
        },
        most_files=10,
        recipients=frozenset({"phone"}),
        receipts=frozenset({"delivered", "failed"}),
        echoes_id=True,
        can_look_up=True,
        account_rate=Rate(1, 10),
    )
    signature_header: ClassVar[str] = "x-twilio-signature"

    # --- settings and set-up -------------------------------------------------------------------------------------

    def lacking(self, stored: Mapping[str, Any]) -> list[Problem]:
        """Return what Twilio needs and is not there, and what in it cannot be Twilio's."""
        found = [
            Problem(f"settings.{name}", "required", f"Twilio needs {name}.")
            for name in ("account_sid", "auth_token")
            if is_blank(stored.get(name))
        ]
        account, service, sender = (stored.get(name) for name in ("account_sid", "messaging_service_sid", "from"))
        if account and not ACCOUNT.fullmatch(account):
            words = "An account SID is AC and 32 hexadecimal digits."
            found.append(Problem("settings.account_sid", "invalid", words))
        if service and not SERVICE.fullmatch(service):
            words = "A messaging service SID is MG and 32 hexadecimal digits."
            found.append(Problem("settings.messaging_service_sid", "invalid", words))
        if sender and not phones.is_sender(sender):
            found.append(Problem("settings.from", "invalid", phones.SENDERS))
        if not sender and not service:
            found.append(Problem("settings.from", "required", "Twilio needs from, or messaging_service_sid."))
        elif sender and service:
            words = "Messages leave by from or by messaging_service_sid: clear one of them with null."
            found.append(Problem("settings.messaging_service_sid", "ambiguous", words))
        return found

    def check_order(self, settings: Mapping[str, Any]) -> HttpOrder:
        """Fetch the account."""
        return _call(settings, "GET", ".json")

    def judge_check(self, reply: Reply, settings: Mapping[str, Any]) -> Checked:
        """Return whether the account is there, is ours, and may send."""
        said = reply.document
        status, words = said.get("status"), str(said.get("message") or f"HTTP {reply.status}")
        if reply.status == 200 and status == "active":
            return Checked()
        if reply.status == 200 and isinstance(status, str):
            return Checked(Problem("settings.account_sid", "account_restricted", f"Twilio's account is {status}."))
        if reply.status in {401, 403, 404}:
            name = "account_sid" if reply.status == 404 else "auth_token"
            return Checked(Problem(f"settings.{name}", "channel_auth_failed", f"Twilio refuses it: {ended(words)}"))
        return Checked(Problem("settings", "provider_unavailable", f"Twilio could not be asked: {ended(words)}"))

    # --- out -----------------------------------------------------------------------------------------------------

    def order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder:
        """Return the call that creates a message. Twilio is told with each where its receipts go, and our id there."""
        fields: dict[str, str] = {"Body": message.text} if message.text else {}
        if message.category == "authentication":
            fields["ValidityPeriod"] = str(ONE_TIME_SECONDS)
        fields |= {name: str(value) for name, value in message.overrides.items()}
        fields["To"] = message.address
        if settings.get("messaging_service_sid"):
            fields["MessagingServiceSid"] = settings["messaging_service_sid"]
        if settings.get("from"):
            fields["From"] = settings["from"]
        if message.callback_url:
            fields["StatusCallback"] = _with_id(message)
        files = [("MediaUrl", media.url) for media in message.media]
        return _call(settings, "POST", "/Messages.json", form=[*fields.items(), *files])

    def judge(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what Twilio's answer means."""
        return twilio_answers.meaning(reply)

    def lookup_order(self, message: Outgoing, settings: Mapping[str, Any]) -> HttpOrder | None:
        """List what goes to the recipient. Not by ``DateSent``: what is in Twilio's queue still has none."""
        if message.tried_at is None:
            return None
        asked = {"To": message.address, "PageSize": str(LISTED)}
        return _call(settings, "GET", f"/Messages.json?{urlencode(asked)}")

    def judge_lookup(self, reply: Reply, message: Outgoing) -> Outcome:
        """Return what became of the one message that says the same and was made since the attempt began."""
        return twilio_answers.found(reply, message)

    # --- in ------------------------------------------------------------------------------------------------------

    def recognises(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the callback is signed with the account's token, over its URL and the fields of its form."""
        signature, fields = self.signature_of(callback, settings), twilio_forms.fields_of(callback)
        if digest := callback.query.get("bodySHA256"):  # of a body that is no form; the URL with it is signed
            if not crypto.same(digest, hashlib.sha256(callback.body).hexdigest()):
                return False
            fields = []
        token = str(settings["auth_token"])
        return any(crypto.same(signature, sign(token, url, fields)) for url in _spellings(callback.url))

    def concerns(self, callback: Callback, settings: Mapping[str, Any]) -> bool:
        """Whether the callback is of this account, and of this number or messaging service."""
        fields = dict(twilio_forms.fields_of(callback))
        if fields.get("AccountSid") != settings.get("account_sid"):
            return False
        service, ours = fields.get("MessagingServiceSid"), settings.get("messaging_service_sid")
        if ours and service:
            return bool(service == ours)
        number = fields.get("From" if twilio_forms.is_receipt(fields) else "To")
        return not settings.get("from") or number == settings["from"]

    def answer(self, callback: Callback) -> Answer:
        """Return an empty answer in Twilio's markup: nothing is to be said back."""
        return Answer(b"<Response/>", "text/xml")

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what a form says: a message, or what became of one of ours. Raises ValueError."""
        with answers.of_its_shape():
            return answers.sound(twilio_forms.read(callback))

    def file_order(self, file: IncomingFile, settings: Mapping[str, Any]) -> HttpOrder:
        """Fetch a file; Twilio redirects to where it keeps it. The credentials go to its own host only."""
        secrets = _authorization(settings) if urlsplit(file.reference)[:2] == OWN_HOST else {}
        return HttpOrder("twilio", "GET", url=file.reference, headers=secrets, secrets=list(secrets.values()))


def sign(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """
    Return the signature of a callback: HMAC-SHA1 of the URL and of all fields, by name.

    Of a field that is there several times each value counts once, in order.
    """
    values: dict[str, set[str]] = {}
    for name, value in fields:
        values.setdefault(name, set()).add(value)
    signed = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()


def _spellings(url: str) -> Iterator[str]:
    """Yield a URL with and without its scheme's port: Twilio signs it in either way."""
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    yield url
    if parts.port in {None, usual}:
        host = parts.netloc.removesuffix(f":{usual}")
        yield from (SplitResult(parts.scheme, netloc, *parts[2:]).geturl() for netloc in (host, f"{host}:{usual}"))


def _with_id(message: Outgoing) -> str:
    separator = "&" if "?" in message.callback_url else "?"
    return f"{message.callback_url}{separator}{urlencode({twilio_forms.MESSAGE_ID: message.id})}"


def _authorization(settings: Mapping[str, Any]) -> dict[str, str]:
    pair = f"{settings['account_sid']}:{settings['auth_token']}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _call(settings: Mapping[str, Any], method: str, path: str, form: list[tuple[str, str]] | None = None) -> HttpOrder:
    """Return a call about the account; ``path`` follows its own."""
    headers = _authorization(settings)
    secrets = [str(settings["auth_token"]), *headers.values()]
    return HttpOrder(
        "twilio",
        method,
        f"{VERSION}/Accounts/{settings['account_sid']}{path}",
        headers=headers,
        form=form,
        secrets=secrets,
    )
