"""Taking back a message that has not left yet."""

from django.db import transaction
from django.utils import timezone

from conversations.models import Message
from conversations.queries import conversations_of, messages_of
from conversations.services import statuses, timeline
from core.errors import Conflict
from events.event import Actor
from outbound.models import Dispatch
from outbound.services import queueing


class NotCancelable(Conflict):
    """The message is on its way, or beyond."""

    code = "not_cancelable"

    def __init__(self, status: str) -> None:
        super().__init__(f"Only a message that is queued or scheduled can be canceled; this one is {status}.")


@transaction.atomic
def cancel(message: Message, *, actor: Actor) -> None:
    """
    Take a message out of the queue; whoever was about to send it finds it gone.

    Raises NotCancelable for one that is being sent, or was.
    """
    environment = message.environment
    found = conversations_of(environment).get(pk=message.conversation_id)
    conversation = timeline.lock(found).conversation
    message = messages_of(conversation).get(pk=message.pk)
    message.conversation = conversation
    if message.status == Message.Status.QUEUED:
        queueing.enqueue(message)  # whoever queues replies may not have come to it yet
    waiting = Dispatch.of(environment).filter(message=message, state=Dispatch.State.WAITING)
    gone = waiting.update(state=Dispatch.State.CANCELED, next_attempt_at=None, finished_at=timezone.now())
    if not gone or not statuses.advance(conversation, message, Message.Status.CANCELED, actor=actor):
        raise NotCancelable(message.status)
    queueing.look_again(conversation.inbox_id, environment.pk)  # what waited behind it need not
