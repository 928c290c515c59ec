"""One message on its way, told: when it was queued, every attempt with its waits, every receipt, how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.times import parse, span
from inboxes import channels
from outbound.models import Attempt, Dispatch

GOOD, DOUBT, WRONG = "ok", "warn", "bad"
ATTEMPTS = {
    Attempt.State.OPEN: ("under way, or its worker died", ""),
    Attempt.State.SENT: ("the provider has it", GOOD),
    Attempt.State.DEFERRED: ("not now", DOUBT),
    Attempt.State.REJECTED: ("refused", WRONG),
    Attempt.State.UNCERTAIN: ("nobody knows", DOUBT),
}
STATUSES = {
    "queued": GOOD, "scheduled": GOOD, "sending": GOOD, "sent": GOOD, "delivered": GOOD, "read": GOOD,
    "failed": WRONG, "unknown": DOUBT, "canceled": DOUBT,
}  # fmt: skip
TOLD_BY_ATTEMPTS = {"sending"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story."""

    title: str
    tone: str
    at: datetime
    note: str = ""
    waited: str = ""
    attempt: Attempt | None = None


def tell(dispatch: Dispatch, attempts: Sequence[Attempt]) -> list[Step]:
    """Return what happened, oldest first; each step says how long it was waited for."""
    steps = [*map(_attempt, attempts), *(_status(each) for each in dispatch.message.timeline if _is_news(each))]
    steps.sort(key=lambda step: step.at)
    told: list[Step] = []
    for step in steps:
        seconds = (step.at - told[-1].at).total_seconds() if told else 0.0
        waited = span(seconds) if seconds >= 0.001 else ""
        told.append(Step(step.title, step.tone, step.at, step.note, waited, step.attempt))
    return told


def what_next(dispatch: Dispatch) -> str:
    """Return what it waits for; empty for one that waits for nothing."""
    if dispatch.state == Dispatch.State.WAITING and dispatch.next_attempt_at:
        return f"Due at {dispatch.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC."
    if dispatch.state == Dispatch.State.SENDING and dispatch.lease_until:
        return f"A worker has it until {dispatch.lease_until:%H:%M:%S} UTC; should it die, it is in doubt."
    if dispatch.state == Dispatch.State.UNKNOWN and dispatch.resolve_at:
        return f"In doubt until {dispatch.resolve_at:%H:%M:%S} UTC; {_what_may_tell(dispatch)}."
    if dispatch.fallback_at:
        return f"Its next step is taken at {dispatch.fallback_at:%H:%M:%S} UTC, unless it arrives."
    return ""


def _what_may_tell(dispatch: Dispatch) -> str:
    """Return by what anything may still be learnt of a message whose answer was lost, on its channel."""
    limits = channels.find(dispatch.inbox.channel).limits(dispatch.inbox.settings)
    if limits.can_look_up and dispatch.livemode:
        return "its provider is asked about it then, and a receipt may name it before"
    if limits.receipts:
        return "a receipt may still name it"
    return f"nothing more will be learnt of it: {dispatch.inbox.get_channel_display()} tells no receipts"


def _attempt(attempt: Attempt) -> Step:
    words, tone = ATTEMPTS[Attempt.State(attempt.state)]
    status = f", HTTP {attempt.status_code}" if attempt.status_code else ""
    codes = " ".join(filter(None, [attempt.code, f"({attempt.provider_code})" if attempt.provider_code else ""]))
    lasted = span((attempt.ended_at - attempt.started_at).total_seconds()) if attempt.ended_at else ""
    note = ". ".join(filter(None, [codes, attempt.detail, f"It took {lasted}" if lasted else ""]))
    return Step(f"Attempt {attempt.n}: {words}{status}", tone, attempt.started_at, note, attempt=attempt)


def _status(entry: dict[str, Any]) -> Step:
    status = str(entry["status"])
    return Step(status.capitalize(), STATUSES.get(status, ""), parse(str(entry["at"])))


def _is_news(entry: dict[str, Any]) -> bool:
    return entry.get("status") not in TOLD_BY_ATTEMPTS
