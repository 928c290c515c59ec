"""The API channel: the customer builds the interface, with the client API and the cable."""

from typing import ClassVar

from inboxes.channels.base import Channel


class Api(Channel):
    """A custom interface of the customer's own."""

    kind: ClassVar[str] = "api"
    clients_sign: ClassVar[bool] = True
