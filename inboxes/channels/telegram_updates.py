"""What the Telegram Bot API's updates say."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from inboxes.channels import phones
from inboxes.channels.incoming import (
    Callback,
    Card,
    Consent,
    Edited,
    Incoming,
    IncomingFile,
    Moved,
    Place,
    Reacted,
    Said,
    Sender,
)

Json = Mapping[str, Any]

# What a message has around what is said in it; whatever else it has is a kind of its own.
AROUND = frozenset({
    "message_id", "message_thread_id", "direct_messages_topic", "from", "sender_chat", "sender_boost_count",
    "sender_business_bot", "sender_tag", "date", "edit_date", "business_connection_id", "chat", "forward_origin",
    "forward_from", "forward_from_chat", "forward_from_message_id", "forward_signature", "forward_sender_name",
    "forward_date", "is_topic_message", "is_automatic_forward", "reply_to_message", "external_reply", "quote",
    "reply_to_story", "reply_to_checklist_task_id", "via_bot", "has_protected_content", "is_from_offline",
    "is_paid_post", "media_group_id", "author_signature", "paid_star_count", "entities", "link_preview_options",
    "suggested_post_info", "effect_id", "caption", "caption_entities", "show_caption_above_media",
    "has_media_spoiler", "reply_markup", "thumb",
})  # fmt: skip
SAID = frozenset({
    "text", "photo", "video", "animation", "audio", "voice", "video_note", "document", "sticker", "location", "venue",
    "contact",
})  # fmt: skip
GONE, THERE = {"kicked", "left"}, {"member", "administrator", "creator"}


def read(update: Json, callback: Callback) -> Iterator[Incoming]:
    """Yield what an update says. Raises KeyError or TypeError for what is not shaped as one."""
    update_id = int(update["update_id"])
    for kind, told in update.items():
        if kind == "update_id":
            continue
        if reader := READERS.get(kind):
            yield from reader(told, f"update:{update_id}", callback)
        elif isinstance(told, dict) and isinstance(told.get("from"), dict):
            yield Said(f"update:{update_id}", _sender(told), callback.received_at, unsupported=kind, raw=told)


def _message(message: Json, _update: str, _callback: Callback) -> Iterator[Incoming]:
    chat = str(message["chat"]["id"])
    if "migrate_to_chat_id" in message:
        yield Moved(chat, str(message["migrate_to_chat_id"]))
        return
    if "migrate_from_chat_id" in message:
        yield Moved(str(message["migrate_from_chat_id"]), chat)
        return
    strange = [kind for kind in message if kind not in AROUND]
    unsupported = "" if SAID.intersection(strange) else next(iter(strange), "message")
    answered = message.get("reply_to_message") or {}
    yield Said(
        _id(chat, message["message_id"]),
        _sender(message),
        _at(message["date"]),
        text=_text(message),
        files=[file for file in (_file(message),) if file],
        places=_places(message),
        cards=_cards(message),
        reply_to=_id(chat, answered["message_id"]) if "message_id" in answered else "",
        unsupported=unsupported,
        raw=message if unsupported else {},
    )


def _edited(message: Json, update: str, _callback: Callback) -> Iterator[Incoming]:
    """A live location is "edited" every few seconds as somebody walks; where they started is enough."""
    if "location" not in message:
        target = _id(message["chat"]["id"], message["message_id"])
        at = _at(message.get("edit_date", message["date"]))
        yield Edited(update, target, _sender(message), at, _text(message))


def _pressed(query: Json, update: str, callback: Callback) -> Iterator[Incoming]:
    """A button was pressed. Its title is on the message it is under, unless that is too old to be told."""
    message = query.get("message") or {}
    sender = _sender({"chat": message.get("chat"), "from": query["from"]})
    if "data" not in query:
        yield Said(update, sender, callback.received_at, unsupported="game", raw=query)
        return
    rows = (message.get("reply_markup") or {}).get("inline_keyboard") or []
    titles = {button.get("callback_data"): button["text"] for row in rows for button in row}
    yield Said(
        f"callback:{query['id']}",
        sender,
        callback.received_at,
        text=str(titles.get(query["data"], query["data"])),
        choice=query["data"],
        reply_to=_id(sender.address, message["message_id"]) if "message_id" in message else "",
    )


def _reacted(reaction: Json, update: str, _callback: Callback) -> Iterator[Incoming]:
    chat = reaction["chat"]
    emojis = [kind.get("emoji", "") for kind in reaction["new_reaction"]]  # custom ones have no emoji of their own
    yield Reacted(
        update,
        _id(chat["id"], reaction["message_id"]),
        _sender({"chat": chat, "from": reaction.get("user") or {}}),
        _at(reaction["date"]),
        next(filter(None, emojis), "\N{WHITE MEDIUM STAR}" if emojis else ""),
    )


def _joined_or_left(change: Json, _update: str, _callback: Callback) -> Iterator[Incoming]:
    """Somebody blocked the bot or let it in again; so do groups."""
    status = change["new_chat_member"]["status"]
    if status in GONE | THERE:
        yield Consent(str(change["chat"]["id"]), status in THERE, at=_at(change["date"]))


READERS: dict[str, Callable[[Json, str, Callback], Iterator[Incoming]]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _pressed,
    "message_reaction": _reacted,
    "my_chat_member": _joined_or_left,
}


def _id(chat: int | str, message: int | str) -> str:
    """Messages are numbered in each chat, not in all of Telegram."""
    return f"{chat}:{message}"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _sender(message: Json) -> Sender:
    """
    Return who is answered: a person, or the group somebody wrote in.

    A phone counts only when it is their own, and told in their own chat: a group is nobody's.
    """
    person = message.get("from") or {}
    chat = message.get("chat") or {"id": person["id"]}  # with people chats are numbered like them
    contact = message.get("contact") or {}
    is_own = contact.get("user_id") is not None and contact["user_id"] == person.get("id") == chat["id"]
    named = chat if "title" in chat else {**chat, **person}
    names = (named.get("title"), named.get("first_name"), named.get("last_name"))
    return Sender(
        str(chat["id"]),
        name=" ".join(filter(None, names)) or named.get("username", ""),
        phone_number=(phones.e164(_plus(contact["phone_number"])) or "") if is_own else "",
        language=person.get("language_code", ""),
    )


def _text(message: Json) -> str:
    """Return the words; a sticker's are its emoji."""
    return str(message.get("text") or message.get("caption") or (message.get("sticker") or {}).get("emoji") or "")


