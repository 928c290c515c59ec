"""What goes wrong on the way, on purpose: in the sandbox an event is sent twice, out of order, late, or forged."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Environment
from core.errors import Conflict, invalid
from events.log import from_row
from events.models import LoggedEvent
from webhooks.models import Delivery, Endpoint
from webhooks.services import fanout, resending
from webhooks.services.fanout import Said

DELAY_SECONDS = 30
LONGEST_DELAY_SECONDS = 3600
# What came first in its conversation follows what came after it by so much.
REORDER_SECONDS = 2
MOST_LOOKED_AT = 50
Mode = Delivery.Rehearsal


@transaction.atomic
def rehearse(
    *, event: LoggedEvent, mode: str, endpoint: Endpoint | None, environment: Environment, delay_seconds: int
) -> list[Delivery]:
    """
    Send an event of the sandbox as ``mode`` says, to one endpoint or to every active one that wants its type.

    Returns the deliveries; each is attempted once. Raises Invalid when nobody would be told of the event, Conflict
    when its conversation has no other to change places with, Gone when the person it is about was erased.
    """
    if event.data.get("erased"):
        raise resending.erased()
    addressees = [endpoint] if endpoint else list(Endpoint.of(environment).filter(deleted_at=None, state="active"))
    sent = []
    for one in addressees:
        for seconds, said in _script(event, mode, one, delay_seconds):
            sent += [_deliver(each, one, mode, seconds) for each in said]
    if not sent:
        why = f"No endpoint is told of {event.type}: make one that wants it, or name another event."
        raise invalid("endpoint_id", why, code="nobody_is_told")
    resending.wake({delivery.endpoint_id for delivery in sent})
    return sent


def _script(event: LoggedEvent, mode: str, endpoint: Endpoint, delay_seconds: int) -> list[tuple[int, list[Said]]]:
    """Return what is said to an endpoint, and after how many seconds; nothing when it is not told of the event."""
    this = fanout.said([from_row(event)], endpoint)
    if not this:
        return []
    match mode:
        case Mode.DUPLICATE:
            return [(0, this), (0, this)]
        case Mode.REORDER:
            other, follows = _neighbour(event, endpoint)
            return [(0, other), (REORDER_SECONDS, this)] if follows else [(0, this), (REORDER_SECONDS, other)]
        case Mode.DELAY:
            return [(delay_seconds, this)]
        case _:
            return [(0, this)]


def _neighbour(event: LoggedEvent, endpoint: Endpoint) -> tuple[list[Said], bool]:
    """Return what is said about the next event of the conversation, or the one before; and whether it follows."""
    if event.conversation_id is not None and event.sequence is not None:
        conversation = LoggedEvent.of(endpoint.environment).filter(conversation_id=event.conversation_id)
        following = conversation.filter(sequence__gt=event.sequence).order_by("sequence")
        preceding = conversation.filter(sequence__lt=event.sequence).order_by("-sequence")
        for rows, follows in ((following, True), (preceding, False)):
            for row in rows[:MOST_LOOKED_AT]:
                if said := fanout.said([from_row(row)], endpoint):
                    return said, follows
    raise Conflict(
        "Nothing to change places with: this endpoint is told of no other event of the same conversation.",
        code="nothing_to_reorder",
    )


def _deliver(said: Said, endpoint: Endpoint, mode: str, seconds: int) -> Delivery:
    delivery: Delivery = Delivery.unscoped.create(
        environment_id=endpoint.environment_id, endpoint=endpoint, event_id=said.event_id, event_at=said.event_at,
        type=said.type, conversation_id=said.conversation_id, livemode=False, rehearsal=mode,
        trigger=Delivery.Trigger.REHEARSAL, next_attempt_at=timezone.now() + timedelta(seconds=seconds),
    )  # fmt: skip
    return delivery
