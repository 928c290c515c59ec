"""What receipts mean for messages that are in doubt, or that wait to be sent again for want of an answer."""

from collections.abc import Sequence

from django.db import connection

# A receipt is believed while it is what the message's status says: one that is told late is not.
SETTLE = """
UPDATE outbound_dispatch AS dispatch SET
    state = CASE WHEN told.status = 'failed' THEN 'failed' ELSE 'sent' END,
    resolve_at = NULL, next_attempt_at = NULL, lease_token = NULL, lease_until = NULL,
    finished_at = coalesce(dispatch.finished_at, statement_timestamp())
FROM unnest(%s::bigint[], %s::text[]) AS told(message_id, status)
JOIN conversations_message AS message ON message.id = told.message_id AND message.status = told.status
WHERE dispatch.message_id = told.message_id AND told.status IN ('sent', 'delivered', 'read', 'failed')
  AND (dispatch.state = 'unknown' OR dispatch.state = 'waiting' AND dispatch.last_code = 'no_answer')
"""


def settle(statuses: Sequence[tuple[int, str]]) -> None:
    """Take messages out of doubt by their new statuses, given by message."""
    if statuses:
        with connection.cursor() as cursor:
            cursor.execute(SETTLE, [[pk for pk, _ in statuses], [status for _, status in statuses]])
