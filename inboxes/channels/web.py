"""The web channel: the chat on a customer's own pages."""

from typing import ClassVar

from inboxes.channels.cable import Cabled


class Web(Cabled):
    """A chat widget in a browser."""

    kind: ClassVar[str] = "web"
