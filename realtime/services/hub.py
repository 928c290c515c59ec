"""All the sockets of this process, and what they share."""

import asyncio
import functools
import itertools
import json
import random
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import structlog
from django.conf import settings
from redis import RedisError

from realtime import transport
from realtime.authentication import Grant
from realtime.cable import native
from realtime.services import limits, metrics, store
from realtime.services.attendance import Attendance
from realtime.services.authority import Authority
from realtime.services.feeds import Feed
from realtime.services.heartbeat import Heartbeat
from realtime.services.history import History
from realtime.services.outbox import NORMAL
from realtime.services.presence import Presence
from realtime.services.roster import GRACE_SECONDS, Roster
from realtime.services.sessions import Sessions
from realtime.services.sockets import GOING_AWAY, Socket
from realtime.services.subscriptions import Subscription
from realtime.services.switchboard import Switchboard

BEAT_SECONDS = 15.0
CHECK_EVERY_BEATS = 4
SECONDS_PER_DRAINED_SOCKET = 0.02

log = structlog.get_logger(__name__)


class Hub:
    """All the sockets of one event loop, and what they share: one connection to Redis for everything they hear."""

    def __init__(self) -> None:
        self.is_draining = False
        self.sockets: dict[Socket, None] = {}
        self.authority = Authority()
        self._redis = store.commands()
        self.history = History(self._redis)
        self.switchboard = Switchboard(
            self._redis, self.history, name=secrets.token_hex(6), on_lost=self._resync, on_hint=self._hint
        )
        self.presence = Presence(Attendance(self._redis), self.switchboard.link, self.spawn)
        self.roster = Roster(self._redis)
        self.sessions = Sessions(self._redis)
        self._heartbeat = Heartbeat()
        self._of_identity: dict[str, dict[Subscription, Socket]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to listen; Redis may come later."""
        self.switchboard.take(transport.CONTROL_STREAM, self._control)
        for work in (
            self.switchboard.link.run,
            self.switchboard.repairs.run,
            self.presence.run,
            self.sessions.run,
            self._heartbeat.run,
            self._maintain,
        ):
            self.spawn(self._keep_running(work))

    async def stop(self) -> None:
        """Let go of everything at once."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            # A cancellation can get lost in the libraries below; then it is said again.
            await asyncio.wait(self._tasks, timeout=0.2)
        await self.authority.close()
        await self._redis.aclose()

    async def drain(self, seconds: float) -> None:
        """
        Send every client off to another process, each at a random moment so that they do not come back together.

        Few sockets take less than ``seconds``.
        """
        self.is_draining = True
        spread = min(seconds, len(self.sockets) * SECONDS_PER_DRAINED_SOCKET)
        for socket in list(self.sockets):
            self._part_within(spread, socket, "server_restart", code=GOING_AWAY)
        until = asyncio.get_running_loop().time() + spread + limits.FAREWELL_SECONDS
        while self.sockets and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110  once in a process's life
            await asyncio.sleep(0.02)

    async def is_ready(self) -> bool:
        """
        Whether new sockets can be served; waits a moment for Redis.

        A refused handshake is tried again by every client. An accepted one would wait in vain for its
        subscription, and @anycable/core takes a connection that ends meanwhile as the end of the subscription.
        """
        if self.is_draining or self.authority.is_away:
            return False
        try:
            async with asyncio.timeout(limits.LINK_PATIENCE_SECONDS):
                await self.switchboard.link.up.wait()
        except TimeoutError:
            return False
        return True

    def enter(self, socket: Socket) -> None:
        """Take a socket in: it is pinged from now on."""
        if self.is_draining:
            socket.part("server_restart", reconnect=True, code=GOING_AWAY)
        self.sockets[socket] = None
        self._heartbeat.add(socket)
        metrics.sockets_open.set(len(self.sockets))

    def leave(self, socket: Socket) -> None:
        """Forget a socket whose connection is gone, and everything it listened to."""
        socket.close()
        self._heartbeat.remove(socket)
        self.sockets.pop(socket, None)
        metrics.sockets_open.set(len(self.sockets))
        for identifier in list(socket.subscriptions):
            self.remove(socket, identifier)

    def refusal(self, socket: Socket, grant: Grant) -> str:
        """Return why somebody may not have one more subscription; empty when they may."""
        if len(socket.subscriptions) >= limits.SUBSCRIPTIONS_PER_SOCKET:
            return "too_many_subscriptions"
        if len(self._of_identity.get(grant.identity, ())) >= settings.CABLE_SOCKETS_PER_IDENTITY:
            return "too_many_sockets"
        return ""

    async def add(self, socket: Socket, subscription: Subscription) -> None:
        """Hand a subscription everything that is published from the moment this returns."""
        feeds = [self.switchboard.take(stream) for stream in subscription.grant.streams]
        try:
            while not all(feed.is_settled for feed in feeds):
                for feed in feeds:
                    await feed.settled()
        except BaseException:
            for feed in feeds:
                self.switchboard.give_back(feed)
            raise
        for feed in feeds:
            feed.add(subscription)
            subscription.base[feed.stream] = feed.position
        socket.subscriptions[subscription.identifier] = subscription
        self._of_identity.setdefault(subscription.grant.identity, {})[subscription] = socket
        metrics.subscriptions.inc()
        self.presence.arrive(subscription)

    def remove(self, socket: Socket, identifier: str) -> None:
        """End a subscription; nothing happens when there is none."""
        subscription = socket.subscriptions.pop(identifier, None)
        if subscription is None:
            return
        for feed in self.feeds_of(subscription):
            feed.remove(subscription)
            self.switchboard.give_back(feed)
        holders = self._of_identity[subscription.grant.identity]
        del holders[subscription]
        if not holders:
            del self._of_identity[subscription.grant.identity]
        metrics.subscriptions.dec()
        self.presence.leave(subscription)
        if self.roster.has(subscription):
            self.spawn(self._leave_roster(subscription))

    def feeds_of(self, subscription: Subscription) -> list[Feed]:
        """Return the feeds a standing subscription listens to."""
        return [self.switchboard.feed(stream) for stream in subscription.grant.streams]

    async def spread(self, subscription: Subscription, payload: bytes, *, kind: str) -> None:
        """Publish something transient to whoever else listens to a subscription's first stream; Redis may be away."""
        now_ms = time.time_ns() // 1_000_000
        sealed = transport.seal(payload, now_ms=now_ms, kind=kind, skip=f"@{subscription.socket_id}")
        try:
            await self._redis.publish(transport.channel(subscription.grant.streams[0]), sealed)
        except (RedisError, OSError) as error:
            log.info("transient_publication_dropped", reason=type(error).__name__)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background; it is cancelled when the hub stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _keep_running(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a loop that must not end; a defect in it is logged, not the end of the cable."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("cable_loop_failed", loop=work.__qualname__)
                await asyncio.sleep(1)

    async def _maintain(self) -> None:
        for beats in itertools.count(1):
            await asyncio.sleep(BEAT_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311  jitter
            await self.presence.beat()
            await self.roster.beat()
            if beats % CHECK_EVERY_BEATS == 0:
                await self.sessions.renew(list(self.sockets))
                if self.switchboard.link.up.is_set():
                    await self.switchboard.check()

    def _hint(self, channel: str) -> None:
        self.presence.hear(channel)

    def _control(self, payload: bytes) -> None:
        """Do what ``broker.disconnect`` ordered."""
        order = json.loads(payload)
        self.authority.forget(order["identity"])
        holders = self._of_identity.get(order["identity"], {})
        if not order["reconnect"]:
            _say_goodbye(holders)
        for socket in set(holders.values()):
            socket.part(order["reason"], reconnect=order["reconnect"])

    def _resync(self, lost: Sequence[Subscription]) -> None:
        """Send off the sockets that have a hole; they come back and ask for what they missed."""
        for subscription in lost:
            socket = self._of_identity.get(subscription.grant.identity, {}).get(subscription)
            if socket is not None:
                self._part_within(limits.RESYNC_SPREAD_SECONDS, socket, "resync")

    def _part_within(self, seconds: float, socket: Socket, reason: str, *, code: int = NORMAL) -> None:
        """Send a socket off at a random moment."""
        part = functools.partial(socket.part, reason, reconnect=True, code=code)
        asyncio.get_running_loop().call_later(random.uniform(0, seconds), part)  # noqa: S311  jitter

    async def _leave_roster(self, subscription: Subscription) -> None:
        await self.roster.drop(subscription)
        await asyncio.sleep(GRACE_SECONDS + 0.5)
        await self.roster.reap(subscription)


def _say_goodbye(subscriptions: Iterable[Subscription]) -> None:
    """Tell clients of the SDK that they are signed out; all that others know is that they may not come back."""
    for subscription in subscriptions:
        if subscription.grant.is_native:
            subscription.say(f"{subscription.head}{native.session_ended()}}}")
