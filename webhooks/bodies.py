"""What our own dialect says about an event: the bytes that are signed and sent."""

import json
from typing import Any

from events.event import Event
from events.serializers import summary

# Every type an endpoint may ask for. Notes, traces and who looked are not for customers' servers.
TYPES = (
    "message_in", "message_out", "message_status",
    "conversation_created", "conversation_updated", "conversation_closed",
    "user_created", "user_updated", "user_merged", "user_deleted",
    "inbox_disconnected", "inbox_reconnected",
    "endpoint_failing", "endpoint_recovered", "endpoint_disabled", "delivery_exhausted",
)  # fmt: skip
TEST = "endpoint_test"
# The database keeps the names of an object in an order of its own; these come first, for whoever reads along.
FIRST = ("conversation_id", "message_text", "source_channel")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def types_of(event: Event) -> tuple[str, ...]:
    """Return the names of what is said about an event: one, or none for what is not for customers' servers."""
    return (event.type,) if event.type in TYPES or event.type == TEST else ()


def body(event: Event) -> bytes:
    """Return the body that tells of an event: compact JSON in UTF-8, the same for the same event at any time."""
    told = {
        **summary(event),
        "event": event.type,
        "channel": event.data.get("source_channel"),
        "source": event.actor.type,
        "data": {name: event.data[name] for name in FIRST if name in event.data} | event.data,
    }
    return encode(told | {"test": True} if event.type == TEST else told)


def encode(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    return _encode(value).encode()
