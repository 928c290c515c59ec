"""The database of a test process: a copy of one that was migrated before, as long as the migrations are the same."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import psycopg
from django.apps import apps
from django.conf import settings
from psycopg import sql

from dexra.processes import BASE_DIR

LOCK = 7_406_151
# A database that is forced to go takes a right to stop everybody there, autovacuum and other roles too. So each role
# leaves by itself, and a plain DROP waits for the rest and stops autovacuum.
LEAVE = """
SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = %s AND usename = current_user
"""


def make(name: str, migrate: Callable[[str], None]) -> None:
    """Make a fresh database as its owner. ``migrate`` is given the name of an empty one, and leaves it unused."""
    owner = settings.DATABASE_OWNER_URL or settings.DATABASE_URL
    with psycopg.connect(owner, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # of several processes, one migrates
        template = _template(server, migrate)
        _drop(server, name)
        server.execute(_create(name, template))


def _template(server: psycopg.Connection, migrate: Callable[[str], None]) -> str:
    """Return the name of the migrated database, which is made where there is none."""
    prefix = f"{settings.DATABASES['default']['TEST']['NAME'].partition('_gw')[0]}_of_"
    wanted, unfinished = prefix + _migrations(), prefix + "nothing"
    rows = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
    known = {found for (found,) in rows.fetchall()}
    if wanted not in known:
        for old in known:
            _drop(server, old)
        server.execute(_create(unfinished, "template1"))
        migrate(unfinished)
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        server.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(wanted)))
    return wanted


def _migrations() -> str:
    """Return what tells one state of the migrations from another; they make partitions for the days to come."""
    digest = sha256(datetime.now(UTC).date().isoformat().encode())
    files = [file for app in apps.get_app_configs() for file in Path(app.path).glob("migrations/*.py")]
    for file in sorted([*files, *(BASE_DIR / "core").glob("*.py")]):  # policies are written there
        digest.update(f"{file}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _create(name: str, template: str) -> sql.Composed:
    return sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(LEAVE, [name])
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as application:
        application.execute(LEAVE, [name])
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
