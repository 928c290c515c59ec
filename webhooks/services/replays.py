"""
Sending a range of events to an endpoint again: what failed (recover), or all of it (replay).

A replay is a row that a task advances: each time it takes up so many that no more than a bounded number of deliveries
waits for the endpoint, whoever asked for them. What is new never queues behind a replay, and the engine keeps to the
endpoint's rate as always.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.services import audit
from core.errors import Conflict, Invalid, Problem
from events.event import Event
from events.log import from_row
from events.models import LoggedEvent
from webhooks.bodies import TEST
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.services import fanout, resending
from webhooks.services.fanout import Said

LONGEST_REACH = timedelta(days=14)
MOST_RUNNING = 5
MOST_OUTSTANDING = 100
# An endpoint that takes one a second has only so many seconds' worth waiting.
OUTSTANDING_SECONDS = 5
LOOKS_AT_ONCE = 20
OUTSTANDING = """
SELECT count(*) FROM (
    (SELECT 1 FROM webhooks_delivery
     WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND next_attempt_at <= statement_timestamp() LIMIT %(most)s)
    UNION ALL
    (SELECT 1 FROM webhooks_delivery WHERE endpoint_id = %(endpoint)s AND state = 'delivering' LIMIT %(most)s)
) AS waiting
"""
# What did not arrive and is not about to be attempted anyway; what an erasure has emptied is not there to send.
FAILED = """
SELECT id FROM webhooks_delivery AS delivery
WHERE endpoint_id = %(endpoint)s AND id > %(cursor)s AND event_at >= %(since)s AND event_at < %(until)s
  AND rehearsal = '' AND type <> %(test)s AND (type = ANY(%(types)s) OR %(types)s = '{}')
  AND (state IN ('exhausted', 'quarantined', 'canceled') OR state = 'pending' AND extra = 0 AND last_error <> '')
  AND EXISTS (SELECT FROM webhooks_body AS body WHERE body.event_id = delivery.event_id
              AND body.event_at = delivery.event_at AND body.type = delivery.type AND body.dialect = %(dialect)s
              AND length(body.content) > 0)
