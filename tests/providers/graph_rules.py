"""What Meta's Graph API takes as a message, by its documents: the rules of the fake, which knows no adapter."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Rule = Callable[[Mapping[str, Any]], Iterator[str]]

PHONE = re.compile(r"\+?[1-9]\d{6,14}")
USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
LINK = re.compile(r"https?://[^\s/]+\S*")
KNOWN_FIELDS = frozenset({"messaging_product", "recipient_type", "to", "recipient", "type", "context",
                          "biz_opaque_callback_data"})  # fmt: skip
SUB_TYPES = frozenset({"url", "quick_reply", "copy_code", "flow", "catalog"})
PARAMETERS = frozenset({"text", "currency", "date_time", "image", "video", "document", "payload", "coupon_code",
                        "location", "action", "limited_time_offer"})  # fmt: skip


def of_whatsapp(said: Any) -> list[str]:
    """Return what is wrong with the body of a WhatsApp message."""
    if not isinstance(said, dict):
        return ["The body must be a JSON object"]
    kind = str(said.get("type", "text")).lower()
    rule = WHATSAPP.get(kind)
    found = list(_envelope(said, kind))
    if rule is None:
        return [*found, f"type must be one of {', '.join(sorted(WHATSAPP))}"]
    content = said.get(kind)
    return [*found, *(rule(content) if isinstance(content, dict) else [f"The parameter {kind} is required"])]


def of_page(said: Any, *, is_instagram: bool) -> list[str]:
    """Return what is wrong with the body of a message to Messenger or Instagram."""
    recipient, message = said.get("recipient"), said.get("message")
    found = [] if isinstance(recipient, dict) and str(recipient.get("id", "")).isdigit() else ["recipient"]
    if not is_instagram and said.get("messaging_type") not in {"RESPONSE", "UPDATE", "MESSAGE_TAG"}:
        found.append("messaging_type")
    if not isinstance(message, dict) or ("text" in message) == ("attachment" in message):
        return [*found, "message needs either text or attachment"]
    if "metadata" in message and (is_instagram or len(message["metadata"]) > 1000):
        found.append("message[metadata]")
    if "text" in message:
        length = len(message["text"].encode()) if is_instagram else len(message["text"])
        found += [] if 1 <= length <= (1000 if is_instagram else 2000) else ["message[text] is too long or empty"]
    found += _quick_replies(message.get("quick_replies", []))
    return found + (_attachment(message["attachment"], is_instagram=is_instagram) if "attachment" in message else [])


def _envelope(said: Mapping[str, Any], kind: str) -> Iterator[str]:
    if said.get("messaging_product") != "whatsapp":
        yield "The parameter messaging_product is required"
    if said.get("recipient_type", "individual") != "individual":
        yield "recipient_type must be individual"
    for name in said.keys() - KNOWN_FIELDS - {kind}:
        yield f"Unexpected key {name} on param"
    if "context" in said and not str(said["context"].get("message_id", "")).startswith("wamid."):
        yield "context.message_id is not a message id"
    if len(said.get("biz_opaque_callback_data", "")) > 512:
        yield "biz_opaque_callback_data has at most 512 characters"
    yield from _recipient(said.get("to"), said.get("recipient"))


def _recipient(to: Any, user: Any) -> Iterator[str]:
    if to is None and user is None:
        yield "The parameter to is required"
    if to is not None and not (isinstance(to, str) and PHONE.fullmatch(to)):
        yield "to is not a valid phone number"
    if user is not None and not (isinstance(user, str) and USER_ID.fullmatch(user)):
        yield "recipient is not a valid user id"


def _length(name: str, text: Any, most: int, least: int = 1) -> Iterator[str]:
    if not isinstance(text, str) or not least <= len(text) <= most:
        yield f"Param {name} must have {least} to {most} characters"


def _text(text: Mapping[str, Any]) -> Iterator[str]:
    yield from _length("text['body']", text.get("body"), 4096)
    if not isinstance(text.get("preview_url", False), bool):
        yield "text['preview_url'] must be a boolean"


def _media(*allowed: str) -> Rule:
    def check(media: Mapping[str, Any]) -> Iterator[str]:
        if ("link" in media) == ("id" in media):
            yield "Exactly one of link and id is needed"
        if "link" in media and not LINK.fullmatch(media["link"]):
            yield f"{media['link']} is no valid URI"
        for name in media.keys() - {"link", "id", *allowed}:
            yield f"Unexpected key {name} on param"
        yield from _length("caption", media.get("caption", ""), 1024, 0)

    return check


def _interactive(said: Mapping[str, Any]) -> Iterator[str]:
    yield from _length("interactive['body']['text']", said.get("body", {}).get("text"), 1024)
    for name in ("header", "footer"):
        if name in said:
            yield from _length(f"interactive['{name}']['text']", said[name].get("text"), 60)
    if "header" in said and str(said["header"].get("type")).lower() != "text":
        yield "header type"
    action = said.get("action", {})
    match str(said.get("type")).lower():
        case "button":
            yield from _replies(action.get("buttons", []))
        case "cta_url":
            parameters = action.get("parameters", {})
            yield from _length("display_text", parameters.get("display_text"), 20)
            if action.get("name") != "cta_url" or not LINK.fullmatch(str(parameters.get("url"))):
                yield "cta_url needs a name and a URL"
        case "list":
            yield from _list(action)
        case kind:
            yield f"interactive['type'] cannot be {kind}"


def _replies(buttons: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not 1 <= len(buttons) <= 3:
        yield "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"
    replies = [each.get("reply", {}) for each in buttons]
    for reply in replies:
        yield from _length("button title", reply.get("title"), 20)
        yield from _length("button id", reply.get("id"), 256)
    if len({reply.get("id") for reply in replies}) < len(replies):
        yield "Duplicated button id"
    if len({reply.get("title") for reply in replies}) < len(replies):
        yield "Duplicated button title"


def _list(action: Mapping[str, Any]) -> Iterator[str]:
    sections = action.get("sections", [])
    rows = [row for section in sections for row in section.get("rows", [])]
    yield from _length("list button", action.get("button"), 20)
    if not 1 <= len(sections) <= 10 or not 1 <= len(rows) <= 10:
        yield "A list has at most 10 sections and 10 rows in all"
    for row in rows:
        yield from _length("row id", row.get("id"), 200)
        yield from _length("row title", row.get("title"), 24)
        yield from _length("row description", row.get("description", ""), 72, 0)


def _template(said: Mapping[str, Any]) -> Iterator[str]:
    yield from _length("template['name']", said.get("name"), 512)
    if not isinstance(said.get("language", {}).get("code"), str):
        yield "template['language']['code'] is required"
    for component in said.get("components", []):
        kind = str(component.get("type")).lower()
        if kind not in {"header", "body", "button", "carousel", "limited_time_offer"}:
            yield f"template component type {kind}"
        if kind == "button" and (str(component.get("sub_type")).lower() not in SUB_TYPES
                                 or not str(component.get("index", "")).isdigit()):  # fmt: skip
            yield "A button needs a sub_type and an index"
        for parameter in component.get("parameters", []):
            yield from _parameter(parameter)


def _parameter(parameter: Mapping[str, Any]) -> Iterator[str]:
    what = str(parameter.get("type")).lower()
    if what not in PARAMETERS or what not in parameter:
        yield f"template parameter {what}"
    elif what == "text":
        yield from _length("parameter text", parameter["text"], 1024)
    elif what in {"image", "video", "document"}:
        yield from _media("filename")(parameter[what])


def _reaction(said: Mapping[str, Any]) -> Iterator[str]:
    if not str(said.get("message_id", "")).startswith("wamid.") or "emoji" not in said:
        yield "A reaction needs a message_id and an emoji"


def _location(said: Mapping[str, Any]) -> Iterator[str]:
    if not {"latitude", "longitude"} <= said.keys():
        yield "A location needs latitude and longitude"


WHATSAPP: Mapping[str, Rule] = {
    "text": _text,
    "image": _media("caption"),
    "video": _media("caption"),
    "audio": _media(),
    "sticker": _media(),
    "document": _media("caption", "filename"),
    "interactive": _interactive,
    "template": _template,
    "reaction": _reaction,
    "location": _location,
}


def _quick_replies(replies: Sequence[Mapping[str, Any]]) -> list[str]:
    found = ["message[quick_replies] has at most 13"] if len(replies) > 13 else []
    for reply in replies:
        is_text = reply.get("content_type") == "text"
        if not is_text or not 1 <= len(reply["title"]) <= 20 or not 1 <= len(reply["payload"]) <= 1000:
            found.append(f"quick reply {reply}")
    return found


def _attachment(attachment: Mapping[str, Any], *, is_instagram: bool) -> list[str]:
    kind, payload = attachment.get("type"), attachment.get("payload", {})
    if kind in {"image", "video", "audio"} | (set() if is_instagram else {"file"}):
        return [] if LINK.fullmatch(str(payload.get("url"))) else ["attachment[payload][url]"]
    if kind != "template" or payload.get("template_type") != "button" or is_instagram:
        return [f"attachment[type] {kind}"]
    buttons = payload.get("buttons", [])
    found = [] if 1 <= len(payload.get("text", "")) <= 640 and 1 <= len(buttons) <= 3 else ["button template"]
    for button in buttons:
        named = {"web_url": "url", "postback": "payload"}.get(button.get("type"), "")
        if not button.get(named) or not 1 <= len(button["title"]) <= 20:
            found.append(f"button {button}")
    return found
