"""What one attempt came to, on its way to be written down."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inboxes.channels.outcomes import Outcome, Sent
from outbound.policy import Verdict
from outbound.services.claims import Claimed


@dataclass(frozen=True, slots=True)
class Result:
    """
    What one attempt came to, and what follows for the message.

    ``outcome`` is None for a message that did not leave because it must not any more. ``request`` is what was sent as
    it may be shown, in a sandbox. ``is_afterwards``: nothing was sent now, it is about an earlier attempt or none.
    """

    claimed: Claimed
    verdict: Verdict
    outcome: Outcome | None
    began_at: datetime
    channel: str
    status_code: int | None = None
    request: dict[str, Any] | None = None
    is_afterwards: bool = False

    @property
    def provider_id(self) -> str:
        """What the provider calls the message."""
        return self.outcome.provider_id if isinstance(self.outcome, Sent) else ""


@dataclass(frozen=True, slots=True)
class Release:
    """A claim that is given back without an attempt, to be taken again in ``wait`` seconds; ``reason`` is a label."""

    claimed: Claimed
    reason: str
    wait: float = 0.0
