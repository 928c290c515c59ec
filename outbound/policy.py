"""What follows from what became of an attempt: pure rules, with every figure of them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inboxes.channels.base import Channel
from inboxes.channels.outcomes import FAILURES, Deferred, Outcome, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import Outgoing
from inboxes.transport.accidents import AMBIGUOUS, OUR_FAULT, Accident, Result, note_fault
from outbound.models import Dispatch

ATTEMPTS = 5
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5.0, 300.0
# A provider that is away for everybody is waited for until the message expires. At five minutes each, this is days.
MOST_TRIES = 1000
SANDBOX_WAIT_SECONDS = 0.2
LONGEST_RETRY_AFTER_SECONDS = 3600.0
# Our own fault says nothing about the provider: nothing is counted, and it is tried again soon.
OUR_WAIT_SECONDS = 2.0

# In doubt: how long a receipt that names the message is waited for, or when the provider is asked about it.
GRACE_SECONDS, SANDBOX_GRACE_SECONDS = 300.0, 3.0
LOOKUP_SECONDS = (10.0, 60.0, 300.0)
# Nothing a provider has not so long after the attempt, and has not again as much later, is on its way.
MISSING_SECONDS = 60.0
AROUND_SECONDS = 600.0  # what was sent so long before may be what is found, too
AWAY_LOOKUP_SECONDS = 300.0

# So many faults in a row, within a minute, and the line rests; then one message tries whether it is over.
FAULTS_TO_REST, FAULTS_WITHIN_SECONDS = 10, 60.0
FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 5.0, 300.0
# A line that rests and has not got through for so long is no blip: its people are told.
OUTAGE_SECONDS = 30.0
# Refused credentials: one message tries whether somebody mended it.
FIRST_PROBE_SECONDS, LONGEST_PROBE_SECONDS = 60.0, 900.0
# Somebody whose messages wait longer than this lets later ones to the same person pass.
PATIENCE_SECONDS = 30.0

NOT_YET_SENT = frozenset({"queued", "sending", "unknown"})


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What a dispatch goes by. ``attempts`` were counted before this one, ``tries`` are all of them with this one;
    ``doubted`` says one may have arrived, ``has_other_way`` that its chain goes on if it fails.
    """

    attempts: int
    livemode: bool
    at_least_once: bool
    is_idempotent: bool
    can_look_up: bool
    schedule: Sequence[float] = ()  # the operator's own, seconds before each further attempt
    doubted: bool = False
    tries: int = 1
    has_other_way: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What becomes of a dispatch.

    ``wait`` is in seconds, while it waits; ``resolve`` when to see about one in doubt. ``status`` is the message's new
    one, if any, with its ``failure``. ``counts``: as an attempt or, of one in doubt, as a lookup; ``is_fault`` counts
    against the provider.
    """

    state: Dispatch.State
    wait: float = 0.0
    counts: bool = True
    resolve: float | None = None
    status: str = ""
    failure: Mapping[str, Any] | None = None
    code: str = ""
    detail: str = ""
    provider_code: str = ""
    is_fault: bool = False


def outcome_of(channel: Channel, message: Outgoing, result: Result) -> Outcome:
    """Return what came of a call: the provider's answer in its own words, or the accident that took its place."""
    if isinstance(result, Accident):
        if result.kind == AMBIGUOUS:
            return Uncertain(detail=result.detail)
        return Deferred("provider_unavailable", result.detail, counts=result.kind != OUR_FAULT)
    if 300 <= result.status < 400:
        return Rejected("invalid_for_provider", f"It redirects (HTTP {result.status}); its base URL may be wrong.")
    try:
        return channel.judge(result, message)
    except Exception as error:  # noqa: BLE001  a provider may answer anything, and the message may have arrived
        note_fault("answer", error, channel=channel.kind, status=result.status)
        return Uncertain(detail="The answer could not be understood.")


def verdict_of(outcome: Outcome, terms: Terms) -> Verdict:
    """Return what becomes of a dispatch after an attempt that came to ``outcome``."""
    match outcome:
        case Sent():
            return Verdict(Dispatch.State.SENT, status="sent")
        case Rejected(disconnects=True):  # the message waits until somebody mends it
            return Verdict(Dispatch.State.WAITING, counts=False, **_words(outcome))
        case Rejected():
            return failed(outcome.code, outcome.detail, outcome.provider_code, doubted=terms.doubted)
        case Deferred():
            return _deferred(outcome, terms)
        case Uncertain():
            return _uncertain(outcome, terms)


def failed(code: str, detail: str = "", provider_code: str = "", *, doubted: bool = False) -> Verdict:
    """Return that a message is given up; one that may have arrived earlier is not said to have failed."""
    told = failure(code, detail, provider_code)
    if doubted:
        return Verdict(Dispatch.State.UNKNOWN, status="unknown", failure=told, code=code, detail=detail)
    return Verdict(
        Dispatch.State.FAILED, status="failed", failure=told, code=code, detail=detail, provider_code=provider_code
    )


