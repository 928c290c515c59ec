"""What a call can come to besides an answer."""

from dataclasses import dataclass
from typing import TypeAlias

from inboxes.channels.outgoing import Reply

NOT_SENT, AMBIGUOUS, OUR_FAULT = "not_sent", "ambiguous", "ours"


@dataclass(frozen=True, slots=True)
class Accident:
    """
    There was no answer. ``kind`` says what that means: it was certainly not_sent, it may have been (ambiguous), or
    the fault is ours and nothing was learnt. ``detail`` may be shown: it holds neither addresses nor secrets.
    """

    kind: str
    detail: str


Result: TypeAlias = Reply | Accident
