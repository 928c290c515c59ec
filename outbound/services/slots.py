"""How many messages one process sends at a time, and for whom: nobody takes what others need."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

URGENT_SHARE = 0.2  # kept for what people wait for
TENANT_SHARE = 0.4
LINE_SHARE = 0.3
SANDBOX_SHARE = 0.1
HAND = 4  # so many are dealt to each in turn


class Looked(NamedTuple):
    """A line that is to be looked at; ``is_probing`` one that is trusted with a single message."""

    inbox_id: int
    environment_id: int
    livemode: bool
    is_probing: bool


class Taker(Protocol):
    """What takes a slot: a message on its way."""

    @property
    def environment_id(self) -> int: ...
    @property
    def inbox_id(self) -> int: ...
    @property
    def livemode(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Share:
    """How many messages of a line may start: ``most`` of any kind and ``urgent`` more that hurry."""

    most: int = 0
    urgent: int = 0


class Slots:
    """The slots of a process; one is taken from the claim of a message until its provider has answered."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self._sandbox = 0
        self._tenants: Counter[int] = Counter()
        self._lines: Counter[int] = Counter()

    @property
    def free(self) -> int:
        """How many are free, of all."""
        return self.total - self.used

    def copy(self) -> "Slots":
        """Return the same slots as they are now, for another thread to deal out."""
        copied = Slots(self.total)
        copied.used, copied._sandbox = self.used, self._sandbox
        copied._tenants, copied._lines = Counter(self._tenants), Counter(self._lines)
        return copied

    def take(self, taker: Taker) -> None:
        """Give a slot to a message."""
        self._count(taker, 1)

    def give_back(self, taker: Taker) -> None:
        """Take a message's slot back."""
        self._count(taker, -1)
        for counter, key in ((self._tenants, taker.environment_id), (self._lines, taker.inbox_id)):
            if not counter[key]:
                del counter[key]

    def deal(self, looked: Sequence[Looked]) -> list[Share]:
        """Deal what is free evenly, within the shares of the sandbox, of each tenant and of each line."""
        kept = self._part(URGENT_SHARE)
        most = self._dealt(looked, self.free - kept, [0] * len(looked), extra=0)
        urgent = self._dealt(looked, self.free - sum(most), most, extra=kept)
        shares = (Share(*pair) for pair in zip(most, urgent, strict=True))
        return [
            Share(min(share.most, 1), 0 if share.most else min(share.urgent, 1)) if one.is_probing else share
            for one, share in zip(looked, shares, strict=True)
        ]

    def _dealt(self, looked: Sequence[Looked], left: int, before: Sequence[int], *, extra: int) -> list[int]:
        """Deal ``left`` slots in hands, to lines that have been dealt some ``before``; ``extra`` widens the shares."""
        tenants: Counter[int] = Counter(self._tenants)
        for one, dealt in zip(looked, before, strict=True):
            tenants[one.environment_id] += dealt
        sandbox = self._sandbox + sum(dealt for one, dealt in zip(looked, before, strict=True) if not one.livemode)
        most = [0] * len(looked)
        hungry: Sequence[int] = range(len(looked))
        while left > 0 and hungry:
            still = []
            for place in hungry:
                one = looked[place]
                of_line = self._part(LINE_SHARE) + extra - self._lines[one.inbox_id] - before[place] - most[place]
                of_tenant = self._part(TENANT_SHARE) + extra - tenants[one.environment_id]
                of_lane = left if one.livemode else self._part(SANDBOX_SHARE) + extra - sandbox
                hand = max(0, min(HAND, left, of_line, of_tenant, of_lane))
                most[place] += hand
                left -= hand
                tenants[one.environment_id] += hand
                sandbox += 0 if one.livemode else hand
                if hand == HAND:
                    still.append(place)
            hungry = still
        return most

    def _part(self, share: float) -> int:
        return max(1, int(self.total * share))

    def _count(self, taker: Taker, change: int) -> None:
        self.used += change
        self._tenants[taker.environment_id] += change
        self._lines[taker.inbox_id] += change
        self._sandbox += 0 if taker.livemode else change
