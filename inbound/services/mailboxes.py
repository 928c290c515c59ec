"""
E-mail inboxes whose mail is fetched: looked at in turn, each mail stored once as it came, nothing in them changed.

Anybody may name a server that takes its time. So folders are visited by threads of their own, which no task waits for;
each tenant has a few visits at once, in all workers together, and each visit an end that comes before its lease's.

How far a folder was read moves in the same transaction as the mail is stored, so a process that dies loses nothing and
stores nothing twice. A folder that numbers its mails anew is read again from the day it was last looked at: what was
stored then is known by its Message-ID.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Environment
from accounts.services import audit
from core import tenancy
from core.errors import Problem
from core.logs import loggable_error
from inbound.models import Mailbox
from inbound.services import storing
from inboxes import channels
from inboxes.channels.incoming import Callback
from inboxes.channels.mails.hooks import MAIL
from inboxes.channels.outgoing import FolderOrder
from inboxes.models import Inbox
from inboxes.services import health
from inboxes.transport import imap
from inboxes.transport.imap import Folder, Unreachable

PERIOD = timedelta(seconds=60)
VISIT_SECONDS = 60.0  # all of it, from the name's lookup on
LAST_MAIL_SECONDS = 45.0  # a folder that is slow and full goes on at its next visit
LEASE_SECONDS = 120.0
LONGEST_WAIT = timedelta(minutes=30)
AT_A_TIME = 8  # visits of one process
OF_A_TENANT = 2  # visits of one environment, in all processes
MOST_MAILS = 200  # of one visit; the next one goes on at once
MOST_BYTES = 40 * 1024 * 1024
CLAIMS = 0x_DE_5D << 40  # the advisory lock of whoever claims: the visits of a tenant are counted by one at a time
CLAIM = """
UPDATE inbound_mailbox AS mailbox SET (next_check_at, leased_until) = (SELECT until, until FROM (
    SELECT statement_timestamp() + make_interval(secs => %s) AS until) AS lease)
