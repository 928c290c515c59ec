"""
Empties the tables a test has committed to, and only those.

Django truncates every table after such a test and then makes its content types and permissions anew: a hundred times
the work, for nearly every table is empty anyhow.
"""

from functools import cache
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from core import tenancy

# What migrations leave there and no test changes.
KEPT = ["django_migrations", "django_content_type", "auth_permission"]
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> ALL(%s)
"""


def empty_tables(_: Any = None) -> None:
    """Delete every row in one transaction, whose end checks the foreign keys: the order of tables does not matter."""
    with tenancy.everyone(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_which_are_filled())
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


@cache
def _which_are_filled() -> sql.Composed:
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [KEPT])
        tables = [table for (table,) in cursor.fetchall()]
    each = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    return sql.SQL(" UNION ALL ").join(each.format(sql.Literal(table), sql.Identifier(table)) for table in tables)
