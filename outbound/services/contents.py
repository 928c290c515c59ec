"""What a message says, as it was asked for: its text, its payload and its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import Environment
from conversations.models import Message
from conversations.services import replies
from conversations.services.attachments import StoredFile
from core.errors import Invalid, Problem
from inboxes.channels import payloads
from inboxes.channels.outgoing import Media, Outgoing

OBJECTS = (Message.Type.TEXT, Message.Type.MEDIA, Message.Type.BUTTON, Message.Type.TEMPLATE)


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says; ``media`` are its files as a channel is told of them."""

    kind: str
    text: str = ""
    payload: Mapping[str, Any] | None = None
    files: Sequence[StoredFile] = ()
    media: Sequence[Media] = ()


def read(environment: Environment, asked: Mapping[str, Any]) -> tuple[Content, list[Problem]]:
    """
    Return what a request wants to be said, and which fields of it are missing, wrong or too much.

    What is wrong in itself may be wrong on its channel, too: it is returned as far as it goes.
    """
    kind = asked.get("message_type", Message.Type.TEXT)
    found = [
        Problem(name, "unexpected_field", f"This goes with another message_type, not with {kind}.")
        if name in asked
        else Problem(name, "required", f"A {kind} message needs {name}.")
        for name in OBJECTS
        if (asked.get(name) not in (None, "")) != (name == kind)
    ]
    if asked.get(kind) in (None, ""):
        return Content(Message.Type.TEXT), found
    match kind:
        case Message.Type.MEDIA:
            content, wrong = _media(environment, asked["media"])
            return content, [*found, *wrong]
        case Message.Type.BUTTON:
            return Content(kind, asked["button"]["text"], asked["button"]), found
        case Message.Type.TEMPLATE:
            return Content(kind, "", asked["template"]), found
        case _:
            return Content(kind, asked["text"], {}), found


def restored(kept: Mapping[str, Any]) -> Content:
    """Return the content of a step that was kept (``kept``)."""
    files = [StoredFile(**each) for each in kept["files"]]
    return Content(kept["message_type"], kept["text"], kept["payload"], files)


def said(form: Outgoing) -> Content:
    """Return the content of a message in words, with or without buttons."""
    written = payloads.write(form)
    return Content(written["type"], written["text"], written["payload"])


def kept(content: Content) -> dict[str, Any]:
    """Return a content as JSON."""
    files = [{name: getattr(file, name) for name in StoredFile.__slots__} | {"token": ""} for file in content.files]
    return {"message_type": content.kind, "text": content.text, "payload": dict(content.payload or {}), "files": files}


def _media(environment: Environment, given: Mapping[str, Any]) -> tuple[Content, list[Problem]]:
    content = Content(Message.Type.MEDIA, given.get("caption") or "", given, media=[_unseen(given)])
    try:
        file = replies.file_of(environment, given)
    except Invalid as wrong:
        return content, list(wrong.problems)
    return replace(content, files=[file], media=[replace(replies.media_of(file), kind=given["type"])]), []


def _unseen(given: Mapping[str, Any]) -> Media:
    """Return what is known of a file that is not to be had."""
    return Media(given["type"], given.get("url", ""), path="" if "url" in given else given.get("attachment_id", ""))
