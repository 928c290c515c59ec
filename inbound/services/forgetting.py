"""Leaving nothing of people who were erased in what providers told about them."""

from collections.abc import Sequence

from django.db import connection

# That something came, and when, stays; with others in the same callback theirs goes too, for nobody can cut it apart.
FORGET = """
UPDATE inbound_rawcallback SET body = '', headers = '{}', query = '{}', error = '', contact_ids = '{}', digest = ''
WHERE environment_id = %s AND state <> 'waiting' AND contact_ids && %s::bigint[]
"""


def forget(environment_id: int, contact_ids: Sequence[int]) -> None:
    """Empty the callbacks that were about these people."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [environment_id, list(contact_ids)])
