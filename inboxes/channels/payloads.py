"""Between a message as our API writes it and as channels are asked to say it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from inboxes.channels.outgoing import Button, Media, Outgoing, Template

NOBODY = UUID(int=0)


def read(kind: str, text: str | None, payload: Mapping[str, Any], media: Sequence[Media] = ()) -> Outgoing:
    """
    Return what a message of a type, with its text, payload and files, says; to nobody yet.

    Whoever calls fills in ``id``, ``retry_key``, ``address``, and what else it knows. A text that comes with files is
    their caption.
    """
    is_media = kind == "media" or (kind == "text" and bool(media))
    return Outgoing(
        id="",
        retry_key=NOBODY,
        address="",
        type="media" if is_media else kind,
        text=text or str(payload.get("text") or payload.get("caption") or ""),
        media=media,
        buttons=[_button(each) for each in payload.get("buttons", ())] if kind == "button" else (),
        header=str(payload.get("header") or ""),
        footer=str(payload.get("footer") or ""),
        template=_template(payload) if kind == "template" else None,
    )


def write(message: Outgoing) -> dict[str, Any]:
    """Return ``{type, text, payload}`` of a text or of buttons; reading it gives the same message again."""
    if message.type != "button":
        return {"type": message.type, "text": message.text, "payload": {}}
    around = {"header": message.header, "footer": message.footer}
    buttons = [{name: text for name, text in _fields(each).items() if text} for each in message.buttons]
    payload = {"text": message.text, "buttons": buttons, **{name: text for name, text in around.items() if text}}
    return {"type": "button", "text": message.text, "payload": payload}


def _button(given: Mapping[str, Any]) -> Button:
    return Button(str(given.get("title") or ""), str(given.get("id") or ""), str(given.get("url") or ""))


def _fields(button: Button) -> dict[str, str]:
    return {"title": button.title, "id": button.id, "url": button.url}


def _template(payload: Mapping[str, Any]) -> Template:
    variables = payload.get("variables") or {}
    return Template(str(payload.get("name") or ""), str(payload.get("language") or ""), "", variables, ())
