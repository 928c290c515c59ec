"""How an inbox gets on with its provider: noted by whoever finds out."""

from typing import Any

from django.db import connection
from django.db.models.functions import Coalesce, Now

from inboxes import channels
from inboxes.models import Inbox, InboxHealth

# Once a minute is enough to tell whether a provider still calls.
CALLED = """
UPDATE inboxes_inboxhealth SET last_callback_at = statement_timestamp()
WHERE inbox_id = %s AND coalesce(last_callback_at < statement_timestamp() - interval '1 minute', true)
"""


def begin(inbox: Inbox) -> None:
    """Keep account of a new inbox that has a provider."""
    if channels.find(inbox.channel).is_carried:
        InboxHealth.unscoped.get_or_create(inbox=inbox, defaults={"environment_id": inbox.environment_id})


def called(inbox_id: int) -> None:
    """Note that the provider has called."""
    with connection.cursor() as cursor:
        cursor.execute(CALLED, [inbox_id])


def mailbox_read(inbox_id: int) -> None:
    """Note that an inbox's mail folder was read: whatever was wrong with it is over."""
    _note(inbox_id, mailbox_read_at=Now(), mailbox_failing_since=None, mailbox_param="", mailbox_detail="")


def mailbox_failed(inbox_id: int, *, param: str, detail: str) -> None:
    """Note that an inbox's mail folder cannot be read; ``param`` is the setting to blame, if one is."""
    since = Coalesce("mailbox_failing_since", Now())
    _note(inbox_id, mailbox_failing_since=since, mailbox_param=param, mailbox_detail=detail[:500])


def mailbox_changed(inbox_id: int) -> None:
    """Note that an inbox's mail folder is another one, or is looked at with other settings: nothing is known of it."""
    unknown = {"mailbox_read_at": None, "mailbox_failing_since": None}
    _note(inbox_id, mailbox_param="", mailbox_detail="", **unknown)


def _note(inbox_id: int, **told: Any) -> None:
    InboxHealth.unscoped.filter(pk=inbox_id).update(**told)
