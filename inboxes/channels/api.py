"""The API channel: the customer builds the interface, with the client API and the cable."""

from typing import ClassVar

from inboxes.channels.base import Channel, Setting
from inboxes.channels.cable import ON_THE_CABLE
from inboxes.channels.capabilities import Capabilities


class Api(Channel):
    """A custom interface of the customer's own."""

    kind: ClassVar[str] = "api"
    settings: ClassVar[tuple[Setting, ...]] = (Setting("webhook_url"),)  # told what happens, in Chatwoot's words
    capabilities: ClassVar[Capabilities] = ON_THE_CABLE
    clients_sign: ClassVar[bool] = True
