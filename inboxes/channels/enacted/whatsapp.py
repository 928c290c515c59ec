"""The WhatsApp Cloud API, enacted."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from inboxes.channels.enacted.actor import JSON, Actor, Scene, answer, call, there, written
from inboxes.channels.graph import signature
from inboxes.channels.incoming import Callback, IncomingFile, Receipt, Said
from inboxes.channels.outcomes import Rejected
from inboxes.channels.outgoing import Order, Outgoing, Reply
from inboxes.channels.whatsapp import Whatsapp

NAMES = {"image": "image", "video": "video", "audio": "audio", "file": "document"}


class WhatsappActor(Actor):
    """A business number's webhooks."""

    tells: ClassVar[frozenset[str]] = frozenset({"sent", "delivered", "read", "failed"})
    undelivered: ClassVar[Rejected] = Rejected(
        "undelivered", "This message was not delivered to maintain healthy ecosystem engagement.", "131049"
    )

    def sent_id(self, address: str, seed: UUID) -> str:
        """Return an id as WhatsApp gives them."""
        return f"wamid.HBgL{seed.hex.upper()}"

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return the change with a message."""
        number = said.sender.address.removeprefix("+")
        is_number = said.sender.address.startswith("+")
        named = {"wa_id": number} if is_number else {"user_id": number}
        message = {
            ("from" if is_number else "from_user_id"): number,
            "id": said.id,
            "timestamp": str(int(said.at.timestamp())),
            **there(context=there(id=said.reply_to)),
            **_content(said),
        }
        people = [{"profile": {"name": said.sender.name}, **named}]
        return _changed({"contacts": people, "messages": [message]}, scene)

    def receipt(self, receipt: Receipt, scene: Scene) -> Callback:
        """Return the change with a status."""
        address = receipt.address
        who = {"recipient_id": address.removeprefix("+")} if address.startswith("+") else {"recipient_user_id": address}
        status = {
            "id": receipt.provider_id,
            "status": receipt.status,
            "timestamp": str(int(receipt.at.timestamp())),
            **who,
            **there(biz_opaque_callback_data=receipt.message_id, errors=_errors(receipt.failure)),
        }
        return _changed({"statuses": [status]}, scene)

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return the message's id."""
        number = message.address.removeprefix("+")
        people, sent = [{"input": number, "wa_id": number}], [{"id": self.sent_id(message.address, seed)}]
        return answer({"messaging_product": "whatsapp", "contacts": people, "messages": sent})

    def refused(self) -> Reply:
        """Return that the message cannot be delivered."""
        details = "Message Undeliverable."
        error = {"message": "(#131026) Message undeliverable", "type": "OAuthException", "code": 131026}
        return answer({"error": {**error, "error_data": {"details": details}, "fbtrace_id": "sandbox"}}, 400)


def _changed(value: Mapping[str, Any], scene: Scene) -> Callback:
    settings = scene.settings
    metadata = {
        "display_phone_number": str(settings.get("display_phone_number") or "15550000000"),
        "phone_number_id": settings["phone_number_id"],
    }
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    entry = {"id": str(settings.get("waba_id") or "0"), "changes": [change]}
    body = written({"object": Whatsapp.object_type, "entry": [entry]})
    return call(scene, body, {**JSON, Whatsapp.signature_header: signature(str(settings["app_secret"]), body)})


def _content(said: Said) -> dict[str, Any]:
    if said.choice:
        reply = {"type": "button_reply", "button_reply": {"id": said.choice, "title": said.text}}
        return {"type": "interactive", "interactive": reply}
    if said.files:
        return _file(said.files[0], said.text)
    if said.places:
        place = said.places[0]
        where = {"latitude": place.latitude, "longitude": place.longitude}
        return {"type": "location", "location": {**where, **there(name=place.name, address=place.address)}}
    return {"type": "text", "text": {"body": said.text}}


def _file(file: IncomingFile, caption: str) -> dict[str, Any]:
    """Return a file by its address alone: an id would have to be asked for at WhatsApp."""
    name = NAMES[file.kind]
    about = there(mime_type=file.content_type, filename=file.filename, caption=caption)
    return {"type": name, name: {"url": file.reference, "sha256": "", **about}}


def _errors(failure: Rejected | None) -> list[dict[str, Any]]:
    if failure is None:
        return []
    code = int(failure.provider_code) if failure.provider_code.isdecimal() else 131026
    return [{"code": code, "title": failure.detail, "error_data": {"details": failure.detail}}]
