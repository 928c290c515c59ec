"""Finding inboxes."""

from accounts.models import Environment
from core import tenancy
from core.rows import Shape
from inboxes.models import Inbox

INBOX = Shape(Inbox, "inbox")
ENTER = f"""
SELECT inbox.environment_id, environment.kind, environment.account_id, {INBOX.columns}
FROM dexra_enter_by_inbox(%s) AS inbox JOIN accounts_environment AS environment ON environment.id = inbox.environment_id
"""  # noqa: S608  the columns come from the model


def enter_by_identifier(identifier: str) -> Inbox | None:
    """
    Find an inbox by its public identifier and bind this connection to its tenant, in one round trip.

    None when there is no such inbox; the connection then sees nobody's rows.
    """
    row = tenancy.enter(ENTER, [identifier])
    if row is None:
        return None
    inbox = INBOX.build(row[3:])
    inbox.environment = Environment(id=row[0], kind=row[1], account_id=row[2])
    return inbox
