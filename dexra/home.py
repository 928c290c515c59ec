"""The data directory: who has it, its secrets, and where everything in it is."""

import fcntl
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# A socket's path has 107 characters, and PostgreSQL adds its file name.
LONGEST_SOCKET_DIRECTORY = 107 - len("/.s.PGSQL.5432")
# libpq and PostgreSQL read these in a directory's name as something else.
SAFE_SOCKET_DIRECTORY = re.compile(r"/[^,\"'\\%\n]*")
SECRET_NAMES = ("DEXRA_SECRET_KEY", "DEXRA_ENCRYPTION_KEY")


class Occupied(Exception):
    """Another launcher runs on this data directory."""


@dataclass(frozen=True, slots=True)
class Home:
    """One data directory."""

    root: Path

    @classmethod
    def at(cls, path: str | Path) -> "Home":
        """Return the home at ``path``, made if need be. Raises OSError."""
        root = Path(path).expanduser().resolve()
        for directory in (root, root / "logs", root / "pids", root / "beat"):
            directory.mkdir(parents=True, exist_ok=True)
        return cls(root)

    @property
    def demo(self) -> Path:
        """The demo account's credentials."""
        return self.root / "demo.json"

    @property
    def environment(self) -> Path:
        """What a running product was started with; the settings read it when nobody told them anything."""
        return self.root / "environment"

    @property
    def sockets(self) -> Path:
        """Where the servers listen: below the data, or in the temporary directory when that path is too long."""
        inside = self.root / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIRECTORY and SAFE_SOCKET_DIRECTORY.fullmatch(str(inside)):
            return inside
        name = f"dexra-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]}"
        outside = Path(tempfile.gettempdir(), name)
        return outside if len(os.fsencode(outside)) <= LONGEST_SOCKET_DIRECTORY else Path("/tmp", name)  # noqa: S108  made private and checked

    def log(self, name: str) -> Path:
        """Return the log file of a child."""
        return self.root / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """Return the file that says which process a child is."""
        return self.root / "pids" / f"{name}.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Have the directory to oneself; the kernel lets go of it however we end. Raises Occupied."""
        with (self.root / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise Occupied(
                    f"{self.root} is in use by process {lock.read().strip() or '?'}. "
                    "Stop that one, or set DEXRA_DATA_DIR to another directory."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def secrets(self) -> dict[str, str]:
        """Return the installation's own secrets, made on the first start and kept, readable by its owner only."""
        path = self.root / "secrets.env"
        kept = dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
        missing = [name for name in SECRET_NAMES if name not in kept]
        if missing:
            kept |= {name: secrets.token_urlsafe(48) for name in missing}
            write_environment(path, kept)
        return kept


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    """Write ``NAME=value`` lines, readable by their owner only."""
    write_private(path, "".join(f"{name}={value}\n" for name, value in values.items()))


def write_private(path: Path, text: str) -> None:
    """Replace a file, at once and readable by its owner only: a start cut short leaves the old one or the new one."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)
