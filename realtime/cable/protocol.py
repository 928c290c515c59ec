"""What clients say: the choice of the dialect, commands, identifiers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from realtime.errors import Malformed
from realtime.transport import Position

BASE = "actioncable-v1-json"
EXTENDED = "actioncable-v1-ext-json"
UNSUPPORTED = "actioncable-unsupported"
KNOWN_PROTOCOLS = frozenset({BASE, EXTENDED, UNSUPPORTED})

COMMANDS = frozenset(
    {"subscribe", "unsubscribe", "message", "history", "whisper", "join", "leave", "presence", "ping", "pong"}
)
COMMANDS_WITHOUT_IDENTIFIER = frozenset({"ping", "pong"})

LONGEST_IDENTIFIER = 2048
LONGEST_TOKEN = 255
LONGEST_PRESENCE_ID = 128
LARGEST_ROW = 2**63 - 1


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """What a client wants to catch up with: its positions, and a time for streams it has none of."""

    since: float | None  # unix seconds, by the client's clock
    positions: Mapping[str, Position]


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who joins: an id and whatever the client wants others to see."""

    id: str
    info: Any


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a client asks for."""

    name: str
    identifier: str
    data: Any = None
    history: HistoryRequest | None = None
    attendee: Attendee | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an identifier says about who subscribes; an agent names account and user, a contact does not."""

    token: str
    account_id: int | None = None
    user_id: int | None = None


def negotiate(offered: Iterable[str]) -> str | None:
    """
    Return the subprotocol to answer with: the first the client offers that is known here.

    None is answered with none and spoken to as ``actioncable-v1-json``. Tokens offered as protocols are never
    echoed, because they are never known.
    """
    return next((protocol for protocol in offered if protocol in KNOWN_PROTOCOLS), None)


def _refuse(constant: str) -> None:
    """NaN and Infinity are Python's, not JSON's; passed on, they would break the other clients' parsers."""
    raise ValueError(constant)


def parse(text: str) -> Command:
    """Return the command in a frame. Raises Malformed."""
    try:
        frame = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Malformed("not_json") from None
    if not isinstance(frame, dict):
        raise Malformed("not_an_object")
    name = frame.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        raise Malformed("unknown_command")
    if name in COMMANDS_WITHOUT_IDENTIFIER:
        return Command(name, "")
    identifier = frame.get("identifier")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= LONGEST_IDENTIFIER:
        raise Malformed("no_identifier")
    return Command(
        name, identifier, frame.get("data"), _history(frame.get("history")), _attendee(frame.get("presence"))
    )


def credentials(identifier: str) -> Credentials | None:
    """Return who an identifier says it is; None when it is not one of ours."""
    try:
        said = json.loads(identifier)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("channel") != "RoomChannel":
        return None
    token = said.get("pubsub_token")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN or not token.isascii() or "\0" in token:
        return None
    if said.get("user_id") in (None, ""):
        return Credentials(token)
    account_id, user_id = _row(said.get("account_id")), _row(said["user_id"])
    return Credentials(token, account_id, user_id) if account_id and user_id else None


def action(data: Any) -> str:
    """Return the action of a ``message`` command, whose data is JSON text or, from some clients, an object."""
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return ""
    name = data.get("action", "receive") if isinstance(data, dict) else ""
    return name if isinstance(name, str) else ""


def _row(value: Any) -> int | None:
    """Return a row's number, written as one or as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= LARGEST_ROW else None


def _history(asked: Any) -> HistoryRequest | None:
    if not isinstance(asked, dict):
        return None
    since, streams = asked.get("since"), asked.get("streams")
    return HistoryRequest(
        since=_moment(since),
        positions={
            stream: Position(said["epoch"], said["offset"])
            for stream, said in (streams.items() if isinstance(streams, dict) else ())
            if _is_position(said)
        },
    )


def _moment(value: Any) -> float | None:
    """Return unix seconds, if that is what it is."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11
    return float(value) if is_one else None


def _is_position(said: Any) -> bool:
    return (
        isinstance(said, dict)
        and isinstance(said.get("epoch"), str)
        and isinstance(said.get("offset"), int)
        and not isinstance(said["offset"], bool)
        and 0 <= said["offset"] <= LARGEST_ROW
    )


def _attendee(said: Any) -> Attendee | None:
    if not isinstance(said, dict):
        return None
    name = said.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_PRESENCE_ID:
        return None
    return Attendee(name, said.get("info"))
