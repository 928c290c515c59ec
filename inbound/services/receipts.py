"""What became of messages that were sent: forward only, however receipts come, and none is lost for coming early."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Q

from contacts.models import ContactSession, Suppression
from contacts.services import wishes
from conversations.models import Message
from conversations.services import progress
from conversations.services.progress import Step
from core import ids
from inbound.services.saying import Taken
from inbound.services.words import tidy_text
from inboxes.channels import phones
from inboxes.channels.incoming import Receipt
from inboxes.channels.outcomes import FAILURES, Rejected
from inboxes.models import Inbox
from inboxes.services import refusals

EARLY = "It is about a message that nobody here knows of yet."
MOST_AT_A_WATERMARK = 500
ON_ITS_WAY = (
    Message.Status.SENDING,
    Message.Status.UNKNOWN,
    Message.Status.SENT,
    Message.Status.FAILED,
    Message.Status.DELIVERED,
)
SUPPRESSES = {"invalid_recipient": Suppression.Reason.BOUNCED, "opted_out": Suppression.Reason.PROVIDER}


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt and the inbox it came to."""

    inbox: Inbox
    receipt: Receipt


def apply(told: Sequence[Told]) -> list[Taken]:
    """
    Take messages further by receipts, in one transaction; returns what came of each.

    ``wait`` is for one whose message is not known (yet): the answer that names it may still be under way.
    """
    found = [_messages(each) for each in told]
    every = {message.pk: message for messages in found for message in messages}
    with transaction.atomic():
        held = progress.lock({message.conversation_id for message in every.values()}) if every else {}
        steps = [_step(each, message) for each, messages in zip(told, found, strict=True) for message in messages]
        if steps:
            progress.advance(held, steps)
        for each, messages in zip(told, found, strict=True):
            _suppress(each, messages)
            _tell_of_refusal(each, messages)
    return [_taken(each, messages) for each, messages in zip(told, found, strict=True)]


def _messages(told: Told) -> Iterable[Message]:
    """Return the messages a receipt is about: by our id if it is echoed, by the provider's, or all until a moment."""
    receipt, inbox = told.receipt, told.inbox
    sent = Message.of(inbox.environment).filter(direction=Message.Direction.OUTBOUND, conversation__inbox=inbox)
    if receipt.watermark is not None:
        return list(_until(told, sent))
    row = ids.decode("msg", receipt.message_id) if receipt.message_id else None
    by_ours = sent.filter(pk=row).first() if row is not None else None
    if by_ours is not None:
        return [] if _is_of_an_earlier_attempt(receipt, by_ours) else [by_ours]
    return list(sent.filter(provider_id=receipt.provider_id)[:1]) if receipt.provider_id else []


def _is_of_an_earlier_attempt(receipt: Receipt, message: Message) -> bool:
    """Whether a failure is that of an attempt after which somebody had the message sent anew."""
    is_other = bool(message.provider_id and receipt.provider_id and message.provider_id != receipt.provider_id)
    return receipt.status == Message.Status.FAILED and (is_other or message.status == Message.Status.QUEUED)


def _until(told: Told, sent: Any) -> Any:
    names = wishes.addresses_of(told.inbox, told.receipt.address)
    theirs = sent.filter(
        Q(conversation__session__source_id__in=names), status__in=ON_ITS_WAY, created_at__lte=told.receipt.watermark
    )
    return theirs.order_by("-id")[:MOST_AT_A_WATERMARK]


def _step(told: Told, message: Message) -> Step:
    receipt = told.receipt
    provider_id = "" if message.provider_id or receipt.watermark is not None else receipt.provider_id[:255]
    failure = failure_of(receipt.failure) if receipt.status == Message.Status.FAILED else None
    return Step(message.pk, receipt.status, failure=failure, provider_id=tidy_text(provider_id))


def failure_of(rejected: Rejected | None) -> dict[str, Any]:
    """Return a message's ``failure`` as everybody is shown it."""
    rejected = rejected or Rejected("undelivered")
    words = FAILURES.get(rejected.code, FAILURES["undelivered"])
    return {
        "code": rejected.code,
        "message": f"{words} {tidy_text(rejected.detail)}".strip()[:500],
        "provider_code": rejected.provider_code or None,
        "permanent": True,
    }


def _suppress(told: Told, messages: Iterable[Message]) -> None:
    rejected, address = told.receipt.failure, told.receipt.address
    if rejected is not None and rejected.suppresses and address and _is_theirs(told, messages):
        reason = SUPPRESSES.get(rejected.code, Suppression.Reason.PROVIDER)
        wishes.stop(told.inbox, address, reason=reason, scope=rejected.suppresses, detail=tidy_text(rejected.detail))


def _tell_of_refusal(told: Told, messages: Iterable[Message]) -> None:
    """Let it be known that a message of ours failed because its provider refuses the whole inbox."""
    failure = told.receipt.failure
    if failure is not None and failure.disconnects and any(True for _ in messages):
        refusals.tell(told.inbox, replace(failure, detail=tidy_text(failure.detail)), told.receipt.at)


def _is_theirs(told: Told, messages: Iterable[Message]) -> bool:
    """
    Whether the address a receipt names is one of whom its message was for; asked where it says which of ours that was.

    Whoever got a mail of ours can write a bounce of it, and name anybody in there.
    """
    if not told.receipt.message_id:
        return True
    spelt = {told.receipt.address, *phones.variants(told.receipt.address)}
    return (
        ContactSession.of(told.inbox.environment)
        .filter(inbox=told.inbox, source_id__in=spelt, contact__in={message.contact_id for message in messages})
        .exists()
    )


def _taken(told: Told, messages: Iterable[Message]) -> Taken:
    contact_id = next((message.contact_id for message in messages), None)
    if contact_id is None and told.receipt.watermark is None:
        return Taken("wait", note=EARLY)
    return Taken("done", contact_id)
