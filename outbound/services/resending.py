"""Sending once more what failed, or what nobody knows about, because somebody asks for it."""

from django.db import transaction
from django.utils import timezone

from conversations.models import Message
from conversations.queries import conversations_of, messages_of
from conversations.services import statuses, timeline
from core.errors import Conflict
from events.event import Actor
from outbound.models import Dispatch
from outbound.services import queueing

ENDED = frozenset({Message.Status.FAILED, Message.Status.UNKNOWN})


class NotRetryable(Conflict):
    """The message has not failed."""

    code = "not_retryable"

    def __init__(self, status: str) -> None:
        super().__init__(f"Only a message that failed or is unknown can be sent again; this one is {status}.")


class InboxClosed(Conflict):
    """The message would leave by an inbox that is closed."""

    code = "inbox_closed"

    def __init__(self, channel: str) -> None:
        super().__init__(
            "The inbox that this message would leave by is closed. Send it by another one: POST /v1/send-message with "
            f"the inbox_id of an open {channel} inbox, or on another channel."
        )


@transaction.atomic
def retry(message: Message, *, actor: Actor) -> None:
    """
    Queue a message anew, with all its attempts before it; what it expired by counts from now.

    One whose answer was lost may arrive twice. Raises InboxClosed, NotRetryable for one that neither failed nor is
    unknown.
    """
    found = conversations_of(message.environment).get(pk=message.conversation_id)
    conversation = timeline.lock(found).conversation
    message = messages_of(conversation).get(pk=message.pk)
    dispatches = Dispatch.of(message.environment).select_for_update(no_key=True, of=("self",))
    dispatch = dispatches.select_related("inbox").filter(message=message).first()
    if dispatch is None or message.status not in ENDED:
        raise NotRetryable(message.status)
    if dispatch.inbox.deleted_at is not None:
        raise InboxClosed(dispatch.inbox.channel)
    statuses.requeue(conversation, message, actor=actor)
    now = timezone.now()
    Dispatch.unscoped.filter(pk=dispatch.pk).update(
        state=Dispatch.State.WAITING, next_attempt_at=now, attempts=0, lease_token=None, lease_until=None,
        provider_id="", last_code="", last_detail="", resolve_at=None, lookups=0, finished_at=None, fallback_at=None,
        expires_at=queueing.expiry(dispatch.category, now),
    )  # fmt: skip
    queueing.look_again(dispatch.inbox_id, dispatch.environment_id)