def settled_as(status: str) -> Verdict:
    """Return what becomes of a dispatch whose message has come to its end by another way."""
    ended = {"failed": Dispatch.State.FAILED, "canceled": Dispatch.State.CANCELED}
    return Verdict(ended.get(status, Dispatch.State.SENT), counts=False)


def failure(code: str, detail: str = "", provider_code: str = "", *, permanent: bool = True) -> dict[str, Any]:
    """Return a message's ``failure`` as everybody is shown it."""
    message = FAILURES.get(code, "It could not be sent.")
    return {
        "code": code,
        "message": f"{message} {detail}".strip()[:500],
        "provider_code": provider_code or None,
        "permanent": permanent,
    }


def wait_before(attempts: int, terms: Terms) -> float:
    """Return the seconds before the next attempt, after so many that failed."""
    if not terms.livemode:
        return SANDBOX_WAIT_SECONDS * 2.0 ** (attempts - 1)
    if terms.schedule:
        return terms.schedule[min(attempts, len(terms.schedule)) - 1]
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(attempts - 1, 16))
    return random.uniform(0.0, longest)  # noqa: S311  no secret


def rest_after(faults: int) -> float:
    """Return the seconds a line rests after so many faults in a row."""
    if faults < FAULTS_TO_REST:
        return 0.0
    return float(min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2.0 ** min(faults - FAULTS_TO_REST, 16)))


def probe_after(refusals: int) -> float:
    """Return the seconds until one message tries whether refused credentials were mended."""
    return float(min(LONGEST_PROBE_SECONDS, FIRST_PROBE_SECONDS * 2.0 ** min(max(refusals - 1, 0), 16)))


def next_lookup(lookups: int) -> float | None:
    """Return the seconds until a message in doubt is asked about again; None: no more."""
    if lookups >= len(LOOKUP_SECONDS):
        return None
    return LOOKUP_SECONDS[lookups] - (LOOKUP_SECONDS[lookups - 1] if lookups else 0.0)


def triggers(step: Mapping[str, Any], status: str, code: str) -> bool:
    """Whether a step of a chain is taken for a message of that status, which failed of ``code``."""
    wanted = set(step.get("on") or ("failed", "undelivered", "expired", "window_closed", "no_delivery"))
    match status:
        case "failed":
            return bool({"failed", code} & wanted)
        case "unknown":
            return "unknown" in wanted
        case "queued" | "sending" | "sent":
            return "no_delivery" in wanted
        case _:
            return False


def _deferred(outcome: Deferred, terms: Terms) -> Verdict:
    concerns_all = outcome.code == "provider_unavailable" or outcome.pauses == "account"  # not this message's fault
    made = terms.tries if concerns_all else terms.attempts + outcome.counts
    most = MOST_TRIES if concerns_all and not terms.has_other_way else _most_attempts(terms)
    if outcome.counts and made >= min(most, outcome.most_attempts or most):
        detail = f"The last time: {outcome.detail or outcome.code}"
        told = failure("retries_exhausted", detail, outcome.provider_code, permanent=False)
        given_up = failed("retries_exhausted", detail, outcome.provider_code, doubted=terms.doubted)
        return Verdict(given_up.state, status=given_up.status, failure=told, code="retries_exhausted", detail=detail)
    if outcome.seconds is not None:
        wait = min(outcome.seconds, LONGEST_RETRY_AFTER_SECONDS)
    else:
        wait = wait_before(max(made, 1), terms) if outcome.counts else OUR_WAIT_SECONDS
    counts = outcome.counts and not concerns_all
    is_fault = outcome.code == "provider_unavailable" and outcome.counts
    return Verdict(Dispatch.State.WAITING, wait=wait, counts=counts, is_fault=is_fault, **_words(outcome))


def _uncertain(outcome: Uncertain, terms: Terms) -> Verdict:
    words: dict[str, Any] = {"code": outcome.code, "detail": outcome.detail}
    most = _most_attempts(terms) if terms.has_other_way else MOST_TRIES
    if terms.is_idempotent and terms.tries < most:
        wait = wait_before(terms.tries, terms)
        return Verdict(Dispatch.State.WAITING, wait=wait, counts=False, is_fault=True, **words)
    grace = GRACE_SECONDS if terms.livemode else SANDBOX_GRACE_SECONDS
    if terms.can_look_up and terms.livemode:
        grace = LOOKUP_SECONDS[0]
    told = failure(outcome.code, outcome.detail, permanent=False)
    return Verdict(Dispatch.State.UNKNOWN, resolve=grace, status="unknown", failure=told, is_fault=True, **words)


def _most_attempts(terms: Terms) -> int:
    return len(terms.schedule) + 1 if terms.schedule and terms.livemode else ATTEMPTS


def _words(outcome: Deferred | Rejected) -> dict[str, Any]:
    return {"code": outcome.code, "detail": outcome.detail, "provider_code": outcome.provider_code}
