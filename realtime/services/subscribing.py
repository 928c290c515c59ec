"""How a subscription comes to stand: asked for by a client, or restored from its last connection."""

import asyncio

import structlog

from realtime.authentication import Grant
from realtime.cable import frames, protocol
from realtime.cable.protocol import Command
from realtime.errors import Unreachable
from realtime.services import limits, metrics
from realtime.services.catching_up import replay
from realtime.services.hub import Hub
from realtime.services.sockets import Socket
from realtime.services.subscriptions import Subscription

log = structlog.get_logger(__name__)


async def welcome(hub: Hub, socket: Socket, sid: str) -> None:
    """Greet a client; what its last connection listened to lives on if it left its ``sid``."""
    if not socket.extended:
        socket.put(frames.WELCOME)
        return
    restored = await _restore(hub, socket, sid) if sid else None
    socket.put(frames.welcome(socket.sid, restored))
    if restored:
        hub.sessions.save(socket)


async def subscribe(hub: Hub, socket: Socket, command: Command) -> None:
    """Confirm or reject a subscription; a client that has to wait too long for it is sent off to come again."""
    subscription = socket.subscriptions.get(command.identifier)
    if subscription is not None and subscription.is_confirmed:
        metrics.ignored_commands.labels("duplicate_subscribe").inc()
        return
    try:
        async with asyncio.timeout(limits.PATIENCE_SECONDS):
            subscription = subscription or await _open(hub, socket, command.identifier)
    except (TimeoutError, Unreachable):
        socket.part("unavailable", reconnect=True)
        return
    except Exception:
        log.exception("subscription_failed")
        subscription = None
    if subscription is None:
        socket.put(frames.reject(command.identifier))
    else:
        await _establish(hub, socket, subscription, command)


async def _establish(hub: Hub, socket: Socket, subscription: Subscription, command: Command) -> None:
    """Confirm, send what was missed, go live, say who is online. Live frames wait until that is done."""
    subscription.is_confirmed = True
    subscription.hold()
    socket.put(frames.confirm(command.identifier))
    if socket.extended and command.history is not None:
        await replay(hub.history, subscription, hub.feeds_of(subscription), command.history)
    else:
        await subscription.release()
    hub.sessions.save(socket)
    if socket.extended and command.attendee is not None:
        await hub.roster.join(subscription, command.attendee)
    hub.presence.greet(subscription)


async def _open(hub: Hub, socket: Socket, identifier: str) -> Subscription | None:
    """Return a subscription that hears everything from now on; None when it is refused. Raises Unreachable."""
    said = protocol.credentials(identifier)
    grant = await hub.authority.grant(said) if said else None
    refusal = _refusal(hub, socket, grant)
    if grant is None or refusal:
        metrics.rejections.labels(refusal).inc()
        return None
    subscription = Subscription(identifier, grant, socket.outbox, socket_id=socket.id, extended=socket.extended)
    await hub.add(socket, subscription)
    return subscription


def _refusal(hub: Hub, socket: Socket, grant: Grant | None) -> str:
    """Return why a subscription is refused; empty when it is not."""
    if grant is None:
        return "unknown"
    return hub.refusal(socket, grant) if grant.admits(socket.origin) else "origin"


async def _restore(hub: Hub, socket: Socket, sid: str) -> list[str] | None:
    """
    Return the identifiers that live on, or None when nothing is known under that ``sid``.

    Each is authorised anew. They hear everything from now on, but nothing is sent before the client has said
    where it stands, or has kept silent about that for a while.
    """
    remembered = await hub.sessions.take(sid)
    metrics.restores.labels("unknown" if remembered is None else "known").inc()
    if remembered is None:
        return None
    try:
        async with asyncio.timeout(limits.LINK_PATIENCE_SECONDS):
            for identifier, origin in remembered.items():
                subscription = await _open(hub, socket, identifier)
                if subscription is not None:
                    subscription.origin = origin
                    subscription.hold()
    except (TimeoutError, Unreachable):
        log.info("session_partly_restored", known=len(remembered), restored=len(socket.subscriptions))
    restored = list(socket.subscriptions)
    hub.spawn(_release_silent(socket, restored))
    return restored


async def _release_silent(socket: Socket, identifiers: list[str]) -> None:
    await asyncio.sleep(limits.HISTORY_COMMAND_SECONDS)
    for identifier in identifiers:
        subscription = socket.subscriptions.get(identifier)
        if subscription is not None and subscription.is_held and not subscription.is_catching_up:
            subscription.is_catching_up = True
            await subscription.release()
            subscription.is_catching_up = False
