"""Vonage, enacted."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from inboxes.channels.enacted.actor import JSON, Actor, Scene, answer, call, there, written
from inboxes.channels.incoming import Callback, Receipt, Said
from inboxes.channels.outcomes import Rejected
from inboxes.channels.outgoing import Order, Outgoing, Reply
from inboxes.channels.vonage import Vonage

ERRORS = "https://developer.vonage.com/api-errors/messages#"
STATUSES = {"sent": "submitted", "delivered": "delivered", "failed": "undeliverable"}


class VonageActor(Actor):
    """A number's webhooks."""

    tells: ClassVar[frozenset[str]] = frozenset(STATUSES)
    undelivered: ClassVar[Rejected] = Rejected("undelivered", "Destination unreachable", "1260")

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return the webhook of a message."""
        people = {"from": _bare(said.sender.address), "to": _own(scene)}
        told = {"message_uuid": said.id, **people, "timestamp": _moment(said.at), "channel": "sms", **_content(said)}
        profile, context = there(name=said.sender.name), there(message_uuid=said.reply_to)
        return _signed({**told, **there(profile=profile, context=context)}, scene)

    def receipt(self, receipt: Receipt, scene: Scene) -> Callback:
        """Return the webhook of a status."""
        told = {
            "message_uuid": receipt.provider_id,
            "to": _bare(receipt.address),
            "from": _own(scene),
            "timestamp": _moment(receipt.at),
            "status": STATUSES[receipt.status],
            "channel": "sms",
            **there(client_ref=receipt.message_id, error=_error(receipt.failure)),
        }
        return _signed(told, scene)

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return the message's id."""
        return answer({"message_uuid": str(seed)}, 202)

    def refused(self) -> Reply:
        """Return that the number cannot be reached."""
        return answer({**_error(Rejected("", "The number cannot be reached.", "1160"))}, 422)


def _signed(told: Mapping[str, Any], scene: Scene) -> Callback:
    """Return a webhook with its token: HMAC-SHA256 of what it claims, the body's hash among it."""
    body, settings = written(told), scene.settings
    claims = {
        "iss": "Vonage",
        "iat": int(scene.at.timestamp()),
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": settings["api_key"],
    }
    signed = b".".join(_encoded(written(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = _encoded(hmac.digest(str(settings["signature_secret"]).encode(), signed, hashlib.sha256))
    return call(scene, body, {**JSON, Vonage.signature_header: f"Bearer {signed.decode()}.{signature.decode()}"})


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _content(said: Said) -> dict[str, Any]:
    if said.choice:
        return {"message_type": "reply", "reply": {"id": said.choice, "title": said.text}}
    if said.files:
        file = said.files[0]
        about = {"url": file.reference, **there(name=file.filename, caption=said.text)}
        return {"message_type": file.kind, file.kind: about}
    if said.places:
        place = said.places[0]
        where = {"lat": place.latitude, "long": place.longitude}
        return {"message_type": "location", "location": {**where, **there(name=place.name, address=place.address)}}
    return {"message_type": "text", "text": said.text}


def _error(failure: Rejected | None) -> dict[str, Any]:
    if failure is None:
        return {}
    code = failure.provider_code
    return {"type": f"{ERRORS}{code}", "title": code, "detail": failure.detail}


def _own(scene: Scene) -> str:
    return _bare(str(scene.settings["from"]))


def _bare(number: str) -> str:
    return number.removeprefix("+")


def _moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
