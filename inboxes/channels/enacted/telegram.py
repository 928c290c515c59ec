"""Telegram, enacted."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from inboxes.channels.enacted.actor import JSON, Actor, Scene, answer, call, there, written
from inboxes.channels.incoming import Callback, IncomingFile, Place, Said
from inboxes.channels.outgoing import Order, Outgoing, Reply
from inboxes.channels.telegram import CHAT_ID, Telegram, data_of

MOST_MESSAGES = 2_000_000_000
NAMES = {"video": "video", "audio": "audio", "file": "document"}


class TelegramActor(Actor):
    """A bot's updates. Telegram tells nothing of what became of a message."""

    def said_id(self, address: str, seed: UUID, *, is_choice: bool) -> str:
        """Return an id: messages are numbered in each chat, presses of buttons in all of them."""
        return f"callback:{seed.int % 10**18}" if is_choice else self.sent_id(address, seed)

    def sent_id(self, address: str, seed: UUID) -> str:
        """Return the chat with the number of the message in it."""
        return f"{address}:{1 + seed.int % MOST_MESSAGES}"

    def data(self, button_id: str) -> str:
        """Return the button's data, which stands for a long id."""
        return data_of(button_id)

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return an update with a message, or with a button that was pressed."""
        told = {"callback_query": _pressed(said)} if said.choice else {"message": _message(said)}
        headers = {**JSON, Telegram.signature_header: str(scene.settings["callback_secret"])}
        return call(scene, written({"update_id": _number(said.id), **told}), headers)

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return the message that was sent."""
        chat, _, number = self.sent_id(message.address, seed).rpartition(":")
        sent = {"message_id": int(number), "date": 0, "chat": _chat(chat, "")}
        return answer({"ok": True, "result": [sent] if len(message.media) > 1 else sent})

    def refused(self) -> Reply:
        """Return that there is no such chat."""
        return answer({"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}, 400)


def _number(said_id: str) -> int:
    return int(said_id.rpartition(":")[2]) % MOST_MESSAGES


def _message(said: Said) -> dict[str, Any]:
    told = {
        "message_id": _number(said.id),
        "date": int(said.at.timestamp()),
        "chat": _chat(said.sender.address, said.sender.name),
        "from": _person(said),
    }
    chat, _, answered = said.reply_to.rpartition(":")
    if chat and answered.isdecimal():
        told["reply_to_message"] = {"message_id": int(answered), "date": 0, "chat": told["chat"]}
    words = {"caption" if said.files else "text": said.text} if said.text else {}
    return {**told, **words, **_file(said.files[0] if said.files else None), **_place(said)}


def _pressed(said: Said) -> dict[str, Any]:
    """Return a press; the title of the button is on the message it is under, if that is known."""
    told = {"id": said.id.rpartition(":")[2], "from": _person(said), "chat_instance": "1", "data": said.choice}
    answered = said.reply_to.rpartition(":")[2]
    if answered.isdecimal():
        keyboard = {"inline_keyboard": [[{"text": said.text, "callback_data": said.choice}]]}
        chat = _chat(said.sender.address, said.sender.name)
        told["message"] = {"message_id": int(answered), "date": 1, "chat": chat, "reply_markup": keyboard}
    return told


def _chat(address: str, name: str) -> dict[str, Any]:
    """Return the chat; groups have negative numbers, and a title."""
    if address.startswith("-"):
        return {"id": _id(address), "type": "group", "title": name}
    return {"id": _id(address), "type": "private", "first_name": name}


def _person(said: Said) -> dict[str, Any]:
    told = {"id": _id(said.sender.address.lstrip("-")), "is_bot": False, "first_name": said.sender.name}
    return {**told, **there(language_code=said.sender.language)}


def _id(address: str) -> int | str:
    """Return a number, but for the names that the sandbox's own recipients have."""
    return int(address) if CHAT_ID.fullmatch(address) else address


def _file(file: IncomingFile | None) -> Mapping[str, Any]:
    if file is None:
        return {}
    about = {"file_id": file.reference, "file_unique_id": "1", "file_size": 0}
    if file.kind == "image":
        return {"photo": [{**about, "width": 0, "height": 0}]}
    return {NAMES[file.kind]: {**about, **there(file_name=file.filename, mime_type=file.content_type)}}


def _place(said: Said) -> Mapping[str, Any]:
    if not said.places:
        return {}
    place: Place = said.places[0]
    where = {"latitude": place.latitude, "longitude": place.longitude}
    if place.name or place.address:
        return {"venue": {"location": where, "title": place.name, "address": place.address}, "location": where}
    return {"location": where}
