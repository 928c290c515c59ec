"""The queues before providers: when they move, rest or are cut off, and who is told."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection
from django.utils import timezone

from accounts.models import Environment
from accounts.services import audit
from core.errors import Problem
from events.log import publish
from inboxes import channels
from inboxes.channels.outcomes import Deferred, Rejected, Sent
from inboxes.models import Inbox, InboxHealth
from outbound import policy
from outbound.events import InboxDisconnected, InboxReconnected, about
from outbound.models import Dispatch, Line
from outbound.services import hints, metrics
from outbound.services.results import Result

# How long ago something was sent, or failed: once a minute is enough.
HEARD = """
UPDATE inboxes_inboxhealth SET {column} = statement_timestamp()
WHERE inbox_id = ANY(%s) AND coalesce({column} < statement_timestamp() - interval '1 minute', true)
"""
# Claims hold lines while they look; whoever settles what changes nothing does not wait for them.
BEHIND = """
SELECT DISTINCT pair.inbox_id FROM unnest(%s::bigint[], %s::text[]) AS pair(inbox_id, address)
JOIN outbound_line AS line ON line.inbox_id = pair.inbox_id
WHERE line.is_disconnected OR line.consecutive_faults > 0
   OR EXISTS (SELECT FROM outbound_dispatch AS behind WHERE behind.inbox_id = pair.inbox_id
              AND behind.address = pair.address AND behind.state = 'waiting')
"""
STORE = """
UPDATE outbound_line AS line SET next_due_at = told.next_due_at, paused_until = told.paused_until,
    pause_reason = told.pause_reason, is_disconnected = told.is_disconnected,
    consecutive_faults = told.consecutive_faults, faults_since = told.faults_since
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::boolean[], %s::int[], %s::timestamptz[])
    AS told(inbox_id, next_due_at, paused_until, pause_reason, is_disconnected, consecutive_faults, faults_since)
WHERE line.inbox_id = told.inbox_id
"""
STORED = (
    "inbox_id", "next_due_at", "paused_until", "pause_reason", "is_disconnected", "consecutive_faults", "faults_since"
)  # fmt: skip
FORGOTTEN = """
UPDATE outbound_line SET next_due_at = now() WHERE inbox_id = ANY(ARRAY(
    SELECT line.inbox_id FROM outbound_line AS line WHERE line.next_due_at IS NULL
      AND EXISTS (SELECT FROM outbound_dispatch WHERE inbox_id = line.inbox_id AND state = 'waiting')
    FOR UPDATE SKIP LOCKED))
"""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class News:
    """What came of several messages of one line."""

    sent: int = 0
    faults: int = 0
    fault: str = ""  # the last one, in the provider's words
    refusal: Rejected | None = None
    tried_at: datetime | None = None  # when the last one that came to a fault or a refusal had begun
    pause: Deferred | None = None
    soonest: float | None = None  # seconds until something of it is due again

    @property
    def asks_for_more(self) -> bool:
        """Whether the line has to change for it, however it stands."""
        return bool(self.faults or self.refusal or self.pause) or self.soonest is not None


def note(results: Sequence[Result], *, released: Collection[int] = ()) -> None:
    """
    Bring lines up to date with what came of their messages, and have them looked at again.

    Must run in the transaction that settles them, after everything else it locks.
    """
    told: defaultdict[int, News] = defaultdict(News)
    for result in results:
        _add(told[result.claimed.inbox_id], result)
    for inbox_id in released:
        told[inbox_id].soonest = 0.0
    if not told:
        return
    concerned = _concerned(results, told)
    if concerned:
        now = timezone.now()
        lines = list(Line.unscoped.select_for_update(no_key=True).filter(pk__in=concerned).order_by("pk"))
        for line in lines:
            _bring_up_to_date(line, told[line.pk], now)
        _store(lines)
    _hear("last_sent_at", [inbox_id for inbox_id, news in told.items() if news.sent])
    _hear("last_failure_at", [inbox_id for inbox_id, news in told.items() if news.faults or news.refusal])


def refused(inbox: Inbox, refusal: Rejected, at: datetime) -> None:
    """
    Cut a line off whose provider refuses it in a receipt, as an answer would; whoever mends it is told the same way.

    A receipt that was late says nothing new: the line is cut off already, or was mended since.

    Must run in a transaction, after whatever else it locks.
    """
    line = Line.unscoped.select_for_update(no_key=True).filter(pk=inbox.pk, is_disconnected=False).first()
    mended = InboxHealth.unscoped.filter(pk=inbox.pk, changed_at__gt=at).exists()
    if line is None or mended:
        return
    now = timezone.now()
    _cut_off(line, refusal, now)
    line.next_due_at = max(now, line.paused_until or now)
    _store([line])
    _hear("last_failure_at", [inbox.pk])


def problems(environment: Environment, settings: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG001  a follower's
    """Find nothing wrong with an inbox's settings: the channel and its provider do that."""
    return []


