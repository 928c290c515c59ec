"""What Postmark calls us with: mails it took for us, and what became of ours."""

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from inboxes.channels.incoming import Consent, Incoming, IncomingFile, Receipt
from inboxes.channels.mails import addresses, answers, decoding, letters
from inboxes.channels.mails.letters import Letter
from inboxes.channels.outcomes import Rejected

STATUSES = {"Delivery": "delivered", "Bounce": "failed", "Open": "read"}
# Bounces that say nothing of the address: the mail is tried again, or it was no bounce.
PASSING = {"Transient", "SoftBounce", "DnsError", "AutoResponder", "ChallengeVerification", "Subscribe", "Unsubscribe"}
GONE = {"HardBounce", "BadEmailAddress", "ManuallyDeactivated"}


def is_notice(document: Mapping[str, Any]) -> bool:
    """Whether it tells what became of a mail of ours."""
    return isinstance(document.get("RecordType"), str)


def is_mail(document: Mapping[str, Any]) -> bool:
    """Whether it is a mail."""
    return "MessageID" in document and "FromFull" in document


def notice(document: Mapping[str, Any], received_at: datetime) -> list[Incoming]:
    """Return what a notice tells."""
    kind = document["RecordType"]
    at = _moment(document, received_at)
    address = addresses.canonical(_text(document, "Recipient") or _text(document, "Email")) or ""
    if kind == "SpamComplaint":
        return [Consent(address, is_given=False, reason="complained", at=at)] if address else []
    if kind == "SubscriptionChange":
        return _subscription(document, address, at)
    if kind not in STATUSES or (kind == "Bounce" and _text(document, "Type") in PASSING):
        return []
    return [
        Receipt(
            STATUSES[kind],
            at,
            provider_id=_text(document, "MessageID"),
            message_id=_own_id(document),
            address=address,
            failure=_failure(document) if kind == "Bounce" else None,
        )
    ]


def letter(document: Mapping[str, Any]) -> Letter:
    """Return a mail: the whole of it where the server hands it on, else what Postmark read in it. Raises ValueError."""
    raw = document.get("RawEmail")
    if isinstance(raw, str) and raw:
        return letters.parse(raw.encode("utf-8", "surrogateescape"))
    headers = [(_text(each, "Name").lower(), _text(each, "Value")) for each in _list(document, "Headers")]
    for name, key in (("from", "From"), ("to", "To"), ("cc", "Cc"), ("subject", "Subject"), ("date", "Date"),
                      ("reply-to", "ReplyTo"), ("delivered-to", "OriginalRecipient")):  # fmt: skip
        if _text(document, key):
            headers.append((name, _text(document, key)))
    attached = _list(document, "Attachments")
    files = [_file(each) for each in attached]
    inline = [(_text(each, "ContentID").strip("<>"), file.filename) for each, file in zip(attached, files, strict=True)]
    return Letter(
        headers,
        texts=[_text(document, "TextBody")] if _text(document, "TextBody") else [],
        htmls=[_text(document, "HtmlBody")] if _text(document, "HtmlBody") else [],
        files=files,
        inline=[each for each in inline if each[0]],
    )


def _subscription(document: Mapping[str, Any], address: str, at: datetime) -> list[Incoming]:
    if not address or not isinstance(document.get("SuppressSending"), bool):
        return []
    reasons = {"HardBounce": "bounced", "SpamComplaint": "complained"}
    reason = reasons.get(_text(document, "SuppressionReason"), "unsubscribed")
    return [Consent(address, is_given=not document["SuppressSending"], reason=reason, at=at)]


def _failure(document: Mapping[str, Any]) -> Rejected:
    said = _text(document, "Details") or _text(document, "Description")
    kind = _text(document, "Type")
    code = answers.enhanced_code(said)
    if kind in GONE:
        return Rejected("invalid_recipient", said[:500], code or kind, suppresses="all")
    if kind in {"Blocked", "SpamNotification", "DMARCPolicy"}:
        return Rejected("undelivered", said[:500], code or kind)
    return answers.of_bounce(code, said) if code else Rejected("undelivered", said[:500], kind)


def _own_id(document: Mapping[str, Any]) -> str:
    metadata = document.get("Metadata")
    own = metadata.get("dexra_message", "") if isinstance(metadata, Mapping) else ""
    return own if isinstance(own, str) else ""


def _file(given: Mapping[str, Any]) -> IncomingFile:
    try:
        content = b64decode(_text(given, "Content"))
    except binascii.Error:
        content = b""
    return letters.enclosed(_text(given, "Name"), _text(given, "ContentType"), content)


def _moment(document: Mapping[str, Any], received_at: datetime) -> datetime:
    for key in ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"):
        try:
            told = datetime.fromisoformat(_text(document, key))
        except ValueError:
            continue
        return min(told if told.tzinfo else told.replace(tzinfo=UTC), received_at)
    return received_at


def _list(document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    given = document.get(key)
    return [each for each in given if isinstance(each, Mapping)] if isinstance(given, list) else []


def _text(document: Mapping[str, Any], key: str) -> str:
    given = document.get(key)
    return decoding.clean(given) if isinstance(given, str) else ""
