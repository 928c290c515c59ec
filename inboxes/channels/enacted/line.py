"""LINE, enacted."""

import base64
import hashlib
import hmac
from typing import Any
from uuid import UUID

from inboxes.channels.enacted.actor import JSON, Actor, Scene, answer, call, there, written
from inboxes.channels.incoming import Callback, IncomingFile, Said
from inboxes.channels.line import Line
from inboxes.channels.line_events import BEFORE_TITLE
from inboxes.channels.outgoing import Order, Outgoing, Reply

SOURCES = {"C": "group", "R": "room"}


class LineActor(Actor):
    """An official account's events. LINE tells nothing of what became of a message."""

    def sent_id(self, address: str, seed: UUID) -> str:
        """Return a number, as LINE gives them."""
        return str(seed.int % 10**18)

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return the event of a message, or of a button that was pressed."""
        kind = SOURCES.get(said.sender.address[:1], "user")
        event = {
            "mode": "active",
            "timestamp": round(said.at.timestamp() * 1000),
            "source": {"type": kind, f"{kind}Id": said.sender.address},
            "webhookEventId": said.id,
            "deliveryContext": {"isRedelivery": False},
            "replyToken": said.id,
            **_content(said),
        }
        body = written({"destination": str(scene.settings.get("bot_user_id") or ""), "events": [event]})
        digest = hmac.digest(str(scene.settings["channel_secret"]).encode(), body, hashlib.sha256)
        return call(scene, body, {**JSON, Line.signature_header: base64.b64encode(digest).decode()})

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return the message's id."""
        return answer({"sentMessages": [{"id": self.sent_id(message.address, seed), "quoteToken": "sandbox"}]})

    def refused(self) -> Reply:
        """Return that nothing could be sent there."""
        return answer({"message": "Failed to send messages"}, 400)


def _content(said: Said) -> dict[str, Any]:
    if said.choice:
        return {"type": "postback", "postback": {"data": f"{said.choice}{BEFORE_TITLE}{said.text}"}}
    message: dict[str, Any] = {"id": said.id, "type": "text", "text": said.text}
    if said.files:
        message = {"id": said.id, **_file(said.files[0])}
    elif said.places:
        place = said.places[0]
        where = {"latitude": place.latitude, "longitude": place.longitude}
        message = {"id": said.id, "type": "location", **where, **there(title=place.name, address=place.address)}
    return {"type": "message", "message": {**message, **there(quotedMessageId=said.reply_to)}}


def _file(file: IncomingFile) -> dict[str, Any]:
    """Return a file that lies elsewhere than with LINE."""
    provider = {"type": "external", "originalContentUrl": file.reference}
    return {"type": file.kind, "contentProvider": provider, **there(fileName=file.filename)}
