"""The address a person unsubscribes at: sealed, so that it says nothing to others and can be made by nobody else."""

import json
from dataclasses import dataclass

from django.conf import settings

from core import crypto

PURPOSE = "unsubscribe"
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class WayOut:
    """Whose newsletters somebody wants no more of, and at which address."""

    environment_id: int
    channel: str
    address: str


def unsubscribe_url(environment_id: int, channel: str, address: str) -> str:
    """Return the address; it works for as long as a key that opens it is kept."""
    sealed = crypto.encrypt(json.dumps([PURPOSE, environment_id, channel, address]))
    return f"{settings.BASE_URL}/u/{sealed}"


def way_out(token: str) -> WayOut | None:
    """Return what the last part of such an address says; None for one that is none of ours."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        purpose, environment_id, channel, address = json.loads(crypto.decrypt(token))
    except (ValueError, TypeError):  # nobody's, or some other secret of ours
        return None
    return WayOut(environment_id, channel, address) if purpose == PURPOSE else None
