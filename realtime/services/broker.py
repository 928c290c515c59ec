"""Publishing to the cable from anywhere in the product: synchronous, and all of it in one round trip."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from redis import RedisError

from core import redis as redis_connections
from realtime import transport
from realtime.cable import frames
from realtime.transport import NOWHERE, Position

# After Redis did not answer, transient publications are dropped for a moment instead of slowing requests down.
PATIENCE_SECONDS = 1.0
MOST_REMEMBERED_TOPS = 50_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Publication:
    """
    Something for everybody who listens to a stream.

    ``payload`` is the encoded ``message`` object of the frame. Publishing the same ``key`` to the same stream
    again does nothing.
    """

    stream: str
    payload: bytes
    key: str


class _Memory:
    """What this process published last, and until when Redis is left alone."""

    tops: dict[str, Position] = {}
    quiet_until = 0.0


def publish(publications: Sequence[Publication]) -> None:
    """
    Publish in the order given, in one round trip.

    Raises redis.RedisError; some may have been published then, and because of their keys the caller simply
    publishes all of them again.
    """
    if not publications:
        return
    now_ms = time.time_ns() // 1_000_000
    with redis_connections.client().pipeline(transaction=False) as pipeline:
        pipeline.script_load(transport.PUBLISH_SCRIPT)  # Redis forgets scripts when it restarts
        for publication in publications:
            pipeline.evalsha(transport.PUBLISH_SHA, 3, *_arguments(publication, now_ms))
        replies = pipeline.execute()[1:]
    for publication, reply in zip(publications, replies, strict=True):
        if reply is not None:
            _remember(publication.stream, Position(reply[0].decode(), int(reply[1])))


def publish_transient(stream: str, payload: bytes, *, skip: str = "") -> None:
    """
    Publish to whoever listens right now: typing and the like. Never raises for a missing Redis.

    ``skip`` names a stream whose sockets must not get it: the typist's own.
    """
    if time.monotonic() < _Memory.quiet_until:
        return
    sealed = transport.seal(payload, now_ms=time.time_ns() // 1_000_000, skip=skip)
    try:
        redis_connections.client().publish(transport.channel(stream), sealed)
    except RedisError as error:
        _Memory.quiet_until = time.monotonic() + PATIENCE_SECONDS
        log.info("transient_publication_dropped", reason=type(error).__name__)


def disconnect(identity: str, *, reason: str, reconnect: bool) -> None:
    """
    End all subscriptions and sockets of ``contact-session:<id>`` or ``user:<id>``, in every process.

    With ``reconnect`` false their clients stay away for good: right for withdrawn access, for nothing else.
    Raises redis.RedisError.
    """
    order = {"identity": identity, "reason": reason, "reconnect": reconnect}
    publish([Publication(transport.CONTROL_STREAM, frames.encode(order).encode(), secrets.token_hex(8))])


def forget(stream: str) -> None:
    """Drop what is kept of a stream; whoever resumes it is told that its history is gone. Raises redis.RedisError."""
    redis_connections.client().delete(transport.log_key(stream), transport.top_key(stream))
    _Memory.tops.pop(stream, None)


def show_availability(*, user_id: int, environment_ids: Sequence[int], availability: str) -> None:
    """Show an agent as ``online``, ``busy`` or ``offline`` from now on. Never raises for a missing Redis."""
    try:
        with redis_connections.client().pipeline(transaction=False) as pipeline:
            for environment_id in environment_ids:
                pipeline.hset(transport.presence_key(environment_id, "availability"), str(user_id), availability)
                pipeline.publish(transport.presence_channel(environment_id), b"")
            pipeline.execute()
    except RedisError as error:
        log.info("availability_not_shown", reason=type(error).__name__)


def _arguments(publication: Publication, now_ms: int) -> list[str | bytes | int]:
    stream = publication.stream
    last = _Memory.tops.get(stream, NOWHERE)
    return [
        transport.log_key(stream),
        transport.top_key(stream),
        transport.seen_key(stream, publication.key),
        transport.channel(stream),
        publication.payload,
        now_ms,
        secrets.token_hex(4),
        last.epoch,
        last.offset,
        transport.KEPT_PUBLICATIONS,
        transport.KEPT_SECONDS,
        transport.KEPT_TOP_SECONDS,
        transport.SEEN_SECONDS,
    ]


def _remember(stream: str, top: Position) -> None:
    """Keep the top, so that a Redis that came back with older data is noticed before it numbers anything twice."""
    if len(_Memory.tops) >= MOST_REMEMBERED_TOPS:
        _Memory.tops.clear()
    _Memory.tops[stream] = top
