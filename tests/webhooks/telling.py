"""Endpoints made by hand, what is queued for them, and the files that bodies are compared with."""

import json
import os
import re
from pathlib import Path
from typing import Any

from accounts.models import Environment
from webhooks.models import Body, Delivery, Endpoint, Health

GOLDEN = Path(__file__).parent / "golden"
# Say `DEXRA_WRITE_GOLDEN=1` to write the files anew, and look at the difference before you commit it.
WRITES = bool(os.environ.get("DEXRA_WRITE_GOLDEN"))
# What changes from run to run, as it is written down.
CHANGING = (
    (re.compile(r"(evt|usr|conv|msg|inb|key|agt|att|whe|whd)_[1-9A-HJ-NP-Za-km-z]{12,}"), r"\1_…"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "<moment>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<moment in milliseconds>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"/files/[1-9A-HJ-NP-Za-km-z]{24}$"), "/files/<token>"),
)
CHANGES = frozenset({"previous_value", "current_value"})
NUMBERS = frozenset(
    {"id", "message_id", "account_id", "inbox_id", "contact_id", "assignee_id", "team_id", "sender_id", "created_at",
     "updated_at", "last_activity_at", "timestamp", "waiting_since", "agent_last_seen_at", "contact_last_seen_at"}
)  # fmt: skip


def listen(environment: Environment, *, url: str = "https://shop.example/hooks", **fields: Any) -> Endpoint:
    """Make an endpoint; no secret is needed to queue for it."""
    endpoint: Endpoint = Endpoint.unscoped.create(environment=environment, url=url, **fields)
    Health.unscoped.create(environment=environment, endpoint=endpoint)
    return endpoint


def queued(endpoint: Endpoint) -> list[str]:
    """Return the types of what is queued for an endpoint, in the order it is due."""
    waiting = Delivery.unscoped.filter(endpoint=endpoint).order_by("next_attempt_at", "id")
    return list(waiting.values_list("type", flat=True))


def told(endpoint: Endpoint, name: str = "") -> list[Any]:
    """Return the bodies an endpoint is told, oldest first, but those emptied since; of one type if it is named."""
    found = []
    for each in Delivery.unscoped.filter(endpoint=endpoint).order_by("id"):
        body = Body.unscoped.get(event_id=each.event_id, dialect=endpoint.dialect, type=each.type)
        if name in {"", each.type} and body.content:
            found.append(json.loads(bytes(body.content)))
    return found


def compare(name: str, body: Any) -> None:
    """Compare a body with ``golden/<name>.json``; what changes from run to run is replaced."""
    path, shown = GOLDEN / f"{name}.json", json.dumps(steady(body), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if WRITES:
        path.write_text(shown)
    assert shown == path.read_text()


def steady(value: Any, name: str = "") -> Any:
    """Return a value without what changes from run to run."""
    if isinstance(value, dict):
        return {key: steady(inner, name if key in CHANGES else key) for key, inner in value.items()}
    if isinstance(value, list):
        return [steady(inner, name) for inner in value]
    if name in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool) and value:
        return f"<{type(value).__name__}>"
    if isinstance(value, str):
        for pattern, word in CHANGING:
            value = pattern.sub(word, value)
    return value
