"""What Mailgun calls us with: mails its routes hand on, and what became of ours."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core import crypto
from inboxes.channels.incoming import Callback, Consent, Incoming, Receipt
from inboxes.channels.mails import addresses, answers, decoding, forms, letters, threads
from inboxes.channels.mails.forms import Field
from inboxes.channels.mails.letters import Letter
from inboxes.channels.outcomes import Rejected

STATUSES = {"delivered": "delivered", "opened": "read", "failed": "failed"}
# Mailgun keeps trying for eight hours; a proof older than that comes from somewhere else.
PROOF_LIVES = 9 * 3600
NO_MAILBOX = {"bounce", "suppress-bounce"}


def is_notice(document: Mapping[str, Any]) -> bool:
    """Whether it tells what became of a mail of ours."""
    return isinstance(document.get("event-data"), Mapping)


def is_signed(proof: Mapping[str, str], key: str, received_at: datetime) -> bool:
    """Whether ``timestamp``, ``token`` and ``signature`` go together, lately and under the account's key."""
    timestamp, token, signature = (proof.get(name, "") for name in ("timestamp", "token", "signature"))
    if not timestamp.isdecimal() or not timestamp.isascii() or len(timestamp) > 12:
        return False
    is_late = abs(received_at.timestamp() - int(timestamp)) > PROOF_LIVES
    return crypto.same(crypto.hmac_hex(key, timestamp + token), signature) and not is_late


def proof_in(callback: Callback) -> Mapping[str, str]:
    """Return the three parts of its signature that a callback brings, in its JSON or in its form. Raises ValueError."""
    if callback.headers.get("content-type", "").lower().startswith("application/json"):
        document = json.loads(callback.body)
        given = document.get("signature") if isinstance(document, Mapping) else None
        return {name: str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    fields = forms.read(callback.body, callback.headers.get("content-type", ""))
    return {field.name: field.text for field in fields if field.name in {"timestamp", "token", "signature"}}


def notice(document: Mapping[str, Any], received_at: datetime) -> list[Incoming]:
    """Return what a notice tells."""
    told = document["event-data"]
    event, at = _text(told, "event"), _moment(told, received_at)
    address = addresses.canonical(_text(told, "recipient")) or ""
    if event in {"complained", "unsubscribed"} and address:
        # Whoever complains of spam wants nothing; whoever unsubscribes from Mailgun's own link, no newsletters.
        scope = "all" if event == "complained" else "marketing"
        return [Consent(address, is_given=False, scope=scope, reason=event, at=at)]
    if event not in STATUSES or (event == "failed" and _text(told, "severity") == "temporary"):
        return []
    return [
        Receipt(
            STATUSES[event],
            at,
            provider_id=threads.bracketed(_text(_below(told, "message", "headers"), "message-id")),
            message_id=_text(_below(told, "user-variables"), "dexra_message"),
            address=address,
            failure=_failure(told) if event == "failed" else None,
        )
    ]


def letter(fields: Sequence[Field]) -> Letter:
    """Return a mail from a form: the whole of it where the route hands it on, else what Mailgun read in it."""
    named = {field.name.lower(): field for field in fields if not field.filename}
    whole = next((field for field in fields if field.name.lower() == "body-mime"), None)
    if whole is not None:
        return letters.parse(whole.content)
    if "from" not in named and "sender" not in named:
        raise ValueError("The form holds no mail.")
    headers = _headers(named)
    sent = [field for field in fields if field.filename]
    files = [letters.enclosed(each.filename, each.content_type, each.content) for each in sent]
    called = {field.name: file.filename for field, file in zip(sent, files, strict=True)}
    return Letter(
        headers,
        texts=[named["body-plain"].text] if "body-plain" in named else [],
        htmls=[named["body-html"].text] if "body-html" in named else [],
        files=files,
        inline=_inline(named, called),
    )


def _headers(named: Mapping[str, Field]) -> list[tuple[str, str]]:
    try:
        given = json.loads(named["message-headers"].text) if "message-headers" in named else []
    except (ValueError, RecursionError):
        given = []
    pairs = [each for each in given if isinstance(each, list) and len(each) == 2] if isinstance(given, list) else []
    headers = [(str(name).lower(), decoding.header(str(value))) for name, value in pairs]
    known = {name for name, _ in headers}
    headers += [(name, field.text) for name, field in named.items() if name not in known and _is_header(name)]
    if "recipient" in named:
        headers.append(("delivered-to", named["recipient"].text))
    return headers


def _is_header(name: str) -> bool:
    return name in {"from", "sender", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references",
                    "reply-to", "auto-submitted", "precedence", "list-id"}  # fmt: skip


def _inline(named: Mapping[str, Field], called: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return which pictures the HTML shows: ``content-id-map`` names fields by their Content-IDs."""
    try:
        given = json.loads(named["content-id-map"].text) if "content-id-map" in named else {}
    except (ValueError, RecursionError):
        return []
    pairs = given.items() if isinstance(given, dict) else ()
    return [(str(key).strip("<>"), called[str(value)]) for key, value in pairs if str(value) in called]


def _failure(told: Mapping[str, Any]) -> Rejected:
    status = _below(told, "delivery-status")
    said = (_text(status, "message") or _text(status, "description"))[:500]
    code = answers.enhanced_code(f"{_text(status, 'enhanced-code')} {said}")
    if _text(told, "reason") in NO_MAILBOX and not code:
        return Rejected("invalid_recipient", said, str(status.get("code", "")), suppresses="all")
    return answers.of_bounce(code, said) if code else Rejected("undelivered", said, str(status.get("code", "")))


def _moment(told: Mapping[str, Any], received_at: datetime) -> datetime:
    stamp = told.get("timestamp")
    try:
        return min(datetime.fromtimestamp(float(stamp), UTC), received_at) if stamp else received_at
    except (TypeError, ValueError, OverflowError, OSError):
        return received_at


def _below(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _text(document: Mapping[str, Any], key: str) -> str:
    given = document.get(key)
    return decoding.clean(given) if isinstance(given, str) else ""
