"""What each command of a client does."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from realtime.cable import frames, protocol
from realtime.cable.protocol import Command
from realtime.services import limits, metrics, subscribing
from realtime.services.catching_up import replay
from realtime.services.hub import Hub
from realtime.services.sockets import Socket
from realtime.services.subscriptions import Subscription


async def obey(hub: Hub, socket: Socket, command: Command) -> None:
    """Do one command. What makes no sense has no effect and is counted; only a failure of ours raises."""
    free = WITHOUT_SUBSCRIPTION.get(command.name)
    if free is not None:
        await free(hub, socket, command)
        return
    subscription = socket.subscriptions.get(command.identifier)
    if subscription is None:
        _ignore("unknown_identifier")
    elif command.name in EXTENDED_ONLY and not socket.extended:
        _ignore("other_dialect")
    else:
        await WITH_SUBSCRIPTION[command.name](hub, subscription, command)


async def _unsubscribe(hub: Hub, socket: Socket, command: Command) -> None:
    hub.remove(socket, command.identifier)
    hub.sessions.save(socket)


async def _ping(_hub: Hub, socket: Socket, _command: Command) -> None:
    socket.put(frames.PONG)


async def _pong(_hub: Hub, _socket: Socket, _command: Command) -> None:
    """It arrived, which is all it says."""


async def _message(hub: Hub, subscription: Subscription, command: Command) -> None:
    if protocol.action(command.data) == "update_presence":
        hub.presence.greet(subscription)
    else:
        _ignore("unknown_action")


async def _history(hub: Hub, subscription: Subscription, command: Command) -> None:
    """Serve a restored subscription; one that is live already can only be told whether it missed anything."""
    if command.history is None:
        _ignore("no_history")
        return
    feeds = hub.feeds_of(subscription)
    is_behind_nothing = all(feed.position == subscription.base[feed.stream] for feed in feeds)
    if not subscription.is_catching_up and (subscription.is_held or is_behind_nothing):
        await replay(hub.history, subscription, feeds, command.history)
        return
    missed_nothing = all(command.history.positions.get(feed.stream) == feed.position for feed in feeds)
    answer = frames.confirm_history if missed_nothing else frames.reject_history
    subscription.say(answer(subscription.identifier))


async def _whisper(hub: Hub, subscription: Subscription, command: Command) -> None:
    payload = frames.encode(command.data).encode()
    if not command.data or len(payload) > limits.LARGEST_WHISPER_BYTES:
        _ignore("whisper_size")
    else:
        await hub.spread(subscription, payload, kind="whisper")


async def _join(hub: Hub, subscription: Subscription, command: Command) -> None:
    if command.attendee is None:
        _ignore("no_attendee")
    else:
        await hub.roster.join(subscription, command.attendee)


async def _leave(hub: Hub, subscription: Subscription, _command: Command) -> None:
    await hub.roster.leave(subscription)


async def _presence(hub: Hub, subscription: Subscription, command: Command) -> None:
    asked: Any = command.data if isinstance(command.data, dict) else {}
    message = await hub.roster.answer(subscription, with_records=bool(asked.get("return_records", True)))
    subscription.say(f"{frames.presence_head(subscription.identifier)}{message}}}")


def _ignore(kind: str) -> None:
    metrics.ignored_commands.labels(kind).inc()


WITHOUT_SUBSCRIPTION: Mapping[str, Callable[[Hub, Socket, Command], Awaitable[None]]] = {
    "subscribe": subscribing.subscribe,
    "unsubscribe": _unsubscribe,
    "ping": _ping,
    "pong": _pong,
}
WITH_SUBSCRIPTION: Mapping[str, Callable[[Hub, Subscription, Command], Awaitable[None]]] = {
    "message": _message,
    "history": _history,
    "whisper": _whisper,
    "join": _join,
    "leave": _leave,
    "presence": _presence,
}
EXTENDED_ONLY = frozenset({"history", "whisper", "join", "leave", "presence"})
