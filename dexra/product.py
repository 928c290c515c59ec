"""Dexra's own processes on one machine, and what its database needs before they start."""

import json
import sys
from pathlib import Path
from typing import Any

import django
import psycopg

from dexra.home import Home, write_private
from dexra.processes import BASE_DIR, Service
from dexra.supervisor import Supervisor

MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
CELERY = [sys.executable, "-m", "celery", "-A", "dexra"]
DEMO_ACCOUNT = "Demo"
DEMO_OWNER = "owner@example.com"
CONNECT_SECONDS = 5
# Together with the servers' own it makes less than 30 s from Ctrl-C to the end, whatever hangs. A busy machine takes
# its time, and who is killed for that leaves work undone.
STOP_SECONDS = {"web": 12.0, "worker": 12.0, "beat": 12.0}


def services(home: Home, *, host: str, port: int) -> dict[str, Service]:
    """Return what runs, by name."""
    commands = {
        "web": [sys.executable, "-m", "dexra.serve", "--role", "all", "--host", host, "--port", str(port)],
        "worker": [
            *CELERY, "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "INFO",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        ],
        "beat": [
            *CELERY, "beat", "--loglevel", "INFO", "--pidfile", "",
            "--schedule", str(home.root / "beat" / "schedule"),
        ],
    }  # fmt: skip
    return {
        name: Service(name=name, argv=argv, log=home.log(name), stop_seconds=STOP_SECONDS[name])
        for name, argv in commands.items()
    }


def is_migrated(url: str) -> bool:
    """
    Whether the database knows every migration in the code.

    It spares a start the second that Django takes to say so. What it cannot know (an app of Django's that was
    never migrated) is caught by ``/readyz``. Raises psycopg.OperationalError.
    """
    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as database:
        if database.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
            return False
        applied = set(database.execute("SELECT app, name FROM django_migrations").fetchall())
    ours = _migrations_below(BASE_DIR)
    djangos = _migrations_below(Path(django.__file__).parent / "contrib")
    known_apps = {app for app, _ in applied}
    return ours <= applied and {each for each in djangos if each[0] in known_apps} <= applied


def has_account(url: str) -> bool:
    """Whether anybody has an account yet. Raises psycopg.OperationalError."""
    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as database:
        return database.execute("SELECT FROM accounts_account LIMIT 1").fetchone() is not None


def migrate(home: Home, supervisor: Supervisor) -> None:
    """Bring the database up to date. Raises CommandFailed, Stopped."""
    supervisor.run([*MANAGE, "migrate", "--database", "owner", "--no-input"], home.log("migrate"))


def bootstrap(home: Home, supervisor: Supervisor) -> None:
    """
    Make the demo account and keep its credentials. Raises CommandFailed, Stopped.

    The file is there, empty, before the account is: a start cut short between the two is finished by the next one.
    """
    write_private(home.demo, "{}")
    options = ["--json", "--operator", "--account", DEMO_ACCOUNT, "--owner-email", DEMO_OWNER]
    printed = supervisor.run([*MANAGE, "bootstrap", *options], home.log("bootstrap"))
    write_private(home.demo, json.dumps(json.loads(printed), indent=2) + "\n")


def demo_credentials(home: Home) -> dict[str, Any] | None:
    """Return what ``bootstrap`` printed; empty when it did not end; None when this home made no demo account."""
    try:
        found: dict[str, Any] = json.loads(home.demo.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return found


def _migrations_below(directory: Path) -> set[tuple[str, str]]:
    files = directory.glob("*/migrations/[0-9]*.py")
    return {(file.parent.parent.name, file.stem) for file in files}
