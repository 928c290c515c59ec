"""What people answer: forms that are filled in, buttons that are pressed, surveys of how it went."""

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
from events.event import SYSTEM, Actor

SURVEY_LIVES = timedelta(days=14)
LARGEST_FORM_BYTES = 64 * 1024
ANSWER_FIELDS = ("name", "title", "value")


def read(given: Any) -> Any:
    """Return a form's values as they may be stored: a list of answers, an object with a survey's, or None."""
    if isinstance(given, list):
        return [_scalars(each, ANSWER_FIELDS) for each in given if isinstance(each, dict)]
    if not isinstance(given, dict):
        return None
    values = _scalars(given, ANSWER_FIELDS)
    response = given.get("csat_survey_response")
    if isinstance(response, dict):
        answer = _scalars(response, ("rating", "feedback_message"))
        if isinstance(rating := answer.get("rating"), str) and rating.isascii() and rating.isdigit():
            answer["rating"] = int(rating[:9])  # forms have no numbers
        values["csat_survey_response"] = answer
    return values


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


def _scalars(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given and not isinstance(given[name], dict | list)}


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