def _file(message: Json) -> IncomingFile | None:
    """Return the file of a message. A picture comes in several sizes, the largest last; an animation twice."""
    if photo := message.get("photo"):
        return IncomingFile("image", photo[-1]["file_id"], content_type="image/jpeg")
    if sticker := message.get("sticker"):
        return _sticker(sticker)
    for name, kind, usual in (
        ("animation", "video", "video/mp4"),
        ("video", "video", "video/mp4"),
        ("video_note", "video", "video/mp4"),
        ("voice", "audio", "audio/ogg"),
        ("audio", "audio", "audio/mpeg"),
        ("document", "file", ""),
    ):
        if told := message.get(name):
            return IncomingFile(kind, told["file_id"], told.get("file_name", ""), told.get("mime_type", usual))
    return None


def _sticker(sticker: Json) -> IncomingFile:
    if sticker.get("is_animated"):
        return IncomingFile("file", sticker["file_id"], content_type="application/x-tgsticker")
    if sticker.get("is_video"):
        return IncomingFile("video", sticker["file_id"], content_type="video/webm")
    return IncomingFile("image", sticker["file_id"], content_type="image/webp")


def _places(message: Json) -> list[Place]:
    """A venue has its location twice."""
    venue = message.get("venue") or {}
    where = venue.get("location") or message.get("location")
    if not where:
        return []
    return [Place(where["latitude"], where["longitude"], venue.get("title", ""), venue.get("address", ""))]


def _cards(message: Json) -> list[Card]:
    contact = message.get("contact")
    if not contact:
        return []
    name = " ".join(filter(None, (contact.get("first_name"), contact.get("last_name"))))
    return [Card(name, [_plus(contact["phone_number"])])]


def _plus(number: str) -> str:
    """Telegram leaves the + out more often than not."""
    return number if number.startswith("+") else f"+{number}"
