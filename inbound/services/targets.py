"""Which of our messages a provider means: by the id it has for it, in one inbox."""

from collections.abc import Collection, Sequence
from typing import Any

from conversations.models import Message
from conversations.queries import messages_in
from core import ids
from core.bodies import is_storable
from inbound.models import Receival
from inboxes import channels
from inboxes.models import Inbox

LATEST = 20  # messages with buttons that are looked through for the one that was pressed


def named(inbox: Inbox, external_id: str) -> Message | None:
    """Return the message a provider has an id for: one that came, or one that was sent."""
    if not external_id or not is_storable(external_id):
        return None
    came = Receival.of(inbox.environment).filter(
        inbox=inbox, kind=Receival.Kind.MESSAGE, external_id=external_id, message__isnull=False
    )
    found = came.values_list("message_id", flat=True).first()
    if found is None:
        return _first(inbox, provider_id__in=[external_id])
    return _first(inbox, pk=found)


def ours(inbox: Inbox, public_ids: Sequence[str]) -> Message | None:
    """Return the first of our messages (``msg_...``) that is of this inbox."""
    rows = [row for each in public_ids if (row := ids.decode("msg", each)) is not None]
    found = {message.pk: message for message in _of(inbox).filter(pk__in=rows)} if rows else {}
    return next((found[row] for row in rows if row in found), None)


def referred(inbox: Inbox, references: Collection[str]) -> Message | None:
    """Return the latest message that any of several ids of a provider names."""
    references = [each for each in references if is_storable(each)]
    if not references:
        return None
    came = Receival.of(inbox.environment).filter(
        inbox=inbox, kind=Receival.Kind.MESSAGE, external_id__in=references, message__isnull=False
    )
    rows = list(came.values_list("message_id", flat=True))
    found = list(_of(inbox).filter(pk__in=rows)) + list(_of(inbox).filter(provider_id__in=references))
    return max(found, key=lambda message: message.pk, default=None)


def pressed(inbox: Inbox, answered: Message | None, conversation_id: int, choice: str) -> tuple[Message | None, str]:
    """
    Return the message whose button was pressed, and the button's id as whoever sent it called it.

    Where the provider does not say which message it was, it is the latest in the conversation with such a button.
    """
    channel = channels.find(inbox.channel)
    latest = Message.of(inbox.environment).filter(
        conversation=conversation_id, direction=Message.Direction.OUTBOUND, payload__has_key="buttons"
    )
    candidates = [answered] if answered is not None else list(latest.order_by("-id")[:LATEST])
    for message in candidates:
        known = _button_ids(message.payload)
        chosen = channel.chosen(choice, known)
        if chosen in known:
            return message, chosen
    return answered, choice


def _button_ids(payload: Any) -> list[str]:
    buttons = payload.get("buttons") or []
    return [str(each["id"]) for each in buttons if isinstance(each, dict) and each.get("id")]


def _first(inbox: Inbox, **wanted: Any) -> Message | None:
    found: Message | None = _of(inbox).filter(**wanted).order_by("-id").first()
    return found


def _of(inbox: Inbox) -> Any:
    return messages_in(inbox.environment).filter(conversation__inbox=inbox)
