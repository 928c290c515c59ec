"""One stream as this process hears it: in order, without holes, and fanned out to its subscriptions."""

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from realtime.cable import frames
from realtime.services import metrics
from realtime.services.history import Entry
from realtime.services.outbox import Frame
from realtime.services.subscriptions import Subscription
from realtime.transport import NO_EPOCH, NOWHERE, Envelope, Position

log = structlog.get_logger(__name__)


class _Group:
    """The subscriptions of a feed that share one identifier and dialect, and therefore every frame."""

    __slots__ = ("extended", "head", "identifier", "members")

    def __init__(self, subscription: Subscription) -> None:
        self.identifier = subscription.identifier
        self.head = subscription.head
        self.extended = subscription.extended
        self.members: dict[Subscription, None] = {}


class Feed:
    """
    One stream as this process hears it.

    It is *settled* while every publication so far has been handed on. A publication that does not follow the last
    one unsettles it: from then on only their numbers are noted, until the missing ones have been read from the
    stream's log (see ``repairs``).
    """

    def __init__(
        self,
        stream: str,
        on_unsettled: Callable[["Feed"], None],
        *,
        listener: Callable[[bytes], None] | None = None,
    ) -> None:
        self.stream = stream
        self.epoch = NO_EPOCH
        self.offset = 0
        self.is_settled = False
        self.is_new = True
        self.interest = 0  # who needs it to stay: subscriptions, and those about to be
        self._transient_key = f"transient:{stream}"
        self._listener = listener
        self._on_unsettled = on_unsettled
        self._heard = NOWHERE
        self._groups: dict[tuple[str, bool], _Group] = {}
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def position(self) -> Position:
        """What has been handed on so far."""
        return Position(self.epoch, self.offset)

    def add(self, subscription: Subscription) -> None:
        """Hand everything that follows to a subscription too."""
        key = (subscription.identifier, subscription.extended)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(subscription)
        group.members[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        key = (subscription.identifier, subscription.extended)
        group = self._groups.get(key)
        if group is not None:
            group.members.pop(subscription, None)
            if not group.members:
                del self._groups[key]

    async def settled(self) -> None:
        """Wait until it is settled."""
        while not self.is_settled:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def receive(self, envelope: Envelope) -> None:
        """Take what came through pub/sub."""
        if envelope.is_transient:
            self._spread_transient(envelope)
        elif not self.is_settled:
            self._heard = Position(envelope.epoch, envelope.offset)
        elif envelope.epoch == self.epoch and envelope.offset == self.offset + 1:
            self._advance(envelope.offset, envelope.payload, envelope.published_at)
        elif envelope.offset == 1 and self.epoch == NO_EPOCH:
            self.epoch = envelope.epoch
            self._advance(envelope.offset, envelope.payload, envelope.published_at)
        elif envelope.epoch != self.epoch or envelope.offset > self.offset:
            self._heard = Position(envelope.epoch, envelope.offset)
            self.unsettle()

    def unsettle(self) -> None:
        """Doubt that everything was heard."""
        if self.is_settled:
            self.is_settled = False
            self._on_unsettled(self)

    def begin(self, top: Position) -> None:
        """Start at the top: whoever subscribes later finds older publications in the history."""
        self.epoch, self.offset = top.epoch, top.offset
        self.is_new = False

    async def catch_up(self, missed: Iterable[Entry]) -> None:
        """Hand on what was missed, with pauses in which the sockets can take it."""
        for entry in missed:
            if entry.offset == self.offset + 1:
                self._advance(entry.offset, entry.payload, entry.published_at)
                await asyncio.sleep(0)

    def lose(self, top: Position) -> list[Subscription]:
        """Give up on what is missing, start anew at ``top``, and return the subscriptions that have a hole now."""
        lost = [subscription for group in self._groups.values() for subscription in group.members]
        self._groups.clear()
        for subscription in lost:
            subscription.is_lost = True
        self.begin(top)
        return lost

    def settle(self) -> bool:
        """Hand on what comes from now on; False when more was heard meanwhile than is known."""
        heard, self._heard = self._heard, NOWHERE
        if heard != NOWHERE and (heard.epoch != self.epoch or heard.offset > self.offset):
            return False
        self.is_settled = True
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()
        return True

    def _advance(self, offset: int, payload: bytes, published_at: int) -> None:
        self.offset = offset
        metrics.delivery_lag.observe(max(0.0, time.time() - published_at / 1000))
        if self._listener is not None:
            self._listener(payload)
        if self._groups:
            self._fan_out(payload.decode(errors="replace"), len(payload), offset)

    def _fan_out(self, text: str, size: int, offset: int) -> None:
        """Build one frame for each identifier and hand it to all its sockets: no JSON is encoded here."""
        tail = frames.position_tail(self.stream, self.epoch, offset)
        sent = 0
        for group in tuple(self._groups.values()):
            frame = Frame(f"{group.head}{text}{tail if group.extended else '}'}", size=size + len(group.head))
            for subscription in tuple(group.members):
                subscription.deliver(frame, self.stream, offset)
            sent += len(group.members)
        metrics.frames_sent.inc(sent)

    def _spread_transient(self, envelope: Envelope) -> None:
        """Hand on something that has no place in the stream; whispers and presence are words of one dialect only."""
        text, skip = envelope.payload.decode(errors="replace"), envelope.skip
        for group in tuple(self._groups.values()):
            if envelope.kind != "message" and not group.extended:
                continue
            head = frames.presence_head(group.identifier) if envelope.kind == "presence" else group.head
            frame = Frame(f"{head}{text}}}", key=self._transient_key, size=len(envelope.payload) + len(head))
            for subscription in tuple(group.members):
                if not (skip and subscription.is_skipped(skip)):
                    subscription.deliver(frame, self.stream, 0)