ORDER BY id LIMIT %(most)s
"""


@transaction.atomic
def start(*, endpoint: Endpoint, kind: str, since: datetime, until: datetime | None, by: audit.Who) -> Replay:
    """
    Begin to send what happened from ``since`` up to ``until`` (now, and never later) to an endpoint again.

    Raises Invalid for a range that is empty or begins more than 14 days ago, Conflict when five run already.
    """
    now = timezone.now()
    until = min(until or now, now)
    if problems := _problems(since, until, now):
        raise Invalid(*problems)
    Endpoint.of(endpoint.environment).select_for_update().get(pk=endpoint.pk)
    if Replay.of(endpoint.environment).filter(endpoint=endpoint, state=Replay.State.RUNNING).count() >= MOST_RUNNING:
        raise Conflict(f"{MOST_RUNNING} replays of this endpoint are running; wait for one.", code="too_many_replays")
    replay: Replay = Replay.unscoped.create(
        environment=endpoint.environment, endpoint=endpoint, kind=kind, since=since, until=until
    )
    _audit(replay, endpoint, by, "started")
    return replay


@transaction.atomic
def cancel(*, replay: Replay, by: audit.Who) -> Replay:
    """Take up no more of it; what was taken up is still sent. Raises Conflict when it has ended."""
    running = Replay.of(replay.environment).filter(pk=replay.pk, state=Replay.State.RUNNING)
    if not running.update(state=Replay.State.CANCELED, finished_at=Now()):
        raise Conflict("This replay has ended already.", code="replay_ended")
    replay.refresh_from_db()
    _audit(replay, replay.endpoint, by, "canceled")
    return replay


def trickle() -> int:
    """Advance every replay whose endpoint has room; returns how many deliveries were taken up."""
    running = Replay.unscoped.filter(state=Replay.State.RUNNING).order_by("id").values_list("pk", flat=True)
    return sum(map(_advance, list(running)))


@transaction.atomic
def _advance(replay_id: int) -> int:
    rows = Replay.unscoped.select_for_update(of=("self",), skip_locked=True)
    running = rows.filter(pk=replay_id, state=Replay.State.RUNNING)
    replay = running.select_related("endpoint", "environment", "environment__account").first()
    if replay is None or not replay.endpoint.is_told:
        return 0
    room = _room(replay.endpoint)
    if room <= 0:
        return 0
    taken = _recover(replay, room) if replay.kind == Replay.Kind.RECOVER else _replay(replay, room)
    if taken:
        resending.wake([replay.endpoint_id])
    replay.save(update_fields=["cursor", "queued", "state", "finished_at"])
    return taken


def _room(endpoint: Endpoint) -> int:
    """Return how many more may wait for an endpoint."""
    most = MOST_OUTSTANDING
    if endpoint.rate_per_second is not None:
        most = max(1, min(most, int(endpoint.rate_per_second * OUTSTANDING_SECONDS)))
    with connection.cursor() as cursor:
        cursor.execute(OUTSTANDING, {"endpoint": endpoint.pk, "most": most})
        return most - int(cursor.fetchone()[0])


def _recover(replay: Replay, room: int) -> int:
    endpoint = replay.endpoint
    with connection.cursor() as cursor:
        cursor.execute(FAILED, {
            "endpoint": endpoint.pk, "cursor": replay.cursor, "since": replay.since, "until": replay.until,
            "types": endpoint.events, "test": TEST, "dialect": endpoint.dialect, "most": room,
        })  # fmt: skip
        found = [row[0] for row in cursor.fetchall()]
    taken = resending.ask_again(found, trigger=Delivery.Trigger.RECOVER)
    _note(replay, found, taken, is_last=len(found) < room)
    return taken


def _replay(replay: Replay, room: int) -> int:
    """Take up the next events, passing over those the endpoint does not want."""
    taken = 0
    for _ in range(LOOKS_AT_ONCE):
        events = _next_events(replay, room - taken)
        more = _send_again(list(map(from_row, events)), replay.endpoint) if events else 0
        is_last = len(events) < room - taken
        _note(replay, [event.position for event in events if event.position], more, is_last=is_last)
        taken += more
        if is_last or taken >= room:
            break
    return taken


def _send_again(events: Sequence[Event], endpoint: Endpoint) -> int:
    """Send events to an endpoint once more, or for the first time; returns how many deliveries that makes."""
    said = fanout.said(events, endpoint)
    rows = Delivery.unscoped.filter(endpoint=endpoint, event_id__in=[each.event_id for each in said], rehearsal="")
    known = {(event_id, kind): pk for pk, event_id, kind in rows.values_list("pk", "event_id", "type")}
    again = [known[each.event_id, each.type] for each in said if (each.event_id, each.type) in known]
    new = [_delivery(each, endpoint) for each in said if (each.event_id, each.type) not in known]
    # Fan-out may be making the same delivery at this moment; then that one is enough.
    Delivery.unscoped.bulk_create(new, ignore_conflicts=True)
    return resending.ask_again(again, trigger=Delivery.Trigger.REPLAY) + len(new)


def _delivery(said: Said, endpoint: Endpoint) -> Delivery:
    return Delivery(
        environment_id=endpoint.environment_id, endpoint=endpoint, event_id=said.event_id, event_at=said.event_at,
        type=said.type, conversation_id=said.conversation_id, livemode=endpoint.environment.livemode,
        trigger=Delivery.Trigger.REPLAY, next_attempt_at=timezone.now(),
    )  # fmt: skip


def _next_events(replay: Replay, count: int) -> list[LoggedEvent]:
    happened = LoggedEvent.unscoped.filter(
        environment_id=replay.environment_id, position__gt=replay.cursor,
        occurred_at__gte=replay.since, occurred_at__lt=replay.until,
    ).exclude(type=TEST).exclude(data__has_key="erased")  # fmt: skip
    return list(happened.order_by("position")[:count])


def _note(replay: Replay, passed: Sequence[int], taken: int, *, is_last: bool) -> None:
    """Remember how far a replay is."""
    replay.cursor = max([replay.cursor, *passed])
    replay.queued += taken
    if is_last:
        replay.state, replay.finished_at = Replay.State.DONE, timezone.now()


def _problems(since: datetime, until: datetime, now: datetime) -> list[Problem]:
    found = []
    if since < now - LONGEST_REACH:
        message = f"since is at most {LONGEST_REACH.days} days ago."
        found.append(Problem("since", "out_of_range", message, LONGEST_REACH.days))
    if since >= until:
        found.append(
            Problem("until" if since < now else "since", "out_of_range", "since lies before until, and in the past.")
        )
    return found


def _audit(replay: Replay, endpoint: Endpoint, by: audit.Who, what: str) -> None:
    audit.record(
        environment=endpoint.environment, who=by, action=f"webhook_endpoint.{replay.kind}_{what}",
        target=endpoint.public_id,
    )  # fmt: skip
