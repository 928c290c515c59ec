"""What became of a message: one rank, forward only, with a timeline."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations import events
from conversations.models import Conversation, Message
from conversations.services import timeline
from core.times import iso
from events.event import SYSTEM, Actor
from inboxes import channels
from inboxes.models import Inbox

RANK = {
    Message.Status.SCHEDULED: -1,
    Message.Status.QUEUED: 0,
    Message.Status.SENDING: 1,
    Message.Status.UNKNOWN: 2,
    Message.Status.SENT: 3,
    Message.Status.FAILED: 4,
    Message.Status.DELIVERED: 5,
    Message.Status.READ: 6,
    Message.Status.CANCELED: 9,
}


@transaction.atomic
def advance(
    conversation: Conversation,
    message: Message,
    status: str,
    *,
    failure: dict[str, Any] | None = None,
    actor: Actor = SYSTEM,
) -> bool:
    """
    Move a message of a locked conversation one step further; False when it already was there or beyond.

    Receipts come late and out of order: a ``delivered`` after ``read`` changes nothing.
    """
    if RANK.get(status, -1) <= RANK.get(message.status, 0):  # type: ignore[call-overload]
        return False
    _change(conversation, message, status, failure=failure, actor=actor)
    return True


@transaction.atomic
def requeue(conversation: Conversation, message: Message, *, actor: Actor = SYSTEM) -> None:
    """
    Let a message of a locked conversation that failed, or that nobody knows about, begin anew.

    The only step back there is; what the provider called it is forgotten, so that old receipts are not taken for new.
    """
    message.provider_id = None
    message.save(update_fields=["provider_id"])
    _change(conversation, message, Message.Status.QUEUED, failure=None, actor=actor)


def first_of(inbox: Inbox) -> Message.Status:
    """Return how a message to a person begins: queued for a provider to carry, or sent, being there on the cable."""
    return Message.Status.QUEUED if channels.find(inbox.channel).is_carried else Message.Status.SENT


def _change(
    conversation: Conversation, message: Message, status: str, *, failure: dict[str, Any] | None, actor: Actor
) -> None:
    before, now = message.status, timezone.now()
    message.status, message.failure, message.updated_at = status, failure, now
    message.timeline = [*message.timeline, {"status": status, "at": iso(now)}]
    message.save(update_fields=["status", "failure", "timeline", "updated_at"])
    changed = events.about_message(
        message, conversation, events.MessageStatusChanged, actor=actor,
        context={"previous": {"status": [before, status]}},
    )  # fmt: skip
    timeline.append(conversation, [changed])