def follow(inbox: Inbox, *, by: audit.Who) -> None:  # noqa: ARG001  a follower's
    """
    Open the line of an inbox whose provider has just taken its settings; where nobody was asked, try at once.

    Messages before a closed inbox end: they are looked at now, too.
    """
    line = Line.unscoped.select_for_update(no_key=True).filter(pk=inbox.pk).first()
    if line is None:
        return
    if inbox.deleted_at is None and _is_asked_about(inbox):
        _well(line)
    line.paused_until, line.pause_reason, line.next_due_at = None, "", timezone.now()
    _store([line])
    hints.wake_engine()


def remember_forgotten() -> int:
    """Have lines looked at where something waits and nobody looks: there should be none."""
    with connection.cursor() as cursor:
        cursor.execute(FORGOTTEN)
        found = int(cursor.rowcount)
    if found:
        log.warning("outbound_lines_forgotten", lines=found)
    return found


def _is_asked_about(inbox: Inbox) -> bool:
    """Whether settings are stored only when the provider has taken them."""
    return inbox.environment.livemode and channels.find(inbox.channel).check_order(inbox.settings) is not None


def _hear(column: str, inbox_ids: Sequence[int]) -> None:
    if inbox_ids:
        with connection.cursor() as cursor:
            cursor.execute(HEARD.format(column=column), [list(inbox_ids)])


def _concerned(results: Sequence[Result], told: Mapping[int, News]) -> set[int]:
    """Return the lines that are to change: what was sent by one that is well, with nobody behind it, changes none."""
    found = {inbox_id for inbox_id, news in told.items() if news.asks_for_more}
    if results:
        with connection.cursor() as cursor:
            pairs = {(result.claimed.inbox_id, result.claimed.address) for result in results}
            cursor.execute(BEHIND, [[inbox_id for inbox_id, _ in pairs], [address for _, address in pairs]])
            found |= {inbox_id for (inbox_id,) in cursor.fetchall()}
    return found


