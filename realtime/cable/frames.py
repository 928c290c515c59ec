"""What the server says, as the exact text of each frame."""

import json
from collections.abc import Iterable
from typing import Any

WELCOME = '{"type":"welcome"}'
PONG = '{"type":"pong"}'


def encode(value: Any) -> str:
    """Return compact JSON; text that has no UTF-8 (lone surrogates) is escaped instead of refused."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def welcome(sid: str, restored: Iterable[str] | None = None) -> str:
    """Return the first frame of an extended connection; ``restored`` lists the identifiers that live on."""
    if restored is None:
        return f'{{"type":"welcome","sid":{encode(sid)}}}'
    return f'{{"type":"welcome","sid":{encode(sid)},"restored":true,"restored_ids":{encode(list(restored))}}}'


def ping(now: int) -> str:
    """Return the heartbeat; ``now`` is in unix seconds."""
    return f'{{"type":"ping","message":{now}}}'


def confirm(identifier: str) -> str:
    """Return the answer to a subscription that stands."""
    return f'{{"identifier":{encode(identifier)},"type":"confirm_subscription"}}'


def reject(identifier: str) -> str:
    """Return the answer to a subscription that is refused."""
    return f'{{"identifier":{encode(identifier)},"type":"reject_subscription"}}'


def confirm_history(identifier: str) -> str:
    """Return what follows the last frame of a complete history."""
    return f'{{"type":"confirm_history","identifier":{encode(identifier)}}}'


def reject_history(identifier: str) -> str:
    """Return what is said when something was missed and cannot be given: the client has to ask the REST API."""
    return f'{{"type":"reject_history","identifier":{encode(identifier)}}}'


def disconnect(reason: str, *, reconnect: bool) -> str:
    """Return the last frame of a connection."""
    return f'{{"type":"disconnect","reason":{encode(reason)},"reconnect":{"true" if reconnect else "false"}}}'


def message_head(identifier: str) -> str:
    """Return what stands before the payload of every message to an identifier; a closing brace ends the frame."""
    return f'{{"identifier":{encode(identifier)},"message":'


def presence_head(identifier: str) -> str:
    """Return what stands before the payload of a presence frame; a closing brace ends it."""
    return f'{{"type":"presence","identifier":{encode(identifier)},"message":'


def position_tail(stream: str, epoch: str, offset: int) -> str:
    """Return what ends a message of the extended dialect that has a place in a stream."""
    return f',"stream_id":{encode(stream)},"epoch":{encode(epoch)},"offset":{offset}}}'
