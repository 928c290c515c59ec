"""Messenger and Instagram, enacted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from inboxes.channels.enacted.actor import JSON, Actor, Scene, answer, call, there, written
from inboxes.channels.graph import GraphChannel, signature
from inboxes.channels.incoming import Callback, Receipt, Said
from inboxes.channels.instagram import Instagram
from inboxes.channels.messenger import Messenger
from inboxes.channels.outgoing import Order, Outgoing, Reply


class PageActor(Actor):
    """An account's webhooks."""

    channel: ClassVar[type[GraphChannel]]

    def sent_id(self, address: str, seed: UUID) -> str:
        """Return an id as Meta gives them."""
        return f"m_{seed.hex}"

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return the event of a message."""
        message = {"mid": said.id, **there(text=said.text, attachments=_attachments(said))}
        if said.choice:
            message["quick_reply"] = {"payload": said.choice}
        if said.reply_to:
            message["reply_to"] = {"mid": said.reply_to}
        return self.event(said.sender.address, said.at, {"message": message}, scene)

    def event(self, whose: str, at: datetime, told: Mapping[str, Any], scene: Scene) -> Callback:
        """Return the callback of one event."""
        account = str(scene.settings["page_id"])
        people = {"sender": {"id": whose}, "recipient": {"id": account}}
        event = {**people, "timestamp": milliseconds(at), **told}
        entry = {"id": account, "time": milliseconds(at), "messaging": [event]}
        body = written({"object": self.channel.object_type, "entry": [entry]})
        signed = {self.channel.signature_header: signature(str(scene.settings["app_secret"]), body)}
        return call(scene, body, {**JSON, **signed})

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return the message's id."""
        return answer({"recipient_id": message.address, "message_id": self.sent_id(message.address, seed)})

    def refused(self) -> Reply:
        """Return that the person is not available."""
        error = {"message": "(#551) This person isn't available right now.", "type": "OAuthException", "code": 551}
        return answer({"error": {**error, "error_subcode": 1545041, "fbtrace_id": "sandbox"}}, 400)


class MessengerActor(PageActor):
    """A page's: an echo tells that a message was taken, and brings our own id."""

    channel: ClassVar[type[GraphChannel]] = Messenger
    tells: ClassVar[frozenset[str]] = frozenset({"sent", "delivered", "read"})

    def receipt(self, receipt: Receipt, scene: Scene) -> Callback:
        """Return an echo, a delivery, or that everything until a moment was read."""
        if receipt.status == "sent":
            return self._echo(receipt, scene)
        until = milliseconds(receipt.watermark or receipt.at)
        told: dict[str, Any] = {"read": {"watermark": until}}
        if receipt.status == "delivered":
            told = {
                "delivery": {"watermark": until, **there(mids=[receipt.provider_id] if receipt.provider_id else [])}
            }
        return self.event(receipt.address, receipt.at, told, scene)

    def _echo(self, receipt: Receipt, scene: Scene) -> Callback:
        people = {"sender": {"id": str(scene.settings["page_id"])}, "recipient": {"id": receipt.address}}
        message = {"mid": receipt.provider_id, "is_echo": True, **there(metadata=receipt.message_id)}
        return self.event(receipt.address, receipt.at, {**people, "message": message}, scene)


class InstagramActor(PageActor):
    """An Instagram account's: only what was seen is told."""

    channel: ClassVar[type[GraphChannel]] = Instagram
    tells: ClassVar[frozenset[str]] = frozenset({"read"})

    def receipt(self, receipt: Receipt, scene: Scene) -> Callback:
        """Return that a message was seen."""
        return self.event(receipt.address, receipt.at, {"read": {"mid": receipt.provider_id}}, scene)


def milliseconds(at: datetime) -> int:
    """Return a moment as Meta writes it."""
    return round(at.timestamp() * 1000)


def _attachments(said: Said) -> list[dict[str, Any]]:
    files = [{"type": file.kind, "payload": {"url": file.reference}} for file in said.files]
    places = [
        {"type": "location", "payload": {"coordinates": {"lat": place.latitude, "long": place.longitude}},
         **there(title=place.name)}
        for place in said.places
    ]  # fmt: skip
    return [*files, *places]
