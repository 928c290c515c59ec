"""Addresses that nothing is sent to, entered and lifted by hand."""

from django.db import transaction

from accounts.models import Environment
from accounts.services import audit
from contacts.models import Suppression
from contacts.services import consent
from core.errors import Invalid, Problem
from inboxes import channels

LONGEST_DETAIL = 255


@transaction.atomic
def add(
    *, environment: Environment, channel: str, address: str, scope: str, detail: str, by: audit.Who
) -> Suppression:  # fmt: skip
    """
    Let nothing, or no marketing, be sent to an address; said twice it is one entry, with what was said first.

    Raises Invalid for a channel that nobody knows and for what is no address of its.
    """
    if channel not in channels.REGISTRY:
        known = ", ".join(channels.REGISTRY)
        raise Invalid(Problem("channel", "unknown_channel", f"channel is one of: {known}."))
    written = channels.find(channel).address(address, {})
    if written is None:
        raise Invalid(
            Problem("address", "invalid_recipient", f"{address[:80]!r} is no address of the {channel} channel.")
        )
    suppression = consent.suppress(
        environment=environment, channel=channel, address=written, scope=scope,
        reason=Suppression.Reason.OPERATOR, detail=detail,
    )  # fmt: skip
    audit.record(environment=environment, who=by, action="suppression.added", target=suppression.public_id)
    return suppression


@transaction.atomic
def remove(suppression: Suppression, *, by: audit.Who) -> None:
    """Let an address be written to again."""
    environment, name = suppression.environment, suppression.public_id
    suppression.delete()
    audit.record(environment=environment, who=by, action="suppression.removed", target=name)
