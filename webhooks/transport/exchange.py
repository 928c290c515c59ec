"""A request and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

USER_AGENT = "Dexra-Webhooks/1"
SECONDS = 15.0
CAPTURED = "captured"  # the ``error_class`` of what was signed and kept, but not sent


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request; from the lookup of the name to the end of the answer it takes ``seconds`` at most."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came of a request.

    ``error_class`` is empty for a 2xx, and else one of ``failures``; ``detail`` may say more about it. ``status`` is
    there as soon as the other side said one, even if the rest of its answer failed. ``headers`` and ``body`` may be
    shown to the endpoint's owner. ``retry_after`` is in seconds. With ``is_ours``, nothing was learnt about the other
    side. ``is_blocked``: nothing was dialled, for the address is a private one; its owner may not be told so.
    """

    status: int | None
    error_class: str
    milliseconds: int
    remote_ip: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    retry_after: float | None = None
    detail: str = ""
    is_ours: bool = False
    is_blocked: bool = False
