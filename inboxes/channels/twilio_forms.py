"""What Twilio's callbacks say: forms, each about one message."""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from inboxes.channels import phones, twilio_answers
from inboxes.channels.incoming import Callback, Consent, Incoming, IncomingFile, Place, Receipt, Said, Sender

MESSAGE_ID = "message_id"  # in the query of the URL where Twilio tells what became of a message
STATUSES = {
    "sent": "sent", "delivered": "delivered", "read": "read", "undelivered": "failed", "failed": "failed",
    "canceled": "failed",
}  # fmt: skip
RECEIVED = {"", "received", "receiving"}


def read(callback: Callback) -> Iterator[Incoming]:
    """Yield what a form says: a message, or what became of one of ours. Raises KeyError, ValueError."""
    fields = dict(fields_of(callback))
    yield from _receipt(fields, callback) if is_receipt(fields) else _said(fields, callback)


def is_receipt(fields: Mapping[str, str]) -> bool:
    """Whether a form tells what became of a message of ours, rather than what somebody wrote."""
    return status_of(fields) not in RECEIVED


def fields_of(callback: Callback) -> list[tuple[str, str]]:
    """Return the fields of a form, the empty ones too: they are signed with the others."""
    return parse_qsl(callback.body.decode("utf-8", "replace"), keep_blank_values=True)


def status_of(fields: Mapping[str, str]) -> str:
    return fields.get("MessageStatus") or fields.get("SmsStatus") or ""


def _said(fields: Mapping[str, str], callback: Callback) -> Iterator[Incoming]:
    count = int(fields.get("NumMedia") or 0)
    files = [_file(fields[f"MediaUrl{n}"], fields.get(f"MediaContentType{n}", "")) for n in range(count)]
    sender = Sender(fields["From"], name=fields.get("ProfileName", ""), phone_number=phones.e164(fields["From"]) or "")
    text = fields.get("ButtonText") or fields.get("Body", "")
    places = _places(fields)
    yield Said(
        fields["MessageSid"],
        sender,
        callback.received_at,
        text=text,
        files=files,
        places=places,
        choice=fields.get("ButtonPayload", ""),
        reply_to=fields.get("OriginalRepliedMessageSid", ""),
        unsupported="" if text or files or places else "empty",
        raw={} if text or files or places else dict(fields),
    )
    asked = fields.get("OptOutType", "").upper()  # HELP is a question, answered by Twilio
    if asked in {"STOP", "START"}:
        yield Consent(fields["From"], is_given=asked == "START", at=callback.received_at)


def _receipt(fields: Mapping[str, str], callback: Callback) -> Iterator[Incoming]:
    """Tell what became of a message of ours; queued, accepted and sending are not news."""
    status, code = STATUSES.get(status_of(fields)), fields.get("ErrorCode", "")
    if status is None:
        return
    yield Receipt(
        status,
        callback.received_at,
        provider_id=fields["MessageSid"],
        message_id=callback.query.get(MESSAGE_ID, ""),
        address=fields.get("To", ""),
        failure=twilio_answers.failure(code, fields.get("ErrorMessage", "")) if status == "failed" else None,
    )


def _file(url: str, content_type: str) -> IncomingFile:
    kind = content_type.partition("/")[0]
    return IncomingFile(kind if kind in {"image", "video", "audio"} else "file", url, content_type=content_type)


def _places(fields: Mapping[str, str]) -> list[Place]:
    if not fields.get("Latitude") or not fields.get("Longitude"):
        return []
    latitude, longitude = float(fields["Latitude"]), float(fields["Longitude"])
    return [Place(latitude, longitude, fields.get("Label", ""), fields.get("Address", ""))]
