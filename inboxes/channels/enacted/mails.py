"""E-mail, enacted: what people write, what servers report by mail, and what Postmark and Mailgun call us with."""

from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from core import crypto
from inboxes.channels.enacted.actor import JSON, Actor, Scene, call, there, written
from inboxes.channels.incoming import Callback, Receipt, Said
from inboxes.channels.mails import addresses, answers, providers, threads
from inboxes.channels.mails.hooks import MAIL
from inboxes.channels.mails.writing import SMTP_BACKEND
from inboxes.channels.outcomes import Rejected
from inboxes.channels.outgoing import MailOrder, Order, Outgoing, Reply

FORM = {"content-type": "application/x-www-form-urlencoded"}
SERVER = "mx.example.com"
POSTMARK_KINDS = {"delivered": "Delivery", "read": "Open", "failed": "Bounce"}
POSTMARK_TIMES = {"delivered": "DeliveredAt", "read": "ReceivedAt", "failed": "BouncedAt"}
MAILGUN_EVENTS = {"delivered": "delivered", "read": "opened", "failed": "failed"}


class MailActor(Actor):
    """Whoever carries an inbox's mail: a server, Postmark or Mailgun."""

    says: ClassVar[frozenset[str]] = frozenset({"text", "media"})
    has_files_by_url: ClassVar[bool] = False
    undelivered: ClassVar[Rejected] = Rejected("undelivered", "550 5.2.2 Mailbox full", "5.2.2")

    def told(self, settings: Mapping[str, Any]) -> frozenset[str]:
        """Return the receipts of whoever carries the mail; a server reports failures alone."""
        carrier = providers.carrier_of(settings)
        return carrier.tells if carrier and carrier.tells else frozenset({"failed"})

    def said_id(self, address: str, seed: UUID, *, is_choice: bool) -> str:
        """Return the Message-ID of a mail from an address."""
        return f"<{seed.hex}@{address.rpartition('@')[2]}>"

    def named(self, public_id: str, provider_id: str, settings: Mapping[str, Any]) -> str:
        """Return its Message-ID: ours, where the provider's own name for it is none."""
        domain = str(settings["from_address"]).rpartition("@")[2]
        return threads.bracketed(provider_id) or threads.message_id(public_id, domain)

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return a mail as it is, or as Mailgun hands it on where its signature is asked for."""
        raw = _mail(said, scene).as_bytes(policy=SMTP)
        if not scene.settings.get("webhook_signing_key"):
            return call(scene, raw, {"content-type": MAIL}, url=_proved(scene))
        fields = {"recipient": _own(scene), "sender": said.sender.address, **_signature(scene), "body-mime": raw}
        return call(scene, urlencode(fields).encode(), FORM, url=_proved(scene))

    def receipt(self, receipt: Receipt, scene: Scene) -> Callback:
        """Return a provider's notice, or the mail in which a server reports that one could not be delivered."""
        match scene.settings.get("provider"):
            case "postmark":
                return call(scene, written(_postmark(receipt)), JSON, url=_proved(scene))
            case "mailgun":
                return call(scene, written(_mailgun(receipt, scene)), JSON, url=_proved(scene))
            case _:
                return call(scene, _bounce(receipt, scene), {"content-type": MAIL}, url=_proved(scene))

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return that it was taken: a server under our Message-ID, a provider under an id of its own."""
        assert isinstance(order, MailOrder)
        if order.backend == SMTP_BACKEND:
            told = {answers.VIA: "smtp", answers.MESSAGE_ID: order.headers.get("Message-ID", "")}
            return Reply(250, b"2.0.0 Ok: queued", told)
        own = f"<{seed.hex}@sandbox.example.com>" if "mailgun" in order.backend else str(seed)
        return Reply(200, b"", {answers.VIA: "api", answers.RECIPIENT_STATUS: "queued", answers.MESSAGE_ID: own})

    def refused(self) -> Reply:
        """Return that the server of the recipient takes no mail for them."""
        told = {answers.VIA: "smtp", answers.STAGE: answers.RECIPIENT}
        return Reply(550, b"5.2.1 The mailbox is disabled", told)


def _proved(scene: Scene) -> str:
    """Return the address a provider was given: with the inbox's secret, if it has one."""
    secret = str(scene.settings.get("inbound_secret") or "")
    separator = "&" if urlsplit(scene.url).query else "?"
    return f"{scene.url}{separator}{urlencode({'secret': secret})}" if secret else scene.url


