"""What a call can come to besides an answer."""

from dataclasses import dataclass, field
from typing import TypeAlias

import structlog
from prometheus_client import Counter

from core.logs import loggable_places
from inboxes.channels.outgoing import Reply

NOT_SENT, AMBIGUOUS, OUR_FAULT = "not_sent", "ambiguous", "ours"

faults = Counter("dexra_provider_call_faults", "Calls to providers that a defect of ours broke off", ["place"])

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Accident:
    """
    There was no answer. ``kind`` says what that means: it was certainly not_sent, it may have been (ambiguous), or
    the fault is ours and nothing was learnt. ``detail`` may be shown: it holds neither addresses nor secrets.
    ``code`` says what is wrong with a ``setting``, where it is that.
    """

    kind: str
    detail: str
    code: str = field(default="", compare=False)
    setting: str = field(default="", compare=False)


Result: TypeAlias = Reply | Accident


def note_fault(place: str, fault: BaseException, **about: object) -> None:
    """
    Log a defect of ours that broke a call off, and count it at its ``place``.

    Where it happened is told, what it says is not: it may quote a URL with a token, or what somebody wrote.
    """
    faults.labels(place).inc()
    log.error("provider_call_broke", place=place, exception=loggable_places(fault), **about)
