"""What a conversation says by itself: greeting, out of office, survey, and the trace of what was done."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from conversations import events
from conversations.models import Conversation, Message
from conversations.services import statuses, timeline
from core.times import iso
from events.event import SYSTEM, Actor
from inboxes import channels
from inboxes.models import Inbox

SURVEY_QUESTION = "Please rate this conversation"


def answer(conversation: Conversation, *, is_first: bool) -> None:
    """Greet who writes for the first time, and say so when the office is closed. Inside the message's transaction."""
    inbox = conversation.inbox
    if conversation.contact.blocked:
        return
    if is_first and inbox.greeting_enabled and inbox.greeting_message:
        _say(conversation, inbox.greeting_message)
    if inbox.working_hours_enabled and inbox.out_of_office_message and not is_open(inbox, timezone.now()):
        _say(conversation, inbox.out_of_office_message)


def may_answer(inbox: Inbox) -> bool:
    """Whether an inbox ever says anything by itself to whoever writes."""
    return inbox.greeting_enabled or inbox.working_hours_enabled


def ask_how_it_went(conversation: Conversation) -> None:
    """Send the survey after a conversation was closed, if the inbox has it on; through a provider goes a link to it."""
    inbox = conversation.inbox
    is_carried = channels.find(inbox.channel).is_carried
    if not inbox.csat_survey_enabled or (is_carried and conversation.contact.blocked):
        return
    page = f" {settings.BASE_URL}/survey/responses/{conversation.uuid}" if is_carried else ""
    _say(conversation, f"{SURVEY_QUESTION}{page}", content_type="input_csat",
         content_attributes={"display_type": "emoji"})  # fmt: skip


def trace(conversation: Conversation, text: str, *, actor: Actor = SYSTEM) -> None:
    """Leave a line among the messages that says what was done; agents only."""
    _add(conversation, events.MessageNoted, actor, kind=Message.Kind.ACTIVITY, text=text)


def is_open(inbox: Inbox, moment: datetime) -> bool:
    """Whether an inbox works at that moment, by its own clock."""
    local = moment.astimezone(ZoneInfo(inbox.time_zone))
    today = local.isoweekday() % 7  # day 0 is Sunday
    hours = next((day for day in inbox.working_hours if day["day_of_week"] == today), None)
    if hours is None or hours["closed_all_day"]:
        return False
    if hours["open_all_day"]:
        return True
    minutes = local.hour * 60 + local.minute
    opens = (hours["open_hour"] or 0) * 60 + (hours["open_minutes"] or 0)
    closes = (hours["close_hour"] or 0) * 60 + (hours["close_minutes"] or 0)
    return bool(opens <= minutes < closes)


def _say(conversation: Conversation, text: str, **fields: Any) -> None:
    status = statuses.first_of(conversation.inbox)
    _add(conversation, events.MessageSent, SYSTEM, kind=Message.Kind.AUTOMATIC, status=status, text=text, **fields)


def _add(conversation: Conversation, event: type[events.MessageEvent], actor: Actor, **fields: Any) -> None:
    held, now = timeline.lock(conversation), timezone.now()
    status = fields.setdefault("status", Message.Status.SENT)
    message = Message(
        id=held.next_message_id,
        environment=conversation.environment,
        conversation=conversation,
        contact=conversation.contact,
        direction=Message.Direction.OUTBOUND,
        source=Message.Source.SYSTEM,
        timeline=[{"status": status, "at": iso(now)}],
        sequence=conversation.sequence + 1,
        created_at=now,
        updated_at=now,
        **fields,
    )
    message.made_attachments = []  # type: ignore[attr-defined]  # spares serializers a query
    timeline.show_as_last(conversation, message)
    timeline.append(
        conversation,
        [events.about_message(message, conversation, event, actor=actor)],
        message=message,
    )
