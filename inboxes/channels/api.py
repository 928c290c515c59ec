"""The API channel: the customer builds the interface, with the client API and the cable."""

from typing import ClassVar

from inboxes.channels.base import Setting
from inboxes.channels.cable import Cabled


class Api(Cabled):
    """A custom interface of the customer's own."""

    kind: ClassVar[str] = "api"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("webhook_url"),  # told what happens, in Chatwoot's words
        *Cabled.settings,
    )
