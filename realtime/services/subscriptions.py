"""One identifier on one socket: what it may listen to, and the frames held back while it catches up."""

from collections import deque

from realtime.authentication import Grant
from realtime.cable import frames
from realtime.services import limits
from realtime.services.outbox import Frame, Outbox
from realtime.transport import NOWHERE, Position


class Subscription:
    """
    One identifier on one socket.

    ``base`` is where each stream stood when live frames began to count; everything behind it is history.
    ``origin`` is that of the first subscription in a chain of restored connections: a client without a position
    of its own has received nothing since then.
    """

    __slots__ = ("_held", "_held_bytes", "base", "extended", "grant", "head", "identifier", "is_catching_up",
                 "is_confirmed", "is_lost", "origin", "outbox", "socket_id")  # fmt: skip

    def __init__(self, identifier: str, grant: Grant, outbox: Outbox, *, socket_id: str, extended: bool) -> None:
        self.identifier = identifier
        self.grant = grant
        self.outbox = outbox
        self.socket_id = socket_id
        self.extended = extended
        self.head = frames.message_head(identifier)
        self.base: dict[str, Position] = {}
        self.origin: dict[str, Position] = {}
        self.is_confirmed = False
        self.is_catching_up = False
        self.is_lost = False  # a hole opened: it gets nothing more, its socket is sent to resync
        self._held: deque[tuple[str, int, Frame]] | None = None
        self._held_bytes = 0

    @property
    def is_held(self) -> bool:
        """Whether live frames wait for the history to be sent."""
        return self._held is not None

    def deliver(self, frame: Frame, stream: str, offset: int) -> None:
        """Send a live frame, or keep it until the history is sent; offset 0 has no place in the stream."""
        if self._held is None:
            self.outbox.put(frame)
            return
        if len(self._held) >= limits.OUTBOX_FRAMES or self._held_bytes > limits.OUTBOX_BYTES:
            self.outbox.overflow()
            return
        self._held.append((stream, offset, frame))
        self._held_bytes += frame.size

    def tell(self, payload: str, *, key: str) -> None:
        """Send a message of our own that a later one with the same key replaces."""
        self.outbox.put(Frame(f"{self.head}{payload}}}", key=f"{key}:{self.identifier}"))

    def say(self, text: str) -> None:
        """Send a frame of our own that must arrive."""
        self.outbox.put(Frame(text))

    def hold(self) -> None:
        """Keep live frames back from now on."""
        if self._held is None:
            self._held = deque()

    async def release(self, known: dict[str, int] | None = None) -> None:
        """Send what was held back, without what the client already knows, and go live."""
        while self._held:
            stream, offset, frame = self._held.popleft()
            if not offset or offset > (known or {}).get(stream, 0):
                await self.outbox.put_patiently(frame)
        self._held = None
        self._held_bytes = 0

    def is_skipped(self, skip: str) -> bool:
        """Whether a transient publication that leaves out ``skip`` (a stream, or ``@`` and a socket) is not for it."""
        return skip in self.grant.streams or skip == f"@{self.socket_id}"

    def started_at(self, stream: str) -> Position:
        """Return where a client that never got anything from a stream stands in it."""
        return self.origin.get(stream) or self.base.get(stream, NOWHERE)
