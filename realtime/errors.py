"""
What can go wrong behind the cable.

    Unreachable    PostgreSQL or Redis is away; the client is sent off to come again
    Malformed      a client said something that is not the protocol; counted, and too much of it ends the socket
"""


class Unreachable(Exception):
    """PostgreSQL or Redis is away."""


class Malformed(Exception):
    """A client said something that is not the protocol; ``kind`` is a word for the metrics."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
