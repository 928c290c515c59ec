"""How many requests one process makes at a time, and for whom: nobody takes what others need."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

SANDBOX_SHARE = 0.1
TENANT_SHARE = 0.3
RETRY_SHARE = 0.8  # the rest is kept for first attempts
HAND = 4  # so many are dealt to each in turn


class Looked(NamedTuple):
    """An endpoint that is to be looked at."""

    endpoint_id: int
    environment_id: int
    livemode: bool
    cap: int  # of what it may be sent at a time


class Taker(Protocol):
    """What takes a slot: a delivery."""

    @property
    def environment_id(self) -> int: ...
    @property
    def livemode(self) -> bool: ...
    @property
    def is_retry(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Deal:
    """How many deliveries each endpoint may start at most, in the order asked; retries only unless ``only_first``."""

    most: list[int]
    only_first: bool


class Slots:
    """
    The slots of a process. One is taken from the moment a delivery is claimed until its result is written down, so
    they also bound what is kept while the database is away.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self._retries = 0
        self._sandbox = 0
        self._tenants: Counter[int] = Counter()

    @property
    def free(self) -> int:
        """How many are free, of all."""
        return self.total - self.used

    def take(self, taker: Taker) -> None:
        """Give a slot to a delivery."""
        self._count(taker, 1)

    def give_back(self, taker: Taker) -> None:
        """Take a delivery's slot back."""
        self._count(taker, -1)
        if not self._tenants[taker.environment_id]:
            del self._tenants[taker.environment_id]

    def deal(self, looked: Sequence[Looked]) -> Deal:
        """Deal what is free evenly, within the shares of the sandbox, of each tenant in its lane and of retries."""
        retries_left = self._most(RETRY_SHARE) - self._retries
        left = self.free if retries_left <= 0 else min(self.free, retries_left)
        in_sandbox = self._most(SANDBOX_SHARE) - self._sandbox
        lanes = {one.environment_id: 1.0 if one.livemode else SANDBOX_SHARE for one in looked}
        tenants = {tenant: self._most(TENANT_SHARE * lane) for tenant, lane in lanes.items()}
        for tenant in tenants:
            tenants[tenant] -= self._tenants[tenant]
        most = [0] * len(looked)
        hungry: Sequence[int] = range(len(looked))
        while left > 0 and hungry:
            still = []
            for place in hungry:
                one = looked[place]
                lane = left if one.livemode else in_sandbox
                hand = max(0, min(HAND, one.cap - most[place], left, lane, tenants[one.environment_id]))
                most[place] += hand
                left -= hand
                tenants[one.environment_id] -= hand
                in_sandbox -= 0 if one.livemode else hand
                if hand == HAND:
                    still.append(place)
            hungry = still
        return Deal(most, only_first=retries_left <= 0)

    def _most(self, share: float) -> int:
        return max(1, int(self.total * share))

    def _count(self, taker: Taker, change: int) -> None:
        self.used += change
        self._tenants[taker.environment_id] += change
        self._retries += change if taker.is_retry else 0
        self._sandbox += 0 if taker.livemode else change
