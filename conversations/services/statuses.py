"""What became of a message: one rank, forward only, with a timeline; and forms that were filled in."""

import json
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations import events
from conversations.errors import SurveyOver
from conversations.models import Conversation, Message, SurveyAnswer
from conversations.services import timeline
from core.errors import invalid
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
SURVEY_LIVES = timedelta(days=14)
LARGEST_FORM_BYTES = 64 * 1024


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


@transaction.atomic
def submit(*, conversation: Conversation, message: Message, values: Any, actor: Actor = SYSTEM) -> Message:
    """
    Store what a person filled into a message's form; a survey's answer becomes a rating too.

    Raises SurveyOver after 14 days, Invalid for a rating that is not 1 to 5 and for more than 64 KiB.
    """
    if len(json.dumps(values)) > LARGEST_FORM_BYTES:
        raise invalid("submitted_values", "submitted_values take at most 64 KiB.", code="too_large",
                      limit=LARGEST_FORM_BYTES)  # fmt: skip
    conversation = timeline.lock(conversation).conversation
    if message.content_type == "input_csat":
        if timezone.now() - message.created_at > SURVEY_LIVES:
            raise SurveyOver
        _rate(conversation, message, values)
    if values is None:
        return message
    before = message.content_attributes
    message.content_attributes = {**before, "submitted_values": values}
    message.updated_at = timezone.now()
    message.save(update_fields=["content_attributes", "updated_at"])
    context = {"previous": {"content_attributes": [before, message.content_attributes]}}
    filled = events.about_message(message, conversation, events.MessageStatusChanged, actor=actor, context=context)
    timeline.append(conversation, [filled])
    return message


def _rate(conversation: Conversation, message: Message, values: Any) -> None:
    response = values.get("csat_survey_response") if isinstance(values, dict) else None
    if not isinstance(response, dict):
        return
    rating = response.get("rating")
    if not isinstance(rating, int) or isinstance(rating, bool) or not 1 <= rating <= 5:
        raise invalid("rating", "A rating is a whole number from 1 to 5.", code="out_of_range")
    SurveyAnswer.unscoped.update_or_create(
        environment=conversation.environment,
        message=message,
        defaults={
            "conversation": conversation,
            "contact": conversation.contact,
            "agent": conversation.assignee,
            "rating": rating,
            "feedback": str(response.get("feedback_message") or "")[:20_000],
            "updated_at": timezone.now(),
        },
    )