def _own(scene: Scene) -> str:
    return str(scene.settings["from_address"])


def _mail(said: Said, scene: Scene) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = addresses.named(said.sender.name, said.sender.address)
    mail["To"] = _own(scene)
    mail["Subject"] = str(said.mail.get("subject") or "")
    mail["Date"] = format_datetime(said.at)
    mail["Message-ID"] = said.id
    if answered := threads.bracketed(said.reply_to):
        mail["In-Reply-To"] = answered
        mail["References"] = " ".join([*said.mail.get("references", ()), answered])
    mail.set_content(said.text, cte="base64")
    if said.mail.get("html"):
        mail.add_alternative(str(said.mail["html"]), subtype="html", cte="base64")
    for file in said.files:
        kind, _, subtype = (file.content_type or "application/octet-stream").partition("/")
        mail.add_attachment(file.content, maintype=kind, subtype=subtype or "octet-stream", filename=file.filename)
    return mail


def _bounce(receipt: Receipt, scene: Scene) -> bytes:
    """Return a report (RFC 3464) with the headers of the mail it is about, our Message-ID among them."""
    failure = receipt.failure or MailActor.undelivered
    own, edge = _own(scene), "=_report_of_the_sandbox"
    lines = [
        f"From: Mail Delivery System <mailer-daemon@{SERVER}>",
        f"To: {own}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(receipt.at)}",
        f"Message-ID: <bounce-{receipt.message_id}@{SERVER}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{edge}"',
        f"\n--{edge}\nContent-Type: text/plain\n",
        f"Your mail to {receipt.address} could not be delivered.",
        f"\n--{edge}\nContent-Type: message/delivery-status\n",
        f"Reporting-MTA: dns; {SERVER}\n",
        f"Final-Recipient: rfc822; {receipt.address}",
        "Action: failed",
        f"Status: {failure.provider_code}",
        f"Diagnostic-Code: smtp; {failure.detail}",
        f"\n--{edge}\nContent-Type: text/rfc822-headers\n",
        f"To: {receipt.address}",
        f"Message-ID: {threads.message_id(receipt.message_id, own.rpartition('@')[2])}",
        f"\n--{edge}--\n",
    ]
    return "\n".join(lines).replace("\n", "\r\n").encode()


def _postmark(receipt: Receipt) -> dict[str, Any]:
    told = {
        "RecordType": POSTMARK_KINDS[receipt.status],
        "MessageID": receipt.provider_id,
        "Recipient": receipt.address,
        "MessageStream": "outbound",
        POSTMARK_TIMES[receipt.status]: receipt.at.isoformat(),
        "Metadata": there(dexra_message=receipt.message_id),
    }
    if receipt.failure is not None:
        told |= {"Type": "Unknown", "Email": receipt.address, "Details": receipt.failure.detail}
    return told


def _mailgun(receipt: Receipt, scene: Scene) -> dict[str, Any]:
    told: dict[str, Any] = {
        "event": MAILGUN_EVENTS[receipt.status],
        "timestamp": receipt.at.timestamp(),
        "recipient": receipt.address,
        "message": {"headers": {"message-id": receipt.provider_id.strip("<>")}},
        "user-variables": there(dexra_message=receipt.message_id),
    }
    if receipt.failure is not None:
        status = {"code": 550, "message": receipt.failure.detail, "enhanced-code": receipt.failure.provider_code}
        told |= {"severity": "permanent", "reason": "generic", "delivery-status": status}
    return {"signature": _signature(scene), "event-data": told}


def _signature(scene: Scene) -> dict[str, str]:
    """Return Mailgun's signature; its token is made up of the moment, which is all that makes it another one."""
    timestamp, token = str(int(scene.at.timestamp())), f"{int(scene.at.timestamp() * 1_000_000):050d}"
    key = str(scene.settings.get("webhook_signing_key") or "")
    return {"timestamp": timestamp, "token": token, "signature": crypto.hmac_hex(key, timestamp + token)}
