"""Finding inboxes."""

from typing import cast

from accounts.models import Environment
from accounts.queries import ENVIRONMENT
from core import tenancy
from core.rows import Shape, cut
from inboxes.models import Inbox

INBOX = Shape(Inbox, "inbox")
ENTER = f"""
SELECT {ENVIRONMENT.columns}, {INBOX.columns}
FROM dexra_enter_by_inbox(%s) AS inbox JOIN accounts_environment AS environment ON environment.id = inbox.environment_id
"""  # noqa: S608  the columns come from the models
FOR_BROWSERS = (Inbox.Channel.WEB, Inbox.Channel.API)


def enter_by_identifier(identifier: str) -> Inbox | None:
    """
    Find an inbox by its public identifier and bind this connection to its tenant, in one round trip.

    None when there is no such inbox; the connection then sees nobody's rows.
    """
    row = tenancy.enter(ENTER, [identifier])
    if row is None:
        return None
    environment, inbox = cut(row, ENVIRONMENT, INBOX)
    inbox.environment = environment
    return cast("Inbox", inbox)


def inboxes_for_browsers(environment: Environment) -> list[Inbox]:
    """Return the inboxes a browser can mean that names none: those of the web, else those of the API; two at most."""
    for channel in FOR_BROWSERS:
        found = list(Inbox.of(environment).filter(deleted_at=None, channel=channel)[:2])
        if found:
            return found
    return []
