"""The web channel: the chat on a customer's own pages."""

from typing import ClassVar

from inboxes.channels.base import Channel


class Web(Channel):
    """A chat widget in a browser."""

    kind: ClassVar[str] = "web"
    clients_sign: ClassVar[bool] = True
