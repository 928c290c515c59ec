"""What clients are told about who is online."""

from collections.abc import Mapping

from realtime.cable import native
from realtime.cable.frames import encode

EVENT = "presence.update"


def for_agents(environment_id: int, users: Mapping[str, str], contacts: Mapping[str, str]) -> str:
    """Return the payload agents get: availability by user id, and the contacts who are there."""
    data = {"account_id": environment_id, "users": users, "contacts": contacts}
    return encode({"event": EVENT, "data": data})


def for_contacts(environment_id: int, users: Mapping[str, str]) -> str:
    """Return the payload contacts get: the agents only."""
    return encode({"event": EVENT, "data": {"account_id": environment_id, "users": users}})


def for_the_sdk(users: Mapping[str, str]) -> str:
    """Return the payload sessions of the SDK get: how many agents are there."""
    return native.presence(sum(availability != "offline" for availability in users.values()))


def joined(name: str, info: str) -> str:
    """Return the message of a presence frame; ``info`` is JSON."""
    return f'{{"type":"join","id":{encode(name)},"info":{info}}}'


def left(name: str) -> str:
    """Return the message of a presence frame."""
    return f'{{"type":"leave","id":{encode(name)}}}'


def records(found: Mapping[str, str], *, with_records: bool) -> str:
    """Return the answer to a ``presence`` command; the values of ``found`` are JSON."""
    listed = ",".join(f'{{"id":{encode(name)},"info":{info}}}' for name, info in found.items())
    tail = f',"records":[{listed}]' if with_records else ""
    return f'{{"type":"info","total":{len(found)}{tail}}}'


def failed() -> str:
    """Return the answer to a ``presence`` command that cannot be answered."""
    return '{"type":"error"}'
