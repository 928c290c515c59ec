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
    for result, alias in _unknown(results):
        dispatch = _dispatch(result)
        addresses.open_at(inbox=dispatch.inbox, address=alias, contact=dispatch.message.contact)
    for result in results:
        match result.outcome:
            case Rejected(suppresses=scope) if scope:
                _suppress(result, scope, result.outcome.detail)
            case Deferred(address=address) if address:
                _move(result, address)


def _unknown(results: Sequence[Result]) -> list[tuple[Result, str]]:
    """Return further addresses of recipients that nobody is known by; somebody else's stay theirs."""
    told = [
        (result, alias)
        for result in results
        if isinstance(result.outcome, Sent)
        for alias in result.outcome.aliases
        if alias != result.claimed.address
    ]
    if not told:
        return []
    inboxes, aliases = {result.claimed.inbox_id for result, _ in told}, {alias for _, alias in told}
    rows = ContactSession.unscoped.filter(inbox_id__in=inboxes, source_id__in=aliases)
    known = set(rows.values_list("inbox_id", "source_id"))
    return [(result, alias) for result, alias in told if (result.claimed.inbox_id, alias) not in known]


def _suppress(result: Result, scope: str, detail: str) -> None:
    dispatch = _dispatch(result)
    consent.suppress(
        environment=dispatch.environment, channel=dispatch.inbox.channel, address=dispatch.address,
        scope=scope, reason=Suppression.Reason.PROVIDER, detail=detail,
    )  # fmt: skip


def _move(result: Result, address: str) -> None:
    """Send to a recipient's new address from now on."""
    dispatch = _dispatch(result)
    Dispatch.unscoped.filter(pk=dispatch.pk).update(address=address)
    addresses.open_at(inbox=dispatch.inbox, address=address, contact=dispatch.message.contact)


def _dispatch(result: Result) -> Dispatch:
    rows = Dispatch.unscoped.select_related("environment", "inbox", "message__contact")
    dispatch: Dispatch = rows.get(pk=result.claimed.id)
    dispatch.inbox.environment = dispatch.message.contact.environment = dispatch.environment
    return dispatch
