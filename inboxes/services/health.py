"""How an inbox gets on with its provider: noted by whoever finds out."""

from django.db import connection

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
