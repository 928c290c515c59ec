"""Messages that wait for their time: said to agents at once, to the person when the time has come."""

from django.db import transaction
from django.utils import timezone

from conversations import events
from conversations.models import Message
from conversations.queries import conversations_of, messages_of
from conversations.services import statuses, timeline
from conversations.services.messages import Author
from conversations.services.story import Story
from core.times import iso


@transaction.atomic
def release(message: Message) -> bool:
    """
    Say a scheduled message now: queued where a provider carries it, sent where it is there on the cable.

    It takes its place in the conversation at this moment, and ``message_out`` tells of it. False for one that is not
    scheduled any more: somebody canceled it, or released it before.
    """
    found = conversations_of(message.environment).get(pk=message.conversation_id)
    conversation = timeline.lock(found).conversation
    message = messages_of(conversation).select_for_update(of=("self",), no_key=True).get(pk=message.pk)
    if message.status != Message.Status.SCHEDULED:
        return False
    message.conversation, message.contact = conversation, conversation.contact
    message.created_at = message.updated_at = timezone.now()
    message.status = statuses.first_of(conversation.inbox)
    message.timeline = [*message.timeline, {"status": message.status, "at": iso(message.created_at)}]
    story = Story(conversation, Author(message.source, message.author).actor)
    if conversation.is_closed:
        story.reopen()
    story.answered(message)
    happened = story.tell(message, events.MessageSent, client_message_id=message.client_message_id)
    message.save(update_fields=["status", "timeline", "sequence", "created_at", "updated_at"])
    timeline.append(conversation, happened)
    return True
