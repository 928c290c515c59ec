"""Twilio, enacted."""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID

from inboxes.channels.enacted.actor import Actor, Scene, answer, call, there
from inboxes.channels.incoming import Callback, Receipt, Said
from inboxes.channels.outcomes import Rejected
from inboxes.channels.outgoing import Order, Outgoing, Reply
from inboxes.channels.twilio import Twilio, sign
from inboxes.channels.twilio_forms import MESSAGE_ID

FORM = {"content-type": "application/x-www-form-urlencoded"}
STATUSES = {"sent": "sent", "delivered": "delivered", "failed": "undelivered"}
ANY_NUMBER = "+15005550006"  # of a messaging service, which has several


class TwilioActor(Actor):
    """A number's webhooks."""

    tells: ClassVar[frozenset[str]] = frozenset(STATUSES)
    undelivered: ClassVar[Rejected] = Rejected("undelivered", "Unreachable destination handset", "30003")

    def sent_id(self, address: str, seed: UUID) -> str:
        """Return an id as Twilio gives them."""
        return f"SM{seed.hex}"

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return the form of a message."""
        own = {"From": said.sender.address, "To": str(scene.settings.get("from") or ANY_NUMBER)}
        about = {"MessageSid": said.id, "SmsMessageSid": said.id, "SmsStatus": "received", "NumSegments": "1"}
        words = {"ButtonText": said.text, "ButtonPayload": said.choice} if said.choice else {"Body": said.text}
        more = there(ProfileName=said.sender.name, OriginalRepliedMessageSid=said.reply_to)
        return _signed({**about, **own, "Body": "", **words, **more, **_files(said), **_place(said)}, scene, scene.url)

    def receipt(self, receipt: Receipt, scene: Scene) -> Callback:
        """Return the form of a status, at the address that was given with the message."""
        status = STATUSES[receipt.status]
        fields = {
            "MessageSid": receipt.provider_id,
            "SmsSid": receipt.provider_id,
            "MessageStatus": status,
            "SmsStatus": status,
            "From": str(scene.settings.get("from") or ANY_NUMBER),
            "To": receipt.address,
        }
        if receipt.failure is not None:
            fields |= {"ErrorCode": receipt.failure.provider_code, **there(ErrorMessage=receipt.failure.detail)}
        query = f"?{urlencode({MESSAGE_ID: receipt.message_id})}" if receipt.message_id else ""
        return _signed(fields, scene, scene.url + query)

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return the message that was made."""
        told = {"sid": self.sent_id(message.address, seed), "status": "queued", "to": message.address}
        return answer({**told, "error_code": None, "error_message": None}, 201)

    def refused(self) -> Reply:
        """Return that there is no way to the number."""
        return answer({"code": 21612, "message": "The 'To' phone number cannot be reached.", "status": 400}, 400)


def _signed(fields: Mapping[str, str], scene: Scene, url: str) -> Callback:
    settings = scene.settings
    whole = {**fields, "AccountSid": str(settings["account_sid"]), "ApiVersion": "2010-04-01",
             **there(MessagingServiceSid=settings.get("messaging_service_sid"))}  # fmt: skip
    signature = sign(str(settings["auth_token"]), url, whole.items())
    return call(scene, urlencode(whole).encode(), {**FORM, Twilio.signature_header: signature}, url=url)


def _files(said: Said) -> dict[str, str]:
    told = {"NumMedia": str(len(said.files))}
    for n, file in enumerate(said.files):
        told |= {f"MediaUrl{n}": file.reference, f"MediaContentType{n}": file.content_type}
    return told


def _place(said: Said) -> dict[str, str]:
    if not said.places:
        return {}
    place = said.places[0]
    where = {"Latitude": str(place.latitude), "Longitude": str(place.longitude)}
    return {**where, **there(Label=place.name, Address=place.address)}
