"""The API channel: the customer builds the interface, with the client API and the cable."""

from typing import ClassVar

from inboxes.channels.base import Channel, Setting


class Api(Channel):
    """A custom interface of the customer's own."""

    kind: ClassVar[str] = "api"
    settings: ClassVar[tuple[Setting, ...]] = (Setting("webhook_url"),)  # told what happens, in Chatwoot's words
    clients_sign: ClassVar[bool] = True
