"""Files that their messages could not wait for: asked for again for a day, and hung on the message when they come."""

from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.utils import timezone

from conversations.services import amendments, attachments
from inbound.models import Fetch
from inbound.services import files
from inbound.services.files import NotYet
from inboxes.channels.incoming import IncomingFile

PATIENCE = timedelta(hours=24)
FIRST_WAIT, LONGEST_WAIT = 10.0, 3600.0
LEASE_SECONDS = 120.0
MOST_AT_ONCE = 20
# Each one that is taken has its next time already: should the worker die, it is taken again.
TAKE = """
UPDATE inbound_fetch SET attempts = attempts + 1, next_attempt_at = statement_timestamp() + make_interval(secs => %s)
WHERE id = ANY(ARRAY(SELECT id FROM inbound_fetch WHERE state = 'waiting' AND next_attempt_at <= statement_timestamp()
                     ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING id
"""

log = structlog.get_logger(__name__)


def fetch_due() -> int:
    """Ask once more for the files that are due; returns how many came."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [LEASE_SECONDS, MOST_AT_ONCE])
        due = [pk for (pk,) in cursor.fetchall()]
    found = Fetch.unscoped.filter(pk__in=due).select_related(
        "inbox__environment", "attachment__message__contact", "attachment__message__environment"
    )
    came = 0
    for fetch in found:
        try:
            came += _fetch(fetch)
        except Exception:
            log.exception("file_not_followed", attachment_id=fetch.attachment.public_id)
    return came


def _fetch(fetch: Fetch) -> bool:
    attachment = fetch.attachment
    file = IncomingFile(attachment.type, fetch.reference, attachment.filename, attachment.content_type)
    try:
        with files.gathered(fetch.inbox, [file], is_patient=True) as (stored, missing):
            if missing:
                _give_up(fetch, missing[0].reason)
                return False
            with transaction.atomic():
                if not _end(fetch, Fetch.State.DONE):
                    attachments.discard(stored)
                    return False
                amendments.complete(attachment, stored[0])
            return True
    except NotYet as why:
        if timezone.now() - fetch.created_at > PATIENCE or fetch.inbox.deleted_at is not None:
            _give_up(fetch, str(why))
        else:
            wait = min(FIRST_WAIT * 2.0 ** min(fetch.attempts - 1, 12), LONGEST_WAIT)
            Fetch.unscoped.filter(pk=fetch.pk, state=Fetch.State.WAITING).update(
                next_attempt_at=timezone.now() + timedelta(seconds=wait), error=str(why)[:500]
            )
        return False


@transaction.atomic
def _give_up(fetch: Fetch, why: str) -> None:
    if _end(fetch, Fetch.State.FAILED, why):
        amendments.complete(fetch.attachment, None)


def _end(fetch: Fetch, state: str, why: str = "") -> bool:
    """Write down how it ended; False where another worker did."""
    waiting = Fetch.unscoped.filter(pk=fetch.pk, state=Fetch.State.WAITING)
    return waiting.update(state=state, next_attempt_at=None, error=why[:500]) > 0
