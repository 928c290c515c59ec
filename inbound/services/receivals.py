"""What was acted on before: the unique row that makes a repeated callback do nothing."""

import hashlib

from django.db import connection

from inbound.models import Receival
from inboxes.models import Inbox

LONGEST = 500
TAKE = """
INSERT INTO inbound_receival (environment_id, inbox_id, kind, external_id, created_at)
VALUES (%s, %s, %s, %s, statement_timestamp()) ON CONFLICT (inbox_id, kind, external_id) DO NOTHING RETURNING id
"""


def take(inbox: Inbox, kind: str, external_id: str) -> int | None:
    """
    Note that something is acted on now; None where it was before.

    Where somebody else is acting on it at this moment, this waits for how that ends. Inside the transaction of the act.
    """
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [inbox.environment_id, inbox.pk, kind, name_of(external_id)])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def is_known(inbox: Inbox, kind: str, external_id: str) -> bool:
    """Whether something was acted on before."""
    return (
        Receival.of(inbox.environment).filter(inbox=inbox, kind=kind, external_id=name_of(external_id)).exists()
    )  # fmt: skip


def name_of(external_id: str) -> str:
    """Return an id as it is kept; what is too long, or cannot be stored, is known by its digest."""
    if len(external_id) <= LONGEST and external_id.isprintable():
        return external_id
    return "sha256:" + hashlib.sha256(external_id.encode(errors="replace")).hexdigest()