WHERE inbox_id = (
    SELECT inbox_id FROM inbound_mailbox AS due WHERE next_check_at <= statement_timestamp()
      AND (SELECT count(*) FROM inbound_mailbox AS busy WHERE busy.environment_id = due.environment_id
           AND busy.leased_until > statement_timestamp()) < %s
    ORDER BY next_check_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING inbox_id
"""
NOT_FETCHED = b"\r\n[This mail is larger than %d MB; it is still in the mailbox.]\r\n"

log = structlog.get_logger(__name__)
_lock = threading.Lock()
_visitors: set[threading.Thread] = set()


@dataclass(frozen=True, slots=True)
class Visit:
    """A folder this process may look at until ``until``."""

    mailbox: Mailbox
    until: datetime


def problems(_environment: Environment, _settings: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with settings: the channel has looked at them."""
    return []


def follow(inbox: Inbox, *, by: audit.Who) -> None:  # noqa: ARG001  a follower's signature
    """
    Look at an inbox's folder from now on, or no more.

    It may be another folder after a change, and then numbers mean other mails.
    """
    if inbox.deleted_at is not None or _order(inbox) is None:
        Mailbox.unscoped.filter(inbox=inbox).delete()
        return
    again = {"uid_validity": None, "next_check_at": timezone.now(), "failures": 0, "error": ""}
    Mailbox.unscoped.update_or_create(inbox=inbox, defaults={"environment_id": inbox.environment_id, **again})
    health.mailbox_changed(inbox.pk)


def begin() -> None:
    """Have the folders that are due looked at, by as many threads as it takes; returns at once."""
    with _lock:
        if len(_visitors) >= AT_A_TIME:
            return
        visitor = threading.Thread(target=_visit, name="mailboxes", daemon=True)
        _visitors.add(visitor)
    visitor.start()


def check_due(*, before_each: Callable[[], None] = lambda: None) -> int:
    """Look at the folders that are due, one after the other; returns how many mails came."""
    count = 0
    while (visit := _claimed()) is not None:
        before_each()
        count += _checked(visit)
    return count


def check(visit: Visit) -> int:
    """Look at one folder and store what came; returns how many mails. What goes wrong is noted on the mailbox."""
    order = _order(visit.mailbox.inbox)
    if order is None:
        _settle(visit, after=LONGEST_WAIT)
        return 0
    count, last_mail_at = 0, time.monotonic() + LAST_MAIL_SECONDS
    try:
        with imap.opened(order, most_bytes=MOST_BYTES, seconds=VISIT_SECONDS) as folder:
            waiting = _begun(visit, folder)
            while waiting and count < MOST_MAILS and time.monotonic() < last_mail_at:
                count += _fetched(visit.mailbox, folder, waiting.pop(0))
    except Unreachable as failure:
        _put_off(visit, failure)
    else:
        _settle(visit, after=timedelta(0) if waiting else PERIOD)
        health.mailbox_read(visit.mailbox.pk)
    return count


def _visit() -> None:
    """Look at folders until none is due; whenever there is one, somebody else sees whether there is another."""
    try:
        with tenancy.everyone():
            check_due(before_each=begin)
    except Exception:
        log.exception("mailboxes_not_checked")
    finally:
        connection.close()
        with _lock:
            _visitors.discard(threading.current_thread())


def _claimed() -> Visit | None:
    """
    Take the folder that has been due for longest, of a tenant with a visit to spare; None: there is none.

    Should this process die, it is due again when the lease is over.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIMS])
        cursor.execute(CLAIM, [LEASE_SECONDS, OF_A_TENANT])
        found = cursor.fetchone()
    if found is None:
        return None
    mailbox = Mailbox.unscoped.select_related("inbox__environment").filter(pk=found[0]).first()
    return None if mailbox is None else Visit(mailbox, mailbox.next_check_at)


def _checked(visit: Visit) -> int:
    try:
        return check(visit)
    except Exception as error:  # one folder's trouble must not keep the others from being read
        log.exception("mailbox_not_checked", error=loggable_error(error))
        return 0


def _order(inbox: Inbox) -> FolderOrder | None:
    """Return the folder of an inbox; the sandbox looks at nobody's."""
    return channels.find(inbox.channel).folder(inbox.settings) if inbox.environment.livemode else None


def _begun(visit: Visit, folder: Folder) -> list[int]:
    """Return the mails that are to be fetched; notes where the folder stands when it is read for the first time."""
    mailbox = visit.mailbox
    if mailbox.uid_validity == folder.validity:
        return folder.uids_after(mailbox.last_uid)
    if mailbox.checked_at is None:  # what was there before us stays where it is
        waiting, last = [], folder.next_uid - 1 if folder.next_uid else max(folder.uids_after(0), default=0)
    else:
        waiting = folder.uids_since((mailbox.checked_at - timedelta(days=1)).date())
        last = waiting[0] - 1 if waiting else max(folder.uids_after(0), default=0)
    is_ours = _ours(visit).update(uid_validity=folder.validity, last_uid=last)
    return waiting if is_ours else []


def _fetched(mailbox: Mailbox, folder: Folder, uid: int) -> int:
    raw = _mail(folder, uid)
    with transaction.atomic():
        unread = Mailbox.unscoped.filter(pk=mailbox.pk, uid_validity=folder.validity, last_uid__lt=uid)
        if not unread.update(last_uid=uid) or raw is None:
            return 0
        now = timezone.now()
        storing.keep(mailbox.inbox, Callback("IMAP", "", raw, {"content-type": MAIL}, {}, now))
    return 1


def _mail(folder: Folder, uid: int) -> bytes | None:
    """Return a mail; of one that is too long its headers, and where the rest is."""
    size = folder.size_of(uid)
    if size is None or size <= MOST_BYTES:
        return None if size is None else folder.mail(uid)
    head = folder.head_of(uid)
    if head is None:
        return None
    # Its parts are not there: it is plain text now.
    lines = head.replace(b"\r\nContent-", b"\r\nX-Content-").rstrip()
    return lines + b"\r\n" + NOT_FETCHED % (MOST_BYTES // (1024 * 1024))


def _settle(visit: Visit, *, after: timedelta) -> None:
    now = timezone.now()
    _ours(visit).update(checked_at=now, next_check_at=now + after, leased_until=None, failures=0, error="")


def _put_off(visit: Visit, failure: Unreachable) -> None:
    failures = min(visit.mailbox.failures + 1, 1000)
    wait = min(LONGEST_WAIT, PERIOD * 2 ** min(failures - 1, 10))
    log.warning("mailbox_unreachable", inbox_id=visit.mailbox.inbox.public_id, detail=failure.detail)
    told = {"next_check_at": timezone.now() + wait, "failures": failures, "error": failure.detail[:500]}
    if _ours(visit).update(leased_until=None, **told):
        health.mailbox_failed(visit.mailbox.pk, param=failure.field, detail=failure.detail)


def _ours(visit: Visit) -> Any:
    """Return the mailbox while it is this visit's: not once its lease is over, or its settings have changed."""
    return Mailbox.unscoped.filter(pk=visit.mailbox.pk, next_check_at=visit.until)
