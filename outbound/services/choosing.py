"""Which inbox a message leaves by."""

from collections.abc import Sequence

from accounts.models import Environment
from core import ids
from core.errors import Problem, invalid
from inboxes import channels
from inboxes.models import Inbox


def inbox_for(environment: Environment, channel: str, inbox_id: str | None = None) -> Inbox:
    """
    Return the inbox that is named, or the only one of a channel.

    Raises Invalid: for a channel that nobody knows or that is not connected, for an inbox that is not there or of
    another channel, and where there are several to choose from.
    """
    if channel not in channels.REGISTRY:
        raise invalid("channel", f"channel is one of: {', '.join(channels.REGISTRY)}.", code="unknown_channel")
    open_inboxes = Inbox.of(environment).filter(deleted_at=None).order_by("id")
    if inbox_id is not None:
        row = ids.decode("inb", inbox_id)
        inbox = open_inboxes.filter(pk=row).first() if row is not None else None
        if inbox is None:
            raise invalid("inbox_id", f"There is no inbox {inbox_id[:80]!r}.", code="unknown_inbox")
        if inbox.channel != channel:
            words = f"{inbox.public_id} is an inbox of the {inbox.channel} channel, not of {channel}."
            raise invalid("inbox_id", words, code="inbox_of_another_channel")
        found: Sequence[Inbox] = [inbox]
    else:
        found = list(open_inboxes.filter(channel=channel)[:20])
    if not found:
        connected = ", ".join(sorted(set(open_inboxes.values_list("channel", flat=True)))) or "none"
        words = f"No {channel} inbox is connected; connected channels: {connected}. Add one: POST /v1/inboxes."
        raise invalid("channel", words, code="channel_not_configured")
    if len(found) > 1:
        names = ", ".join(f"{each.public_id} ({each.name[:40]})" for each in found)
        raise invalid("inbox_id", f"There are several {channel} inboxes; say which: {names}.", code="ambiguous_sender")
    found[0].environment = environment
    return found[0]


def under(place: str, problems: Sequence[Problem]) -> list[Problem]:
    """Return problems with their fields below ``place``: ``fallback.0.channel``."""
    return [
        Problem(f"{place}.{each.field}", each.code, each.message, each.limit, each.actual) if place else each
        for each in problems
    ]
