"""The inboxes that messages leave by, remembered between claims until they change: their settings are sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inboxes import channels
from inboxes.channels.base import Channel
from inboxes.channels.capabilities import Capabilities
from inboxes.models import Inbox

MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """An inbox, opened: its channel's settings, and what it can do with them."""

    inbox: Inbox
    channel: Channel
    settings: Mapping[str, Any]
    limits: Capabilities


class Inboxes:
    """Remembers inboxes; lives in one thread."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}

    def known(self, updated: Mapping[int, datetime]) -> dict[int, Known]:
        """Return inboxes, read anew where they were changed at another time than is known here."""
        stale = [pk for pk, at in updated.items() if pk not in self._known or self._known[pk].inbox.updated_at != at]
        if stale:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            for inbox in Inbox.unscoped.filter(pk__in=[*stale, *(pk for pk in updated if pk not in self._known)]):
                if inbox.channel in channels.REGISTRY:  # else another version of us speaks it
                    self._known[inbox.pk] = _opened(inbox)
        return {pk: self._known[pk] for pk in updated if pk in self._known}

    def get(self, inbox_id: int) -> Known:
        """Return an inbox that was asked for before."""
        return self._known[inbox_id]


def _opened(inbox: Inbox) -> Known:
    channel = channels.find(inbox.channel)
    return Known(inbox, channel, inbox.settings, channel.limits(inbox.settings))
