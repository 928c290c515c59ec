"""Between a message as our API writes it and as channels are asked to say it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core.remains import Part
from inboxes.channels.outgoing import Button, Media, Outgoing, Template

NOBODY = UUID(int=0)
NOWHERE = "https://nowhere.invalid/"


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
        buttons=_buttons(payload.get("buttons", ())) if kind == "button" else (),
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


def _buttons(given: Sequence[Any]) -> list[Button]:
    """Return buttons in their order, those that are malformed behind all others: they count, too."""
    well_formed = [_button(each) for each in given]
    if not isinstance(given, Part):
        return well_formed
    are_links = bool(well_formed) and all(button.url for button in well_formed)
    return [*well_formed, *(_guessed(each, like_a_link=are_links) for each in given.lost)]


def _guessed(given: Any, *, like_a_link: bool) -> Button:
    """Return a malformed button as what it was meant to be: where it does not say, the same as those beside it."""
    said = given if isinstance(given, Mapping) else {}
    texts = {name: text for name, text in said.items() if isinstance(text, str)}
    is_link = like_a_link if ("id" in said) == ("url" in said) else "url" in said
    title = texts.get("title", "")
    return Button(title, url=NOWHERE) if is_link else Button(title, texts.get("id", ""))


def _button(given: Mapping[str, Any]) -> Button:
    return Button(str(given.get("title") or ""), str(given.get("id") or ""), str(given.get("url") or ""))


def _fields(button: Button) -> dict[str, str]:
    return {"title": button.title, "id": button.id, "url": button.url}


def _template(payload: Mapping[str, Any]) -> Template:
    variables = payload.get("variables") or {}
    return Template(str(payload.get("name") or ""), str(payload.get("language") or ""), "", variables, ())