def _store(lines: Sequence[Line]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(STORE, [[getattr(line, name) for line in lines] for name in STORED])


def _add(news: News, result: Result) -> None:
    outcome, verdict = result.outcome, result.verdict
    news.sent += isinstance(outcome, Sent)
    if verdict.is_fault:
        news.faults, news.fault = news.faults + 1, verdict.detail
    if isinstance(outcome, Rejected) and outcome.disconnects:
        news.refusal = outcome
    if verdict.is_fault or news.refusal is outcome:
        news.tried_at = result.began_at if news.tried_at is None else max(news.tried_at, result.began_at)
    if isinstance(outcome, Deferred) and outcome.pauses == "account":
        news.pause = outcome
    if verdict.state == Dispatch.State.WAITING:
        news.soonest = verdict.wait if news.soonest is None else min(news.soonest, verdict.wait)


def _bring_up_to_date(line: Line, news: News, now: datetime) -> None:
    was_under_way = _was_under_way(line, news)
    if news.refusal is not None:
        if not (line.is_disconnected and was_under_way):
            _cut_off(line, news.refusal, now)
    elif news.sent:
        _well(line)
    elif news.faults and not was_under_way:
        _faulty(line, news, now)
    if news.pause is not None:
        seconds = policy.FIRST_WAIT_SECONDS if news.pause.seconds is None else news.pause.seconds
        _rest(line, min(seconds, policy.LONGEST_RETRY_AFTER_SECONDS), news.pause.code, now)
    due = [] if line.next_due_at is None else [now]  # what waited behind these may go
    if news.soonest is not None:
        due.append(now + timedelta(seconds=news.soonest))
    if due:
        line.next_due_at = max(min(due), line.paused_until or now)


def _was_under_way(line: Line, news: News) -> bool:
    """
    Whether what came to nothing had begun before the line was to be tried again.

    It belongs to what made the line rest, however late it ends: only what is tried after a rest says that it goes on.
    """
    is_resting = line.is_disconnected or line.consecutive_faults >= policy.FAULTS_TO_REST
    until, tried_at = line.paused_until, news.tried_at
    return is_resting and until is not None and tried_at is not None and tried_at < until


def _cut_off(line: Line, refusal: Rejected, now: datetime) -> None:
    refusals = line.consecutive_faults + 1 if line.is_disconnected else 1
    if not line.is_disconnected:
        line.is_disconnected = True
        metrics.disconnected.inc()
        _tell(line, InboxDisconnected, refusal.code, refusal.detail)
    line.consecutive_faults, line.faults_since = refusals, line.faults_since or now
    _rest(line, policy.probe_after(refusals), refusal.code, now)


def _well(line: Line) -> None:
    if line.is_disconnected or line.consecutive_faults >= policy.FAULTS_TO_REST:
        line.is_disconnected = False
        _tell(line, InboxReconnected)
    if line.consecutive_faults:
        line.consecutive_faults, line.faults_since = 0, None
        line.paused_until, line.pause_reason = None, ""


def _faulty(line: Line, news: News, now: datetime) -> None:
    if line.is_disconnected:  # the probe found nobody
        _rest(line, policy.probe_after(line.consecutive_faults), line.pause_reason, now)
        return
    since = line.faults_since
    is_old = since is None or since < now - timedelta(seconds=policy.FAULTS_WITHIN_SECONDS)
    if is_old and line.consecutive_faults < policy.FAULTS_TO_REST:
        line.consecutive_faults, line.faults_since = 0, now
    if line.consecutive_faults >= policy.FAULTS_TO_REST:  # those that were tried together are one more sign
        line.consecutive_faults += 1
    else:  # the first rest is a short one, however many came to nothing at once
        line.consecutive_faults = min(line.consecutive_faults + news.faults, policy.FAULTS_TO_REST)
    if seconds := policy.rest_after(line.consecutive_faults):
        _rest(line, seconds, "provider_unavailable", now)
        log.warning("outbound_line_rests", inbox_id=line.pk, seconds=seconds, faults=line.consecutive_faults)
        if line.faults_since is not None and line.faults_since <= now - timedelta(seconds=policy.OUTAGE_SECONDS):
            _tell(line, InboxDisconnected, "provider_unavailable", news.fault)


def _rest(line: Line, seconds: float, reason: str, now: datetime) -> None:
    until = now + timedelta(seconds=seconds)
    if line.paused_until is None or line.paused_until < until:
        line.paused_until, line.pause_reason = until, reason[:60]


def _tell(line: Line, kind: type[InboxDisconnected | InboxReconnected], code: str = "", detail: str = "") -> None:
    """Say how a line stands, to its people too, unless they know."""
    inbox = Inbox.unscoped.select_related("environment", "health").get(pk=line.pk)
    state = InboxHealth.State.DISCONNECTED if code else InboxHealth.State.CONNECTED
    known = getattr(inbox, "health", None)
    if (known.state, known.code) == (state, code) if known else state == InboxHealth.State.CONNECTED:
        return
    values = {"state": state, "code": code, "detail": detail[:500], "changed_at": timezone.now()}
    InboxHealth.unscoped.update_or_create(
        inbox=inbox, defaults=values, create_defaults={**values, "environment_id": inbox.environment_id}
    )
    data = {"reason": code, "detail": detail[:500]} if code else {}
    publish(about(inbox, kind, livemode=inbox.environment.livemode, data=data))
    log.info(kind.type, inbox_id=inbox.public_id, reason=code)
