"""Who plays a provider, and where."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from inboxes.channels.incoming import Callback, Receipt, Said
from inboxes.channels.outcomes import Rejected
from inboxes.channels.outgoing import Order, Outgoing, Reply

JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a callback is enacted: in an inbox with these settings, whose provider calls it at ``url``, at a moment."""

    settings: Mapping[str, Any]
    url: str
    at: datetime


class Actor:
    """
    Plays one provider.

    ``tells`` are the receipts it gives, ``says`` what people can write there. ``undelivered`` is how it says that a
    message it had taken did not arrive.
    """

    tells: ClassVar[frozenset[str]] = frozenset()
    says: ClassVar[frozenset[str]] = frozenset({"text", "media", "button", "location"})
    has_files_by_url: ClassVar[bool] = True  # else they come with what was said
    undelivered: ClassVar[Rejected] = Rejected("undelivered")

    def told(self, settings: Mapping[str, Any]) -> frozenset[str]:
        """Return the receipts an inbox with these settings is given."""
        return self.tells

    def said_id(self, address: str, seed: UUID, *, is_choice: bool) -> str:
        """Return what the provider would call something that somebody at an address says."""
        return self.sent_id(address, seed)

    def sent_id(self, address: str, seed: UUID) -> str:
        """Return what the provider would call a message to an address."""
        return str(seed)

    def named(self, public_id: str, provider_id: str, settings: Mapping[str, Any]) -> str:
        """Return how an answer to a message of ours (``msg_...``) names it."""
        return provider_id

    def data(self, button_id: str) -> str:
        """Return what comes back when the button of that id is pressed."""
        return button_id

    def said(self, said: Said, scene: Scene) -> Callback:
        """Return the callback that tells what somebody said."""
        raise NotImplementedError

    def receipt(self, receipt: Receipt, scene: Scene) -> Callback:
        """Return the callback that tells what became of a message; its status is one that is ``told``."""
        raise NotImplementedError

    def taken(self, order: Order, message: Outgoing, seed: UUID) -> Reply:
        """Return how the provider answers when it takes a message."""
        raise NotImplementedError

    def refused(self) -> Reply:
        """Return how it answers when the recipient cannot be reached, for good."""
        raise NotImplementedError


def call(scene: Scene, body: bytes, headers: Mapping[str, str], *, url: str = "") -> Callback:
    """Return the callback with that body; ``url`` where it is called at another than the inbox's own."""
    where = url or scene.url
    query = dict(parse_qsl(urlsplit(where).query, keep_blank_values=True))
    return Callback("POST", where, body, headers, query, received_at=scene.at)


def written(told: Any) -> bytes:
    """Return JSON as it is sent: compact, and all of it ASCII."""
    return json.dumps(told, separators=(",", ":")).encode()


def answer(told: Any, status: int = 200) -> Reply:
    """Return an answer in JSON."""
    return Reply(status, written(told), JSON)


def there(**told: Any) -> dict[str, Any]:
    """Return what of it there is: providers leave out what is empty."""
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}
