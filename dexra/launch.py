"""
Starts Dexra on one machine: ``python -m dexra.launch run`` (what ``make run`` does), or only its servers.

``python -m dexra.launch exec -- COMMAND`` runs a command beside an embedded PostgreSQL and Redis.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from http import HTTPStatus

import environ
import psycopg

from dexra import listening, product, welcome
from dexra.embedded import servers
from dexra.embedded.account import NoAccess
from dexra.embedded.postgres import BrokenData
from dexra.home import SECRET_NAMES, Home, Occupied, write_environment
from dexra.processes import BASE_DIR, die_with_parent, popen
from dexra.supervisor import CommandFailed, Stopped, Supervisor, Unready, say

READY_SECONDS = 120.0
# A developer's own machine; docker-compose and production set none of these.
OWN_MACHINE = {"DEXRA_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"}  # webhooks may go to a server on it
DEVELOPMENT = {
    **OWN_MACHINE,
    "DEXRA_ENV": "development",
    "DEXRA_CABLE_DRAIN_SECONDS": "1",  # Ctrl-C is to be quick, and nobody else is here to take the clients
    "DEXRA_WEBHOOK_DRAIN_SECONDS": "2",
}


class Refused(Exception):
    """A production process was asked of what serves one developer."""


EXPECTED_FAILURES = (
    BrokenData,
    CommandFailed,
    NoAccess,
    Occupied,
    OSError,
    Refused,
    Unready,
    listening.Unusable,
    psycopg.Error,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    arguments = _parser().parse_args(argv)
    environ.Env.read_env(BASE_DIR / ".env")
    try:
        home = Home.at(os.environ.get("DEXRA_DATA_DIR") or BASE_DIR / "var")
        with home.locked():
            return int(arguments.act(home, arguments))
    except EXPECTED_FAILURES as failure:
        say(str(failure))
        return 1


def run(home: Home, arguments: argparse.Namespace) -> int:
    """Run the whole product until told to stop."""
    if arguments.with_parent and (die := die_with_parent(signal.SIGTERM, parent=os.getppid())):
        die()
    host, port = os.environ.get("DEXRA_BIND", listening.LOOPBACK), listening.wanted_port()
    listening.refuse_taken(host, port)
    supervisor = Supervisor(home)
    supervisor.obey_signals()
    try:
        _start(home, supervisor, host=host, port=port)
        url = f"http://{listening.LOOPBACK if host == listening.EVERYWHERE else host}:{port}"
        sys.stdout.write(welcome.text(url, str(home.root / "logs"), product.demo_credentials(home)))
        sys.stdout.flush()
        while True:
            supervisor.pause(1.0)
    except Stopped:
        say("stopping")
        return 0
    finally:
        home.environment.unlink(missing_ok=True)
        supervisor.stop()


def execute(home: Home, arguments: argparse.Namespace) -> int:
    """Run one command beside the servers and return its exit code."""
    supervisor = Supervisor(home)
    supervisor.obey_signals()
    try:
        found = servers.start(home, supervisor, durable=not arguments.no_fsync)
        os.environ.update({**OWN_MACHINE, **home.secrets(), **_told(), **found, "DEXRA_DATA_DIR": str(home.root)})
        return _beside(supervisor, arguments.command)
    except Stopped:
        return 130
    finally:
        supervisor.stop()


def _start(home: Home, supervisor: Supervisor, *, host: str, port: int) -> None:
    """Bring everything up in order; returns once ``/readyz`` says so. Raises the expected failures and Stopped."""
    own_database, own_redis = not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL")
    is_production = os.environ.get("DEXRA_ENV") == "production"
    if is_production and (own_database or own_redis):
        raise Refused("DEXRA_ENV=production does not take the embedded servers: set DATABASE_URL and REDIS_URL.")
    found = servers.start(home, supervisor, postgres=own_database, redis=own_redis)
    os.environ.update({**({} if is_production else DEVELOPMENT), **home.secrets(), **_told(), **found})
    os.environ.update({"DEXRA_DATA_DIR": str(home.root), "PORT": str(port), "PYTHONUNBUFFERED": "1"})
    write_environment(home.environment, {name: os.environ[name] for name in (*found, *SECRET_NAMES, "PORT")})
    _prepare_database(home, supervisor)
    running = product.services(home, host=host, port=port)
    supervisor.start(running["worker"], running["beat"])
    supervisor.start(running["web"])  # the youngest stops first: it drains while the worker still works
    _wait_until_ready(supervisor, host, port)


def _told() -> dict[str, str]:
    """Return what the environment says; a name without a value says nothing."""
    return {name: value for name, value in os.environ.items() if value}


def _prepare_database(home: Home, supervisor: Supervisor) -> None:
    url = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
    if not product.is_migrated(url):
        say("migrating the database")
        product.migrate(home, supervisor)
    unfinished = product.demo_credentials(home) == {}
    if unfinished or not product.has_account(url):
        say("making the demo account")
        product.bootstrap(home, supervisor)


def _wait_until_ready(supervisor: Supervisor, host: str, port: int) -> None:
    try:
        supervisor.wait_until(
            lambda: listening.ask(host, port, "/readyz")[0] == HTTPStatus.OK, what="web", seconds=READY_SECONDS
        )
    except Unready as late:
        raise Unready(f"{late}; /readyz says: {listening.ask(host, port, '/readyz')[1]}") from None


def _beside(supervisor: Supervisor, command: Sequence[str]) -> int:
    """
    Run a command in the foreground while the servers are looked after.

    It shares our terminal and process group, so Ctrl-C reaches it by itself; other signals to stop are passed on.
    """
    child = popen(command, signal.SIGTERM)
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: child.terminate())
    while child.poll() is None:
        supervisor.pause(0.05)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dexra.launch", description=__doc__)
    commands = parser.add_subparsers(required=True)
    everything = commands.add_parser("run", help="run the whole product")
    everything.add_argument("--with-parent", action="store_true", help="stop when the parent process ends")
    everything.set_defaults(act=run)
    beside = commands.add_parser("exec", help="run one command beside the embedded servers")
    beside.add_argument("--no-fsync", action="store_true", help="fast and not safe: for tests only")
    beside.add_argument("command", nargs="+", metavar="COMMAND")
    beside.set_defaults(act=execute)
    return parser


if __name__ == "__main__":
    sys.exit(main())
