"""
What a sandbox's providers tell of messages afterwards: receipts, through the door that real ones come by.

They are callbacks of the real shape, put in with the moment at which they are to be there: so nothing has to be
remembered but the callbacks themselves.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from django.utils import timezone

from core.errors import DomainError
from core.logs import loggable_error
from inboxes.channels import enacted
from inboxes.channels.enacted.actor import Actor, Scene
from inboxes.channels.incoming import Receipt
from inboxes.services import postbox
from outbound.models import Dispatch
from outbound.services import magic

# What is told of a message, and after how many seconds, by what its recipient forces.
USUALLY = (("sent", 0.1), ("delivered", 0.5))
PLANS: Mapping[str, Sequence[tuple[str, float]]] = {
    "": USUALLY,
    "throttled": USUALLY,
    "read": (*USUALLY, ("read", 1.0)),
    "undelivered": (("sent", 0.1), ("failed", 0.5)),
    "unknown": (("sent", 5.0), ("delivered", 5.0)),
    "duplicate": (("delivered", 0.3), ("sent", 0.4), ("delivered", 0.5), ("sent", 0.6)),
}

log = structlog.get_logger(__name__)


def tell_of(message_ids: Sequence[int]) -> None:
    """Have receipts come for messages of sandboxes that their providers are said to have taken, or may have."""
    if not message_ids:
        return
    rows = Dispatch.unscoped.filter(message__in=message_ids, livemode=False, inbox__deleted_at=None)
    for dispatch in rows.select_related("inbox__environment", "message").order_by("pk"):
        try:
            _tell(dispatch)
        except (DomainError, KeyError, ValueError) as failure:  # settings that are not whole, for instance
            log.warning("receipts_not_simulated", dispatch_id=dispatch.pk, error=loggable_error(failure))


def _tell(dispatch: Dispatch) -> None:
    inbox, settings = dispatch.inbox, dispatch.inbox.settings
    actor = enacted.actor_for(inbox.channel, settings)
    if actor is None:
        return
    url, now = inbox.callback_url, timezone.now()
    provider_id = dispatch.message.provider_id or actor.sent_id(dispatch.address, uuid4())
    for status, seconds in PLANS.get(magic.outcome_of(dispatch.address), ()):
        if status in actor.told(settings):
            at = now + timedelta(seconds=seconds)
            receipt = _receipt(dispatch, actor, status, provider_id, at)
            postbox.post(inbox, actor.receipt(receipt, Scene(settings, url, at)))


def _receipt(dispatch: Dispatch, actor: Actor, status: str, provider_id: str, at: datetime) -> Receipt:
    return Receipt(
        status, at, provider_id, dispatch.message.public_id, dispatch.address,
        failure=actor.undelivered if status == "failed" else None,
    )  # fmt: skip
