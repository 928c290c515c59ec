"""One delivery, drawn: what happened, when it was queued, every attempt with its waits, how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log10

from django.utils import timezone

from core.times import span
from webhooks.admin.states import ERRORS
from webhooks.models import Attempt, Delivery, Health
from webhooks.serializers import HELD, REFUSAL, delivery_json, reason_of, state_of
from webhooks.transport.exchange import CAPTURED

SHOWN_OF_ANSWER = 400
# Both axes are logarithmic: a request takes milliseconds or seconds, its next attempt comes in seconds or a day.
FIRST_SECOND, LAST_SECOND = 0.01, 4 * 86_400.0
MOMENTS = ((0.1, "0.1 s"), (1, "1 s"), (60, "1 min"), (3600, "1 h"), (86_400, "1 day"))
SHORTEST_MS, LONGEST_MS = 1.0, 20_000.0
LENGTHS = ((10, "10 ms"), (100, "100 ms"), (1000, "1 s"), (10_000, "10 s"))
GOOD, DOUBT, WRONG = "ok", "warn", "bad"
TONES = {
    Delivery.State.DELIVERED: GOOD,
    Delivery.State.EXHAUSTED: WRONG,
    Delivery.State.QUARANTINED: WRONG,
    Delivery.State.CANCELED: DOUBT,
    HELD: DOUBT,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a logarithmic axis: ``at`` like ``37.25%``."""

    at: str
    label: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story; ``attempt`` is there for those that are one. ``after`` counts from the event."""

    title: str
    tone: str
    at: datetime | None = None
    after: str = ""
    waited: str = ""
    note: str = ""
    attempt: Attempt | None = None
    length: str = ""
    width: str = ""
    answer: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether there is more of the answer than is shown."""
        return self.attempt is not None and len(self.attempt.response_body) > len(self.answer)


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that is drawn of a delivery."""

    steps: list[Step]
    marks: list[Mark]
    moments: list[Mark]
    lengths: list[Mark]
    state: str
    tone: str


def draw(delivery: Delivery, attempts: Sequence[Attempt], health: Health | None) -> Timeline:
    """Return the timeline of a delivery whose attempts are given oldest first."""
    state, rehearsal = state_of(delivery), delivery_json(delivery, attempts)["rehearsal"]
    made = [_attempt(delivery, attempt, _ended(delivery, attempts[:n])) for n, attempt in enumerate(attempts)]
    if rehearsal is not None and rehearsal["passed"] is not None:
        made = [replace(step, tone=GOOD if rehearsal["passed"] else WRONG) for step in made]
        last = _rehearsed(delivery, **rehearsal)
    else:
        last = _outcome(delivery, state, _ended(delivery, attempts), health)
    marks = [_mark(delivery, step) for step in made]
    if state == Delivery.State.PENDING and last.at is not None:
        marks.append(_mark(delivery, last))
    return Timeline(
        steps=[*_beginning(delivery), *made, last],
        marks=marks,
        moments=[Mark(_on_axis(at, FIRST_SECOND, LAST_SECOND), label) for at, label in MOMENTS],
        lengths=[Mark(_on_axis(at, SHORTEST_MS, LONGEST_MS), label) for at, label in LENGTHS],
        state=state,
        tone=last.tone,
    )


def _beginning(delivery: Delivery) -> list[Step]:
    waited = span(max((delivery.created_at - delivery.event_at).total_seconds(), 0))
    return [
        Step("It happened", GOOD, delivery.event_at, note=delivery.type),
        Step("Queued for this endpoint", GOOD, delivery.created_at, _after(delivery, delivery.created_at), waited),
    ]


def _attempt(delivery: Delivery, attempt: Attempt, since: datetime) -> Step:
    answered = str(attempt.status_code) if attempt.status_code else "no answer"
    trigger = "" if attempt.trigger == Delivery.Trigger.AUTO else f", {attempt.get_trigger_display().lower()}"
    return Step(
        title=f"Attempt {attempt.n}{trigger}: {answered}",
        tone=_tone(attempt),
        at=attempt.sent_at,
        after=_after(delivery, attempt.sent_at),
        waited=span(max((attempt.sent_at - since).total_seconds(), 0)),
        note=_reason(attempt),
        attempt=attempt,
        length=span(attempt.duration_ms / 1000),
        width=_on_axis(attempt.duration_ms, SHORTEST_MS, LONGEST_MS),
        answer=attempt.response_body[:SHOWN_OF_ANSWER],
    )


def _reason(attempt: Attempt) -> str:
    reason = ERRORS.get(attempt.error_class, attempt.error_class)
    return f"{reason} ({attempt.error_detail})" if attempt.error_detail else reason


def _tone(attempt: Attempt) -> str:
    if attempt.error_class == CAPTURED:
        return DOUBT
    return GOOD if attempt.status_code is not None and 200 <= attempt.status_code < 300 else WRONG


def _outcome(delivery: Delivery, state: str, since: datetime, health: Health | None) -> Step:
    """Return how it ended, or what is next."""
    if state == Delivery.State.PENDING and delivery.next_attempt_at is not None:
        return _next(delivery, since, health)
    title, note = _ending(delivery, state)
    at = delivery.finished_at
    return Step(title, TONES.get(state, ""), at, _after(delivery, at) if at else "", note=note)


def _rehearsed(delivery: Delivery, *, mode: str, expected: str, passed: bool) -> Step:
    """Return what a rehearsal has shown."""
    wanted = "refuse it, with 4xx" if expected == REFUSAL else "take it, with 2xx"
    note = f"The receiver {'did' if passed else 'should'} {wanted}: {mode.replace('_', ' ')}."
    at = delivery.finished_at
    title, tone = ("The rehearsal went well", GOOD) if passed else ("The rehearsal went wrong", WRONG)
    return Step(title, tone, at, _after(delivery, at) if at else "", note=note)


def _next(delivery: Delivery, since: datetime, health: Health | None) -> Step:
    due = delivery.next_attempt_at
    assert due is not None
    now, note = timezone.now(), ""
    held = health.hold_until if health else None
    if held is not None and held > max(now, due):
        note = f"Nothing is sent to this endpoint for another {span((held - now).total_seconds())}."
    elif due <= now:
        note = f"Due for {span((now - due).total_seconds())}: it waits for a free slot."
    else:
        note = f"In {span((due - now).total_seconds())}."
    waits = span(max((due - since).total_seconds(), 0))
    return Step(f"Attempt {delivery.tries + 1} is next", "", due, _after(delivery, due), waits, note)


def _ending(delivery: Delivery, state: str) -> tuple[str, str]:
    endpoint = delivery.endpoint
    match state:
        case Delivery.State.DELIVERED:
            return "Delivered", "It answered 2xx."
        case Delivery.State.DELIVERING:
            until = f"until {delivery.lease_until:%H:%M:%S} UTC" if delivery.lease_until else ""
            return "Being attempted now", f"A worker holds it {until}; should it die, another takes it."
        case Delivery.State.EXHAUSTED:
            return "Given up", f"{delivery.tries} attempts failed."
        case Delivery.State.QUARANTINED:
            return "Set aside", f"Taken {delivery.claims} times, and never once was an attempt written down."
        case Delivery.State.CANCELED:
            return "Canceled", " ".join([*_because(delivery), "Nothing more is sent."])
        case _:
            reason = endpoint.get_disabled_reason_display()
            return "Held", f"The endpoint is {endpoint.state}." + (f" {reason}." if reason else "")


def _because(delivery: Delivery) -> list[str]:
    reason = reason_of(delivery)
    return [f"{Delivery.Canceled(reason).label}."] if reason else []


def _ended(delivery: Delivery, attempts: Sequence[Attempt]) -> datetime:
    """Return when the wait that follows these attempts began."""
    if not attempts:
        return delivery.created_at
    return attempts[-1].sent_at + timedelta(milliseconds=attempts[-1].duration_ms)


def _after(delivery: Delivery, moment: datetime) -> str:
    return span(max((moment - delivery.event_at).total_seconds(), 0))


def _mark(delivery: Delivery, step: Step) -> Mark:
    assert step.at is not None
    seconds = (step.at - delivery.event_at).total_seconds()
    return Mark(_on_axis(seconds, FIRST_SECOND, LAST_SECOND), f"{step.title}, after {step.after}", step.tone)


def _on_axis(value: float, first: float, last: float) -> str:
    """Return where a value lies between the ends of a logarithmic axis; what is outside lies at the end."""
    inside = min(max(value, first), last)
    return f"{log10(inside / first) / log10(last / first) * 100:.2f}%"
