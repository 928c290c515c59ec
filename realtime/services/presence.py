"""Who is online in an environment, as this process knows it, told to whoever subscribed there."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from redis import RedisError

from realtime import transport
from realtime.authentication import Grant
from realtime.cable import presence as words
from realtime.services.attendance import CONTACTS, GRACE_SECONDS, USERS, Attendance, Here, Left, Present
from realtime.services.link import Link
from realtime.services.subscriptions import Subscription

PUSH_SECONDS = 2.0  # an environment's picture is read and pushed at most this often
PUSH_BYTES_PER_SECOND = 100_000  # and less often when it is large and many look at it
COALESCE_SECONDS = 0.02
SOCKETS_AT_ONCE = 200
ROOMS_AT_ONCE = 100
KEY = "presence"

log = structlog.get_logger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class _Room:
    """
    One environment: who of it is connected here, and the picture of who is online anywhere.

    ``told`` says what each subscription was told last: None before its turn, "" while it waits for the picture.
    """

    def __init__(self, environment_id: int) -> None:
        self.environment_id = environment_id
        self.people: Counter[tuple[str, int]] = Counter()  # (kind, person) -> subscriptions here
        self.availability: dict[int, str] = {}
        self.told: dict[Subscription, str | None] = {}
        self.picture: Present | None = None
        self.is_stale = False
        self.refresher: asyncio.Task[None] | None = None
        self._payloads: dict[str, str] = {}

    def here(self) -> Here:
        """Return who is connected to this process."""
        agents = [person for kind, person in self.people if kind == "agent"]
        contacts = [person for kind, person in self.people if kind == "contact"]
        return Here(self.environment_id, {user: self.availability.get(user, "online") for user in agents}, contacts)

    def see(self, picture: Present) -> None:
        """Take a new picture; the agents connected here are in it, whatever Redis has heard yet."""
        self.picture = picture
        self._payloads.clear()
        for kind, person in self.people:
            if kind == "agent":
                self.place(person)

    def place(self, user: int) -> None:
        """Put an agent into the picture, so that they see themselves at once."""
        if self.picture is not None:
            self.picture.users.setdefault(str(user), self.availability.get(user, "online"))
            self._payloads.clear()

    def payload(self, grant: Grant) -> str:
        """Return what agents, or contacts, are told."""
        kind = "native" if grant.is_native else grant.kind
        if kind not in self._payloads:
            self._payloads[kind] = self._made(kind)
        return self._payloads[kind]

    def _made(self, kind: str) -> str:
        picture = self.picture or Present({}, {})
        users = _by_id(picture.users)
        if kind == "native":
            return words.for_the_sdk(users)
        if kind == "contact":
            return words.for_contacts(self.environment_id, users)
        return words.for_agents(self.environment_id, users, _by_id(picture.contacts))


class Presence:
    """
    Tells who is online.

    Online is who has a live socket on any process. The picture of an environment is read once for all its sockets
    here and pushed only when it changed. Without Redis the last picture stays.
    """

    def __init__(self, attendance: Attendance, link: Link, spawn: Spawn) -> None:
        self._attendance = attendance
        self._link = link
        self._spawn = spawn
        self._rooms: dict[int, _Room] = {}
        self._channels: dict[str, _Room] = {}
        self._arrived: dict[int, Here] = {}
        self._left: dict[Left, None] = {}
        self._changed: set[int] = set()  # environments whose change the other processes are to hear of
        self._work = asyncio.Event()

    def arrive(self, subscription: Subscription) -> None:
        """Note that somebody subscribed."""
        grant = subscription.grant
        room = self._rooms.get(grant.environment_id) or self._open(grant.environment_id)
        room.told[subscription] = None
        room.people[_person(grant)] += 1
        if room.people[_person(grant)] == 1:
            arrived = self._arrived.setdefault(room.environment_id, Here(room.environment_id, {}, []))
            if grant.kind == "agent":
                room.availability[grant.person_id] = arrived.users[grant.person_id] = grant.availability
                room.place(grant.person_id)
            else:
                arrived.contacts.append(grant.person_id)
            self._change(room.environment_id)

    def greet(self, subscription: Subscription) -> None:
        """Tell one subscription who is online: at once from what is known, else as soon as it has been read."""
        room = self._rooms.get(subscription.grant.environment_id)
        if room is None or subscription not in room.told:
            return
        if room.picture is None:
            room.told[subscription] = ""
            self._refresh(room)
        else:
            room.told[subscription] = room.payload(subscription.grant)
            subscription.tell(room.payload(subscription.grant), key=KEY)

    def leave(self, subscription: Subscription) -> None:
        """Note that a subscription ended; the person is gone only after a while without any other."""
        grant = subscription.grant
        room = self._rooms.get(grant.environment_id)
        if room is None or subscription not in room.told:
            return
        del room.told[subscription]
        room.people[_person(grant)] -= 1
        if not room.people[_person(grant)]:
            del room.people[_person(grant)]
            of = USERS if grant.kind == "agent" else CONTACTS
            self._left[Left(grant.environment_id, of, grant.person_id)] = None
            self._work.set()
            later = asyncio.get_running_loop().call_later
            later(GRACE_SECONDS + 0.5, self._change, grant.environment_id)
        if not room.told:
            self._close(room)

    def hear(self, channel: str) -> bool:
        """Take a hint of another process; False when the channel is not one of ours."""
        room = self._channels.get(channel)
        if room is not None:
            self._refresh(room)
        return room is not None

    async def run(self) -> None:
        """Tell Redis who comes and goes, until cancelled."""
        while True:
            await self._work.wait()
            await asyncio.sleep(COALESCE_SECONDS)
            self._work.clear()
            arrived, self._arrived = self._arrived, {}
            left, self._left = self._left, {}
            changed, self._changed = self._changed, set()
            await self._write(list(arrived.values()), list(left), changed)
            for number in changed:
                if room := self._rooms.get(number):
                    self._refresh(room)

    async def beat(self) -> None:
        """Say for everybody here that they are still here, and look who else is."""
        rooms = list(self._rooms.values())
        for start in range(0, len(rooms), ROOMS_AT_ONCE):
            some = rooms[start : start + ROOMS_AT_ONCE]
            await self._write([room.here() for room in some])
            for room in some:
                self._refresh(room)

    async def _write(self, here: list[Here], left: list[Left] | None = None, changed: set[int] | None = None) -> None:
        try:
            await self._attendance.write(here=here, left=left or (), announce=changed or ())
        except (RedisError, OSError) as error:
            log.info("presence_not_told", reason=type(error).__name__)

    def _change(self, environment_id: int) -> None:
        self._changed.add(environment_id)
        self._work.set()

    def _open(self, environment_id: int) -> _Room:
        room = self._rooms[environment_id] = _Room(environment_id)
        channel = transport.presence_channel(environment_id)
        self._channels[channel] = room
        self._link.want(channel)
        return room

    def _close(self, room: _Room) -> None:
        channel = transport.presence_channel(room.environment_id)
        del self._rooms[room.environment_id], self._channels[channel]
        self._link.unwant(channel)
        if room.refresher is not None:
            room.refresher.cancel()

    def _refresh(self, room: _Room) -> None:
        """Read the picture anew; at once if that has not been done for a while."""
        room.is_stale = True
        if room.refresher is None and room.told:
            room.refresher = self._spawn(self._keep_fresh(room))

    async def _keep_fresh(self, room: _Room) -> None:
        try:
            while room.is_stale:
                room.is_stale = False
                told = await self._look(room)
                await asyncio.sleep(max(PUSH_SECONDS, told / PUSH_BYTES_PER_SECOND))
        finally:
            room.refresher = None

    async def _look(self, room: _Room) -> int:
        """Read the picture, tell whom it concerns what is new in it, and return how many bytes that took."""
        size = 0
        try:
            room.see(await self._attendance.read(room.environment_id))
        except (RedisError, OSError) as error:
            log.info("presence_not_read", reason=type(error).__name__)
            room.see(room.picture or Present({}, {}))
        for count, (subscription, told) in enumerate(list(room.told.items()), start=1):
            payload = room.payload(subscription.grant)
            if told is not None and told != payload and subscription in room.told:
                room.told[subscription] = payload
                subscription.tell(payload, key=KEY)
                size += len(payload)
            if count % SOCKETS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return size


def _by_id(present: Mapping[str, str]) -> dict[str, str]:
    """Return them in an order that does not depend on when they came: what has not changed must look the same."""
    return {name: present[name] for name in sorted(present, key=int)}


def _person(grant: Grant) -> tuple[str, int]:
    return grant.kind, grant.person_id
