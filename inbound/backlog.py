"""How much of what providers told waits to be handled."""

from django.db import connection

from events.backlog import LATE_SECONDS, Backlog

# What waits for its time, having come early or failed a moment ago, waits for nobody here.
BACKLOG = """
SELECT count(*), coalesce(extract(epoch FROM statement_timestamp() - min(next_attempt_at)), 0)::float8,
       count(*) FILTER (WHERE next_attempt_at < statement_timestamp() - make_interval(secs => %s))
FROM inbound_rawcallback WHERE state = 'waiting' AND next_attempt_at <= statement_timestamp()
"""


def backlog() -> Backlog:
    """Return what is due and not handled."""
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG, [LATE_SECONDS])
        return Backlog(*cursor.fetchone())
