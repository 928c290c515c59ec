"""What providers tell beside what became of a message: who wants no more, and where else somebody is."""

from collections.abc import Sequence

import structlog

from contacts.models import ContactSession, Suppression
from contacts.services import addresses, consent
from inboxes.channels.outcomes import Deferred, Rejected, Sent
from outbound.models import Dispatch
from outbound.services.results import Result

log = structlog.get_logger(__name__)


def follow(results: Sequence[Result]) -> None:
    """Do what follows from answers for people and their addresses. Runs in the transaction that settles them."""
    for result in results:
        match result.outcome:
            case Rejected(suppresses=scope) if scope:
                _suppress(result, scope, result.outcome.detail)
            case Sent(aliases=aliases) if aliases:
                _know_by(result, aliases)
            case Deferred(address=address) if address:
                _move(result, address)


def _suppress(result: Result, scope: str, detail: str) -> None:
    dispatch = _dispatch(result)
    consent.suppress(
        environment=dispatch.environment, channel=dispatch.inbox.channel, address=dispatch.address,
        scope=scope, reason=Suppression.Reason.PROVIDER, detail=detail,
    )  # fmt: skip


def _know_by(result: Result, aliases: Sequence[str]) -> None:
    """Remember further addresses of a recipient, unless somebody else has them already."""
    known = set(
        ContactSession.unscoped.filter(inbox_id=result.claimed.inbox_id, source_id__in=list(aliases)).values_list(
            "source_id", flat=True
        )
    )
    for alias in aliases:
        if alias not in known and alias != result.claimed.address:
            dispatch = _dispatch(result)
            addresses.open_at(inbox=dispatch.inbox, address=alias, contact=dispatch.contact)


def _move(result: Result, address: str) -> None:
    """Send to a recipient's new address from now on."""
    dispatch = _dispatch(result)
    Dispatch.unscoped.filter(pk=dispatch.pk).update(address=address)
    addresses.open_at(inbox=dispatch.inbox, address=address, contact=dispatch.contact)


def _dispatch(result: Result) -> Dispatch:
    rows = Dispatch.unscoped.select_related("environment", "inbox", "contact")
    dispatch: Dispatch = rows.get(pk=result.claimed.id)
    dispatch.inbox.environment = dispatch.contact.environment = dispatch.environment
    return dispatch
