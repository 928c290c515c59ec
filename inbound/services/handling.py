"""
Doing what callbacks say: each thing in a transaction of its own, with the row that keeps it from being done twice.

What fails is tried again, and set aside where anybody can see it when it keeps failing; it holds up nobody else.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from contacts.errors import AlreadyTaken, ContactGone
from core.errors import NotFound
from inbound.models import RawCallback
from inbound.services import changing, metrics, receipts, saying
from inbound.services.claims import MOST_BEGUN
from inbound.services.files import NotYet
from inbound.services.reading import Job
from inbound.services.receipts import Told
from inbound.services.saying import Taken
from inbound.services.words import tidy_text
from inboxes.channels.incoming import Consent, Edited, Incoming, Moved, Reacted, Receipt, Said, TemplateChanged
from inboxes.models import Inbox

AWAY = (OperationalError, InterfaceError)  # the database: nothing is to be learnt about the callback
OVERTAKEN = (AlreadyTaken, ContactGone, NotFound)  # somebody was merged or erased at this very moment
PATIENT_ATTEMPTS = 2  # so often a message waits for its files; then they follow it
MOST_FAILURES = 6
MOST_ATTEMPTS = 30  # also those that ended with the worker
DEADLY = (
    f"{MOST_BEGUN} workers ended while they handled it. What it says is not done; look at it before it is tried again."
)
EARLY_SECONDS = 600.0  # so long something that came too early waits for what it is about
FIRST_WAIT, LONGEST_WAIT, LONGEST_EARLY_WAIT = 1.0, 900.0, 60.0
SETTLE = """
UPDATE inbound_rawcallback AS callback SET state = settled.state, error = settled.error, begun = 0,
    contact_ids = settled.contact_ids::bigint[],
    next_attempt_at = statement_timestamp() + make_interval(secs => settled.wait),
    handled_at = CASE WHEN settled.state <> 'waiting' THEN statement_timestamp() END
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::float8[])
    AS settled(id, state, error, contact_ids, wait)
WHERE callback.id = settled.id AND callback.state = 'waiting'
"""

log = structlog.get_logger(__name__)


def set_aside(callback: RawCallback) -> None:
    """Handle a callback no more, of which every worker died that began it; its bytes stay to be looked at."""
    waiting = RawCallback.unscoped.filter(pk=callback.pk, state=RawCallback.State.WAITING)
    waiting.update(state=RawCallback.State.QUARANTINED, error=DEADLY, handled_at=timezone.now())
    metrics.quarantined.labels(callback.inbox.channel).inc()
    log.error("callback_quarantined", callback_id=callback.public_id, inbox_id=callback.inbox.public_id)


def handle(job: Job) -> str:
    """Do what a callback says and write down that it is done; returns the callback's state. Raises AWAY."""
    if job.problem:
        taken = [Taken("failed", note=job.problem)]
    elif job.inbox.deleted_at is not None:
        taken = [Taken("ignored", note="The inbox was closed.")]
    else:
        heard = any(isinstance(item, Consent) for item in job.items)
        taken = [_do(job, item, reads_wishes=not heard) for item in job.items]
    return settle([(job, taken)])[0]


def handle_receipts(jobs: Sequence[Job]) -> list[str]:
    """Do what many callbacks say that are only about messages of ours; returns their states. Raises AWAY."""
    told = [(job, Told(job.inbox, item)) for job in jobs for item in job.items if isinstance(item, Receipt)]
    try:
        taken = receipts.apply([each for _, each in told])
    except AWAY:
        raise
    except Exception:
        if len(jobs) == 1:
            log.exception("receipts_not_applied", callback_id=jobs[0].row.public_id)
            return settle([(jobs[0], [Taken("failed", note="Its receipts could not be applied; see the log.")])])
        return [state for job in jobs for state in handle_receipts([job])]  # to find the one that cannot
    outcomes: dict[Job, list[Taken]] = {job: [] for job in jobs}
    for (job, _), each in zip(told, taken, strict=True):
        metrics.items.labels("receipt", each.outcome).inc()
        outcomes[job].append(each)
    return settle(list(outcomes.items()))


def settle(handled: Sequence[tuple[Job, Sequence[Taken]]]) -> list[str]:
    """Write down what came of callbacks, in one statement; returns the state of each."""
    verdicts = [_verdict(job.row, taken) for job, taken in handled]
    people = [sorted({each.contact_id for each in taken if each.contact_id}) for _, taken in handled]
    columns: list[Any] = [
        [job.row.pk for job, _ in handled],
        [state for state, _, _ in verdicts],
        [tidy_text(error)[:500] for _, error, _ in verdicts],
        ["{" + ",".join(map(str, ids)) + "}" for ids in people],
        [wait for _, _, wait in verdicts],
    ]
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, columns)
    _measure(handled, [state for state, _, _ in verdicts])
    return [state for state, _, _ in verdicts]


def _do(job: Job, item: Incoming, *, reads_wishes: bool) -> Taken:
    kind = type(item).__name__.lower()
    try:
        taken = _act(job.inbox, item, is_patient=job.row.attempts <= PATIENT_ATTEMPTS, reads_wishes=reads_wishes)
    except AWAY:
        raise
    except NotYet as why:
        taken = Taken("later", note=f"A file could not be fetched: {why}")
    except OVERTAKEN as why:
        taken = Taken("later", note=str(why))
    except Exception as why:
        log.exception("callback_not_handled", callback_id=job.row.public_id, kind=kind)
        taken = Taken("failed", note=f"{kind}: {type(why).__name__}: {why}")
    metrics.items.labels(kind, taken.outcome).inc()
    return taken


def _act(inbox: Inbox, item: Incoming, *, is_patient: bool, reads_wishes: bool) -> Taken:
    match item:
        case Said():
            taken = saying.receive(inbox, item, is_patient=is_patient, reads_wishes=reads_wishes)
        case Edited():
            taken = changing.edit(inbox, item)
        case Reacted():
            taken = changing.react(inbox, item)
        case Receipt():
            taken = receipts.apply([Told(inbox, item)])[0]
        case Consent():
            taken = changing.consent(inbox, item)
        case Moved():
            taken = changing.move(inbox, item)
        case TemplateChanged():
            taken = changing.note_template(inbox, item)
    return taken


def _verdict(row: RawCallback, taken: Sequence[Taken]) -> tuple[str, str, float]:
    """Return a callback's state, what to say of it, and in how many seconds it is to be tried again."""
    notes = "; ".join(dict.fromkeys(each.note for each in taken if each.note))
    outcomes, State = {each.outcome for each in taken}, RawCallback.State  # noqa: N806  a class
    if outcomes & {"failed", "later"}:
        if row.attempts >= (MOST_FAILURES if "failed" in outcomes else MOST_ATTEMPTS):
            return State.FAILED, notes, 0.0
        return State.WAITING, notes, min(FIRST_WAIT * 4.0 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    age = (timezone.now() - row.received_at).total_seconds()
    if "wait" in outcomes and age < EARLY_SECONDS:
        return State.WAITING, notes, min(0.25 * 2.0 ** min(row.attempts - 1, 10), LONGEST_EARLY_WAIT)
    return State.DONE, notes, 0.0


def _measure(handled: Sequence[tuple[Job, Sequence[Taken]]], states: Sequence[str]) -> None:
    now = timezone.now()
    for (job, _), state in zip(handled, states, strict=True):
        metrics.handled.labels(job.inbox.channel, state).inc()
        if job.row.attempts == 1 and state == RawCallback.State.DONE:
            metrics.lag.observe(max(0.0, (now - job.row.received_at).total_seconds()))
