"""
Erasing a person: nothing of them is left in what was sent about them, in what was about to be, or in what came back.

That something was sent, when, and what status came back stays.
"""

from django.db import connection

from events.event import Event

# A person's bodies are found by the person and by their conversations: one may have been somebody else's before. What
# is under way is taken from its sender, whose answer then finds nobody and is not written down.
CANCEL = """
WITH emptied AS (
    UPDATE webhooks_body SET content = ''
    WHERE environment_id = %(environment)s AND event_id <> %(event)s
      AND (contact_id = ANY(%(people)s::bigint[]) OR conversation_id = ANY(%(conversations)s::bigint[]))
    RETURNING event_id
), concerned AS MATERIALIZED (
    SELECT id FROM webhooks_delivery WHERE event_id IN (SELECT event_id FROM emptied) AND rehearsal = ''
    UNION ALL
    SELECT id FROM webhooks_delivery WHERE event_id IN (SELECT event_id FROM emptied) AND rehearsal <> ''
), canceled AS (
    UPDATE webhooks_delivery SET
        state = 'canceled', finished_at = now(), next_attempt_at = NULL, lease_token = NULL, lease_until = NULL,
        extra = 0, returns_to = '', returns_at = NULL
    WHERE id IN (SELECT id FROM concerned) AND state IN ('pending', 'delivering', 'quarantined')
)
SELECT id FROM concerned
"""
# A statement of its own: it sees what was written down while the other waited for it.
EMPTY = """
UPDATE webhooks_attempt SET response_body = '', response_headers = '{}'
WHERE delivery_id = ANY(%s) AND (response_body <> '' OR response_headers <> '{}')
"""


def forget(erased: Event) -> None:
    """Do so for the person whose erasure an event tells of, and for whoever turned out to be them."""
    with connection.cursor() as cursor:
        cursor.execute(
            CANCEL,
            {
                "environment": erased.environment_id,
                "event": erased.id,  # that it happened is told
                "people": erased.context["contact_ids"],
                "conversations": erased.context["conversation_ids"],
            },
        )
        cursor.execute(EMPTY, [[row[0] for row in cursor.fetchall()]])
