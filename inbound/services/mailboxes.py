"""
E-mail inboxes whose mail is fetched: looked at in turn, each mail stored once as it came, nothing in them changed.

How far a folder was read moves in the same transaction as the mail is stored, so a process that dies loses nothing and
stores nothing twice. A folder that numbers its mails anew is read again from the day it was last looked at: what was
stored then is known by its Message-ID.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
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
from inboxes.transport import imap
from inboxes.transport.imap import Folder, Unreachable

PERIOD = timedelta(seconds=60)
LEASE = timedelta(minutes=5)  # longer than a visit lasts
VISIT_SECONDS = 90.0
LONGEST_WAIT = timedelta(minutes=30)
AT_A_TIME = 8
MOST_MAILS = 200  # of one visit; the next one goes on at once
MOST_BYTES = 40 * 1024 * 1024
NOT_FETCHED = b"\r\n[This mail is larger than %d MB; it is still in the mailbox.]\r\n"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """A folder this process may look at until ``until``."""

    mailbox: Mailbox
    order: FolderOrder
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


def check_due() -> int:
    """Look at every folder that is due, several at a time; returns how many mails came."""
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="mailboxes") as visitors:
        return sum(visitors.map(_in_thread, _claimed()))


def check(visit: Visit) -> int:
    """Look at one folder and store what came; returns how many mails. What goes wrong is noted on the mailbox."""
    count = 0
    try:
        with imap.opened(visit.order, most_bytes=MOST_BYTES, seconds=VISIT_SECONDS) as folder:
            waiting = _begun(visit, folder)
            for uid in waiting[:MOST_MAILS]:
                count += _fetched(visit.mailbox, folder, uid)
    except Unreachable as failure:
        _put_off(visit, failure.detail)
    else:
        _settle(visit, after=timedelta(0) if len(waiting) > MOST_MAILS else PERIOD)
    return count


@transaction.atomic
def _claimed() -> list[Visit]:
    """Take the folders that are due; should this process die, they are due again when the lease is over."""
    now = timezone.now()
    due = Mailbox.unscoped.select_for_update(skip_locked=True, of=("self",)).select_related("inbox__environment")
    until = now + LEASE
    visits = []
    for mailbox in due.filter(next_check_at__lte=now).order_by("next_check_at")[: 8 * AT_A_TIME]:
        mailbox.next_check_at = until
        mailbox.save(update_fields=["next_check_at"])
        order = _order(mailbox.inbox)
        if order is not None:
            visits.append(Visit(mailbox, order, until))
    return visits


def _in_thread(visit: Visit) -> int:
    try:
        with tenancy.everyone():
            return check(visit)
    except Exception as error:  # one folder's trouble must not keep the others from being read
        log.exception("mailbox_not_checked", error=loggable_error(error))
        return 0
    finally:
        connection.close()


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
    _ours(visit).update(checked_at=now, next_check_at=now + after, failures=0, error="")


def _put_off(visit: Visit, detail: str) -> None:
    failures = visit.mailbox.failures + 1
    wait = min(LONGEST_WAIT, PERIOD * 2 ** min(failures - 1, 10))
    log.warning("mailbox_unreachable", inbox_id=visit.mailbox.inbox.public_id, detail=detail)
    _ours(visit).update(next_check_at=timezone.now() + wait, failures=min(failures, 1000), error=detail[:500])


def _ours(visit: Visit) -> Any:
    """Return the mailbox while it is this visit's: not once its lease is over, or its settings have changed."""
    return Mailbox.unscoped.filter(pk=visit.mailbox.pk, next_check_at=visit.until)
