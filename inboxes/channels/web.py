"""The web channel: the chat on a customer's own pages."""

from typing import ClassVar

from inboxes.channels.base import Channel, Setting


class Web(Channel):
    """A chat widget in a browser."""

    kind: ClassVar[str] = "web"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("allowed_origins", list),
        Setting("appearance", dict),
    )
    clients_sign: ClassVar[bool] = True
