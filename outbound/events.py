"""What can happen on the way to providers: events about inboxes, for whoever operates them."""

from typing import Any

from core import ids
from events.event import Event
from inboxes.models import Inbox


class InboxEvent(Event):
    """Something happened to an inbox; ``data["inbox"]`` says which one."""


class InboxDisconnected(InboxEvent):
    """The provider refuses the inbox's credentials, or is away: messages wait until that is mended, or over."""

    type = "inbox_disconnected"


class InboxReconnected(InboxEvent):
    """The provider takes the inbox's messages again, after it was said that it does not."""

    type = "inbox_reconnected"


def about(inbox: Inbox, kind: type[InboxEvent], *, livemode: bool, data: dict[str, Any] | None = None) -> InboxEvent:
    """Return the event of that kind about an inbox."""
    return kind(
        environment_id=inbox.environment_id,
        livemode=livemode,
        data={
            "inbox_id": ids.encode("inb", inbox.pk),
            "source_channel": inbox.channel,
            "inbox": {"id": ids.encode("inb", inbox.pk), "name": inbox.name, "channel": inbox.channel},
            **(data or {}),
        },
        context={"inbox_id": inbox.pk},
    )
