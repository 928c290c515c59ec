"""The web channel: the chat on a customer's own pages."""

from typing import ClassVar

from inboxes.channels.base import Channel
from inboxes.channels.cable import ON_THE_CABLE
from inboxes.channels.capabilities import Capabilities


class Web(Channel):
    """A chat widget in a browser."""

    kind: ClassVar[str] = "web"
    capabilities: ClassVar[Capabilities] = ON_THE_CABLE
    clients_sign: ClassVar[bool] = True
