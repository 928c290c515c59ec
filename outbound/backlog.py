"""How much waits for providers, in each lane."""

from collections.abc import Mapping

from django.db import connection

from events.backlog import LATE_SECONDS, Backlog

LANES = ("urgent", "normal", "bulk", "held")
COUNTED_OF_EACH = 1000  # due rows of one line and lane; the oldest ones
# A line that was looked at a moment ago, or is to be looked at later, is held by its provider: by its pace, by what it
# asked for, or by refused credentials. What is due in any other waits for us.
LOOKED_AT_SECONDS = 1.0
DUE = """
WITH due AS (
    SELECT CASE WHEN line.paused_until > statement_timestamp()
                  OR line.next_due_at > statement_timestamp() - make_interval(secs => %(looked)s) THEN 'held'
                ELSE (ARRAY['urgent', 'normal', 'bulk'])[lane.n + 1] END AS name,
           extract(epoch FROM statement_timestamp() - oldest.due_at)::float8 AS age
    FROM outbound_line AS line CROSS JOIN (VALUES (0), (1), (2)) AS lane(n) CROSS JOIN LATERAL (
        SELECT next_attempt_at AS due_at FROM outbound_dispatch
        WHERE inbox_id = line.inbox_id AND state = 'waiting' AND lane = lane.n
          AND next_attempt_at <= statement_timestamp()
        ORDER BY next_attempt_at LIMIT %(most)s) AS oldest
)
SELECT name, count(*)::int, greatest(max(age), 0), count(*) FILTER (WHERE age > %(late)s)::int FROM due GROUP BY name
"""


def lanes() -> Mapping[str, Backlog]:
    """
    Return what is due and has not left, by lane, and in ``held`` what waits for its provider.

    Of each line and lane the 1,000 oldest are counted; what is due later waits for nobody and is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"most": COUNTED_OF_EACH, "late": LATE_SECONDS, "looked": LOOKED_AT_SECONDS})
        found = {lane: Backlog(*figures) for lane, *figures in cursor.fetchall()}
    return {lane: found.get(lane, Backlog(0, 0.0, 0)) for lane in LANES}
