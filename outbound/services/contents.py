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


def read(environment: Environment, asked: Mapping[str, Any]) -> Content:
    """Return what a request wants to be said. Raises Invalid, naming every field that is missing, wrong or too much."""
    kind = asked.get("message_type", Message.Type.TEXT)
    found = [
        Problem(name, "unexpected_field", f"This goes with another message_type, not with {kind}.")
        if name in asked
        else Problem(name, "required", f"A {kind} message needs {name}.")
        for name in OBJECTS
        if (asked.get(name) not in (None, "")) != (name == kind)
    ]
    if found:
        raise Invalid(*found)
    match kind:
        case Message.Type.MEDIA:
            return _media(environment, asked["media"])
        case Message.Type.BUTTON:
            return Content(kind, asked["button"]["text"], asked["button"])
        case Message.Type.TEMPLATE:
            return Content(kind, "", asked["template"])
        case _:
            return Content(kind, asked["text"], {})


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


def _media(environment: Environment, given: Mapping[str, Any]) -> Content:
    file = replies.file_of(environment, given)
    media = replace(replies.media_of(file), kind=given["type"])
    return Content(Message.Type.MEDIA, given.get("caption") or "", given, [file], [media])
