"""What is said to the WhatsApp Cloud API: the bodies of messages."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inboxes.channels import whatsapp_variables
from inboxes.channels.outgoing import Button, Media, Outgoing, Template

# What WhatsApp calls somebody whose phone number it keeps to itself: the country, and within a group of businesses ENT.
USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}", re.ASCII)


def body(message: Outgoing) -> dict[str, Any]:
    """Return the body that sends a message; every status tells our own id again."""
    kind, content = _content(message)
    said = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **recipient(message.address),
        "type": kind,
        kind: content,
        "biz_opaque_callback_data": message.id,
    }
    return {**said, "context": {"message_id": message.reply_to}} if message.reply_to else said


def recipient(address: str) -> dict[str, str]:
    """Return how somebody is named: by the phone number, digits only, or by the user id."""
    return {"recipient": address} if USER_ID.fullmatch(address) else {"to": address.removeprefix("+")}


def template_of(message: Outgoing) -> Template | None:
    """Return a message's template; one that nobody has seen yet is of the category the message is said to be of."""
    template = message.template
    return replace(template, category=template.category or message.category) if template is not None else None


def _content(message: Outgoing) -> tuple[str, Mapping[str, Any]]:
    template = template_of(message)
    if template is not None:
        return "template", _template(template)
    if message.media:
        media = message.media[0]
        return media.kind, _media(media, message.text)
    if message.buttons:
        return "interactive", _interactive(message)
    return "text", {"body": message.text, "preview_url": False}


def _media(media: Media, caption: str) -> dict[str, str]:
    said = {"link": media.url}
    if caption and media.kind != "audio":
        said["caption"] = caption
    if media.kind == "document" and media.filename:
        said["filename"] = media.filename
    return said


def _interactive(message: Outgoing) -> dict[str, Any]:
    first = message.buttons[0]
    said: dict[str, Any] = {
        "type": "cta_url" if first.url else "button",
        "body": {"text": message.text},
        "action": _link(first) if first.url else {"buttons": [_reply(button) for button in message.buttons]},
    }
    if message.header:
        said["header"] = {"type": "text", "text": message.header}
    if message.footer:
        said["footer"] = {"text": message.footer}
    return said


def _link(button: Button) -> dict[str, Any]:
    return {"name": "cta_url", "parameters": {"display_text": button.title, "url": button.url}}


def _reply(button: Button) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": button.id or button.title, "title": button.title}}


def _template(template: Template) -> dict[str, Any]:
    said: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    components = whatsapp_variables.components(template)
    return {**said, "components": components} if components else said
