"""What Messenger and Instagram have in common: an account that people write to, and that answers within a day."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from inboxes.channels import answers, page_events
from inboxes.channels.base import Setting
from inboxes.channels.graph import Change, GraphChannel, changes
from inboxes.channels.incoming import Callback, Incoming
from inboxes.channels.outgoing import Button, Media, Outgoing

PERSON = re.compile(r"\d{1,30}", re.ASCII)


class PageChannel(GraphChannel):
    """An account of Meta's with the people that wrote to it."""

    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("page_id", is_needed=True, longest=64, is_account=True),
        Setting("page_access_token", is_secret=True, is_needed=True, longest=1024),
        Setting("app_secret", is_secret=True, is_needed=True, longest=128),
        Setting("verify_token", is_secret=True, is_needed=True, longest=256),
        Setting("account_name", is_ours=True),
    )
    credential: ClassVar[str] = "page_access_token"
    account: ClassVar[str] = "page_id"
    ours: ClassVar[frozenset[str]] = frozenset({"recipient"})

    def address(self, given: str, settings: Mapping[str, Any]) -> str | None:
        """Return the number that Meta gives a person towards this account."""
        given = given.strip()
        return given if PERSON.fullmatch(given) else None

    def about(self, settings: Mapping[str, Any]) -> Callable[[Change], bool]:
        """Everything comes in an entry of the account."""
        ours = str(settings["page_id"])
        return lambda change: str(change[0].get("id")) == ours

    def read(self, callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
        """Return what the callback says of this account. Raises ValueError for what is no callback of Meta's."""
        ours = filter(self.about(settings), changes(answers.callback_of(callback.body)))
        return answers.sound(told for _, event in ours for told in page_events.read(event))


def content(message: Outgoing) -> dict[str, Any]:
    """Return a file, or a text with the replies that may be chosen under it."""
    if message.media:
        return {"attachment": _attachment(message.media[0])}
    if message.buttons:
        return {"text": message.text, "quick_replies": [_quick(button) for button in message.buttons]}
    return {"text": message.text}


def _attachment(media: Media) -> dict[str, Any]:
    return {"type": "file" if media.kind == "document" else media.kind, "payload": {"url": media.url}}


def _quick(button: Button) -> dict[str, str]:
    return {"content_type": "text", "title": button.title, "payload": button.id or button.title}
