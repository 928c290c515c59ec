"""
Who is told of what: an event becomes a body in each dialect that is spoken, and a delivery for each endpoint that wants
it. Whoever is paused or disabled gets deliveries too: they wait.

Runs in the relay's transaction, a whole batch in three statements (and a few more where Chatwoot's words are wanted).
What is already there stays as it is, so a batch may be handed over again.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from events import log
from events.event import Event
from webhooks import bodies, dialect
from webhooks.models import Delivery, Endpoint
from webhooks.services import hints, writing
from webhooks.services.writing import Target, Wish

TARGETS = """
SELECT endpoint.id, endpoint.environment_id, endpoint.inbox_id, endpoint.dialect, endpoint.events,
       endpoint.state = 'active', account.name
FROM webhooks_endpoint AS endpoint
JOIN accounts_environment AS environment ON environment.id = endpoint.environment_id
JOIN accounts_account AS account ON account.id = environment.account_id
WHERE endpoint.environment_id = ANY(%b::bigint[]) AND endpoint.deleted_at IS NULL ORDER BY endpoint.id
"""
# The rows of health are locked in the order everybody locks them in, and always, whatever they say: a claim that is
# under way does not see these deliveries yet, and must find its endpoint due again.
QUEUE = """
WITH queued AS (
    INSERT INTO webhooks_delivery (environment_id, endpoint_id, event_id, event_at, type, conversation_id, livemode,
                                   trigger, next_attempt_at)
    SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::text[], %b::bigint[],
                         %b::boolean[], %b::text[], %b::timestamptz[])
    ON CONFLICT (event_id, endpoint_id, type) WHERE rehearsal = '' DO NOTHING
), locked AS (
    SELECT endpoint_id FROM webhooks_health WHERE endpoint_id = ANY(%b::bigint[]) ORDER BY 1 FOR NO KEY UPDATE
)
UPDATE webhooks_health AS health SET next_due_at = least(coalesce(next_due_at, now()), now())
FROM locked WHERE health.endpoint_id = locked.endpoint_id
"""


class Said(NamedTuple):
    """An event as one endpoint is told of it; its body is kept."""

    event_id: int
    event_at: datetime
    type: str
    conversation_id: int | None


def fan_out(events: Sequence[Event]) -> None:
    """Queue events for every endpoint of their environments that wants them."""
    targets = _targets({event.environment_id for event in events})
    wishes = writing.keep(
        [
            Wish(event, name, target)
            for event in events
            for target in targets.get(event.environment_id, ())
            for name in wanted(event, target)
        ]
    )
    if wishes:
        _queue(wishes)
        hints.wake_engine()


def said(events: Sequence[Event], endpoint: Endpoint) -> list[Said]:
    """
    Return how one endpoint is told of events that happened before, in their order.

    Call it in the transaction that uses it: until it ends nobody can be erased whom these events are about.
    """
    target = Target(
        endpoint.pk, endpoint.environment_id, endpoint.inbox_id, endpoint.dialect, endpoint.events, endpoint.is_told,
        endpoint.environment.account.name,
    )  # fmt: skip
    wishes = writing.keep([Wish(event, name, target) for event in log.hold(events) for name in wanted(event, target)])
    return [
        Said(event.id, event.occurred_at, name, event.conversation_id) for event, name, _ in wishes if event.occurred_at
    ]


def wanted(event: Event, target: Target) -> Collection[str]:
    """Return the names under which an endpoint wants to be told of an event; none when it does not."""
    names = dialect.types_of(event) if target.dialect == Endpoint.Dialect.CHATWOOT else bodies.types_of(event)
    about = event.context.get("endpoint_id")
    if event.type == bodies.TEST:
        return names if about == target.id else ()
    if about == target.id:  # nobody hears of their own troubles at the very place that has them
        return ()
    if target.inbox_id is not None and target.inbox_id != event.context.get("inbox_id"):
        return ()
    return [name for name in names if name in target.events] if target.events else names


def _targets(environment_ids: set[int]) -> dict[int, list[Target]]:
    found: dict[int, list[Target]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(TARGETS, [list(environment_ids)])
        for row in cursor.fetchall():
            found[row[1]].append(Target(*row))
    return found


def _queue(wishes: Sequence[Wish]) -> None:
    # Due since it happened: what happened first goes first, and how far a queue is behind can be read off it.
    rows = [
        (target.environment_id, target.id, event.id, event.occurred_at, name, event.conversation_id, event.livemode,
         Delivery.Trigger.TEST.value if event.type == bodies.TEST else Delivery.Trigger.AUTO.value, event.occurred_at)
        for event, name, target in wishes
    ]  # fmt: skip
    due = {wish.target.id for wish in wishes if wish.target.is_active or wish.event.type == bodies.TEST}
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [*map(list, zip(*rows, strict=True)), sorted(due)])
