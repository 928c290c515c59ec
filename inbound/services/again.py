"""Taking up once more what was set aside or waits, because somebody asks: what was done before is not done twice."""

from django.db import transaction
from django.utils import timezone

from accounts.models import TenantModel
from accounts.services import audit
from core import ids
from inbound.models import Fetch, Mailbox, RawCallback
from inbound.services import hints


@transaction.atomic
def handle(callback: RawCallback, *, by: audit.Who) -> None:
    """Have a callback handled anew."""
    RawCallback.unscoped.filter(pk=callback.pk).update(
        state=RawCallback.State.WAITING, next_attempt_at=timezone.now(), attempts=0, begun=0, error="", handled_at=None
    )
    _note(callback, "callback.handled_again", callback.public_id, by)
    hints.wake_engine()


@transaction.atomic
def fetch(wanted: Fetch, *, by: audit.Who) -> None:
    """Have a file asked for at once."""
    Fetch.unscoped.filter(pk=wanted.pk).exclude(state=Fetch.State.DONE).update(
        state=Fetch.State.WAITING, next_attempt_at=timezone.now(), attempts=0, created_at=timezone.now()
    )
    _note(wanted, "file.fetched_again", ids.encode("att", wanted.attachment_id), by)


@transaction.atomic
def look(mailbox: Mailbox, *, by: audit.Who) -> None:
    """Have a mail folder looked into at the next round."""
    Mailbox.unscoped.filter(pk=mailbox.pk).update(next_check_at=timezone.now(), failures=0)
    _note(mailbox, "mailbox.looked_into", ids.encode("inb", mailbox.inbox_id), by)


def _note(row: TenantModel, action: str, target: str, by: audit.Who) -> None:
    audit.record(environment=row.environment, who=by, action=action, target=target)
