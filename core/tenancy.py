"""
The wall between tenants, as PostgreSQL knows it.

Every tenant table has a row-level security policy that compares its ``environment_id`` with the session setting
``dexra.environment``. A connection starts with the setting empty and sees zero rows. ``bind`` lets it see one
tenant, ``everyone`` (for the engines and the operators' admin) all of them.

Binding is usually free: the function that finds a caller's tenant (``dexra_enter_by_...``) also binds to it. What
was bound for one request must not be seen by the next one on the same connection; ``start_clean`` marks the
connection, and the first query that does not bind resets it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection
from psycopg.pq import TransactionStatus

from core.postgres.plans import BY_KEYS

EVERYONE = 0  # no row has this environment; the policies read it as "all"
POLICY_TEMPLATE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON {table}
    USING (environment_id = dexra_environment() OR dexra_environment() = 0)
    WITH CHECK (environment_id = dexra_environment() OR dexra_environment() = 0);
"""


def wall(table: str) -> str:
    """Return the SQL that puts a tenant table behind the wall, for a migration."""
    return POLICY_TEMPLATE.format(table=table)


def bound() -> int | None:
    """Return the tenant this connection is bound to, what is left over not counted; None: nobody, 0: everyone."""
    raw = connection.connection
    return None if getattr(raw, "dexra_stale", False) else getattr(raw, "dexra_tenant", None)


def bind(environment_id: int) -> None:
    """Let this connection see one tenant from here on."""
    _set(str(environment_id))
    _note(environment_id)


def bind_engine() -> None:
    """Let an engine's connection see every tenant and go by keys while it lasts: nothing else happens on it."""
    bind(EVERYONE)
    with connection.cursor() as cursor:
        cursor.execute(BY_KEYS)


def release() -> None:
    """Let this connection see nobody."""
    _set("")
    _note(None)


def enter(sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
    """
    Run a statement that finds a tenant and binds to it, in one round trip.

    ``sql`` selects the environment's id first and calls one of the ``dexra_enter_by_...`` functions. Returns its row,
    or None when nothing was found (the connection then sees nobody). A connection the server has closed meanwhile is
    replaced once: this is the first statement of a request, so nothing is lost by saying it again.
    """
    try:
        return _enter(sql, params)
    except OperationalError:
        if connection.in_atomic_block:
            raise
        connection.close()
        return _enter(sql, params)


def _enter(sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
    with _rebinding(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] | None = cursor.fetchone()
    _note(None if row is None else row[0])
    return row


@contextmanager
def everyone() -> Iterator[None]:
    """See every tenant's rows: for the engines, the commands and the operators' admin only."""
    with _bound_to(EVERYONE):
        yield


@contextmanager
def one(environment_id: int) -> Iterator[None]:
    """See one tenant's rows, then whatever was seen before."""
    with _bound_to(environment_id):
        yield


@contextmanager
def _bound_to(environment_id: int) -> Iterator[None]:
    connection.ensure_connection()
    before = bound()
    if before == environment_id:
        yield
        return
    bind(environment_id)
    try:
        yield
    finally:
        _go_back(before)


def _go_back(before: int | None) -> None:
    """Restore what was bound; a connection that cannot be asked now sees nobody from its next query on."""
    raw: Any = connection.connection
    if raw is None:
        return
    if raw.closed or connection.needs_rollback or raw.info.transaction_status == TransactionStatus.INERROR:
        raw.dexra_stale = True
    elif before is None:
        release()
    else:
        bind(before)


def start_clean() -> None:
    """
    Mark whatever this connection may be bound to as left over from an earlier request.

    Whatever: after a rollback PostgreSQL may be bound to what was bound before it, and nobody here knows.
    """
    raw: Any = connection.connection
    if raw is not None:
        raw.dexra_stale = True


def reset_stale(
    execute: Callable[..., Any],
    sql: str,
    params: Any,
    many: bool,  # noqa: FBT001  Django's signature
    context: dict[str, Any],
) -> Any:
    """Execute a query, first letting go of a tenant bound by an earlier request (an execute wrapper)."""
    raw = context["connection"].connection
    if getattr(raw, "dexra_stale", False) and not getattr(raw, "dexra_rebinding", False) and not _is_broken(raw):
        with context["connection"].wrap_database_errors:
            raw.execute("SELECT set_config('dexra.environment', '', false)")
        raw.dexra_tenant = None
        # In a transaction the mark stays, and so does the reset before each query: a rollback would undo it.
        raw.dexra_stale = context["connection"].in_atomic_block
    return execute(sql, params, many, context)


def _is_broken(raw: Any) -> bool:
    """Whether the transaction has failed: it takes nothing but its rollback, and shows nobody anything."""
    return bool(raw.info.transaction_status == TransactionStatus.INERROR)


def _set(value: str) -> None:
    with _rebinding(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('dexra.environment', %s, false)", [value])


@contextmanager
def _rebinding() -> Iterator[None]:
    """Let a statement through that binds anew: nothing has to be let go of before it."""
    connection.ensure_connection()
    raw: Any = connection.connection
    raw.dexra_rebinding = True
    try:
        yield
    finally:
        raw.dexra_rebinding = False


def _note(environment_id: int | None) -> None:
    """Remember what the connection is bound to, once it is: a statement that failed leaves it marked as it was."""
    raw: Any = connection.connection
    raw.dexra_tenant = environment_id
    raw.dexra_stale = False
