"""
Erasing a person: nothing of them is left in what was sent about them, in what was about to be, or in what came back.

That something was sent, when, and what status came back stays.
"""

from django.db import connection

from events.event import Event
from webhooks.models import Delivery
from webhooks.services import canceling

# What is under way is taken from its sender, whose answer then finds nobody and is not written down.
NOT_OVER = (Delivery.State.PENDING, Delivery.State.DELIVERING, Delivery.State.QUARANTINED)
# A person's bodies are found by the person and by their conversations: one may have been somebody else's before.
EMPTY_BODIES = """
WITH emptied AS (
    UPDATE webhooks_body SET content = ''
    WHERE environment_id = %(environment)s AND event_id <> %(event)s
      AND (contact_id = ANY(%(people)s::bigint[]) OR conversation_id = ANY(%(conversations)s::bigint[]))
    RETURNING event_id
)
SELECT id FROM webhooks_delivery WHERE event_id IN (SELECT event_id FROM emptied) AND rehearsal = ''
UNION ALL
SELECT id FROM webhooks_delivery WHERE event_id IN (SELECT event_id FROM emptied) AND rehearsal <> ''
"""
# A statement of its own, last: it sees what was written down while the cancellation waited for it.
EMPTY_ANSWERS = """
UPDATE webhooks_attempt SET response_body = '', response_headers = '{}'
WHERE delivery_id = ANY(%s) AND (response_body <> '' OR response_headers <> '{}')
"""


def forget(erased: Event) -> None:
    """Do so for the person whose erasure an event tells of, and for whoever turned out to be them."""
    with connection.cursor() as cursor:
        cursor.execute(
            EMPTY_BODIES,
            {
                "environment": erased.environment_id,
                "event": erased.id,  # that it happened is told
                "people": erased.context["contact_ids"],
                "conversations": erased.context["conversation_ids"],
            },
        )
        concerned = [delivery_id for (delivery_id,) in cursor.fetchall()]
        canceling.cancel_rows(concerned, canceling.Reason.PERSON_ERASED, NOT_OVER)
        cursor.execute(EMPTY_ANSWERS, [concerned])
