"""The client API's own shapes: pure functions, canonical row in, foreign JSON out."""

from collections.abc import Sequence
from typing import Any

from contacts.models import ContactSession
from conversations.dialect import attachment, contact_row, iso_millis, message_type, sender, status_word, unix
from conversations.models import Conversation, Message, SurveyAnswer
from conversations.serializers import attachments_of
from inboxes.models import Inbox

HOURS = (
    "day_of_week", "closed_all_day", "open_hour", "open_minutes", "close_hour", "close_minutes", "open_all_day",
)  # fmt: skip


def inbox_details(inbox: Inbox) -> dict[str, Any]:
    """Return what anybody may know of an inbox."""
    return {
        "identifier": inbox.identifier,
        "identity_validation_enabled": inbox.hmac_mandatory,
        "name": inbox.name,
        "timezone": inbox.time_zone,
        "working_hours": [{name: day.get(name) for name in HOURS} for day in inbox.working_hours],
        "working_hours_enabled": inbox.working_hours_enabled,
        "csat_survey_enabled": inbox.csat_survey_enabled,
        "greeting_enabled": inbox.greeting_enabled,
    }


def contact_session(session: ContactSession) -> dict[str, Any]:
    """Return a person as their own session sees them: the one place that shows a ``pubsub_token``."""
    contact = session.contact
    return {
        "source_id": session.source_id,
        "pubsub_token": session.pubsub_token,
        "id": contact.pk,
        "name": contact.name,
        "email": contact.email,
        "phone_number": contact.phone_number,
    }


def message(said: Message, *, number: int) -> dict[str, Any]:
    """Return a message of conversation ``number``; contact, author and attachments must be loaded."""
    shown: dict[str, Any] = {
        "id": said.pk,
        "content": said.text,
        "message_type": message_type(said),
        "content_type": said.content_type,
        "content_attributes": said.content_attributes,
        "created_at": unix(said.created_at),
        "conversation_id": number,
    }
    if files := attachments_of(said):
        shown["attachments"] = [attachment(file) for file in files]
    if (written_by := sender(said)) is not None:
        shown["sender"] = written_by
    return shown


def conversation(talk: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """Return a conversation with those of its messages; its contact must be loaded."""
    return {
        "id": talk.number,
        "uuid": str(talk.uuid),
        "inbox_id": talk.inbox_id,
        "contact_last_seen_at": unix(talk.contact_last_seen_at),
        "status": status_word(talk.status),
        "agent_last_seen_at": unix(talk.agent_last_seen_at),
        "messages": [message(said, number=talk.number) for said in messages],
        "contact": contact_row(talk.contact),
    }


def survey(asked: Message, answer: SurveyAnswer | None) -> dict[str, Any]:
    """Return a survey and what was answered. Unlike everywhere else, its conversation is named by the row's id."""
    return {
        "id": asked.pk,
        "csat_survey_response": None if answer is None else _answer(answer),
        "display_type": asked.content_attributes.get("display_type", "emoji"),
        "content": None,
        "inbox_avatar_url": "",
        "inbox_name": asked.conversation.inbox.name,
        "locale": "en",
        "conversation_id": asked.conversation_id,
        "created_at": iso_millis(asked.created_at),
    }


def _answer(answer: SurveyAnswer) -> dict[str, Any]:
    return {
        "id": answer.pk,
        "account_id": answer.environment_id,
        "conversation_id": answer.conversation_id,
        "message_id": answer.message_id,
        "rating": answer.rating,
        "feedback_message": answer.feedback,
        "contact_id": answer.contact_id,
        "assigned_agent_id": answer.agent_id,
        "created_at": iso_millis(answer.created_at),
        "updated_at": iso_millis(answer.updated_at),
    }
