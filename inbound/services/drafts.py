"""A message that came, as the conversation keeps it."""

from collections.abc import Sequence
from typing import Any

from conversations.models import Message
from conversations.services.attachments import StoredFile
from conversations.services.messages import Draft
from core.times import iso
from inbound.services import places, words
from inbound.services.files import Missing
from inboxes.channels.incoming import Said

LONGEST_PROVIDER_ID = 255
MOST_PEOPLE = 50


def draft(
    said: Said, files: Sequence[StoredFile], missing: Sequence[Missing], *, answered: Message | None, choice: str,
    is_proved: bool,
) -> Draft:  # fmt: skip
    """
    Return what is stored of a message: its words, files, places and cards; the button that was pressed; what it
    answers; whether a mail is from whom it says; and, of a kind that has no place here, the provider's own JSON.
    """
    text = words.text_of(said)
    hanging = [*files, *(each.shown for each in missing), *places.of(said)]
    payload, attributes = _payload(said, answered, choice, text), _attributes(said, missing, answered)
    if said.mail:
        payload["proved"] = attributes["email"]["proved"] = is_proved
    return Draft(
        text=text or None,
        files=hanging,
        type=_type(said, hanging),
        payload=payload,
        content_attributes=attributes,
        provider_id=_provider_id(said),
    )


def _type(said: Said, hanging: Sequence[StoredFile]) -> str:
    if said.choice:
        return str(Message.Type.BUTTON)
    return str(Message.Type.MEDIA if hanging else Message.Type.TEXT)


def _payload(said: Said, answered: Message | None, choice: str, text: str) -> dict[str, Any]:
    """Return what the public API says of a message beyond its text."""
    payload: dict[str, Any] = {}
    if said.choice:
        payload |= {"id": words.tidy_text(choice)[:1000], "title": text[:1000]}
    if answered is not None:
        payload["reply_to"] = answered.public_id
    if said.unsupported:
        payload["unsupported"] = words.tidy_text(said.unsupported)[:60]
    if said.mail:
        payload["subject"] = words.tidy_text(str(said.mail.get("subject") or ""))[:998]
        payload["from"] = said.sender.address
    return payload


def _attributes(said: Said, missing: Sequence[Missing], answered: Message | None) -> dict[str, Any]:
    attributes: dict[str, Any] = {"external_created_at": iso(said.at)}
    if answered is not None:
        attributes["in_reply_to"] = answered.pk
    if said.reply_to:
        attributes["in_reply_to_external_id"] = words.tidy_text(said.reply_to)[:500]
    if said.unsupported:
        attributes |= {"is_unsupported": True, "raw": _raw(said)}
    if missing:
        attributes["missing_files"] = [{"filename": each.shown.filename, "reason": each.reason} for each in missing]
    if said.mail:
        attributes["email"] = _mail(said)
    return attributes


def _raw(said: Said) -> Any:
    raw = words.tidy(said.raw)
    return raw if len(repr(raw)) <= words.MOST_RAW_BYTES else {"too_large": True}


def _mail(said: Said) -> dict[str, Any]:
    told = words.tidy(said.mail)
    kept = {name: told.get(name) for name in ("subject", "message_id", "references", "is_automatic") if name in told}
    html = str(told.get("html") or "")
    kept |= {name: (told.get(name) or [])[:MOST_PEOPLE] for name in ("to", "cc")}
    kept |= {"html": html} if html and len(html.encode()) <= words.MOST_HTML_BYTES else {}
    return {**kept, "from": {"name": words.tidy_text(said.sender.name), "address": said.sender.address}}


def _provider_id(said: Said) -> str | None:
    name = words.tidy_text(str(said.mail.get("message_id") or "")) or said.id
    return name if name and len(name) <= LONGEST_PROVIDER_ID and name.isprintable() else None
