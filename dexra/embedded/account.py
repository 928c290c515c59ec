"""The system user the embedded servers run as, and the doors it has to get through."""

import os
import pwd
import shutil
import stat
import sys
from pathlib import Path

from dexra.processes import RunAs

UNPRIVILEGED = "nobody"


class NoAccess(Exception):
    """The servers' user cannot reach a path, and we may not let it."""


def servers_user(data: Path) -> RunAs | None:
    """
    Return who PostgreSQL and Redis run as; None for ourselves.

    PostgreSQL refuses root, so root starts them as whoever owns the existing data, else as ``nobody``.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    user = pwd.getpwuid(owner) if owner else pwd.getpwnam(UNPRIVILEGED)
    return RunAs(user.pw_uid, user.pw_gid, user.pw_name)


def server_environment() -> dict[str, str]:
    """Return what the servers see of our environment: no secrets, and no ``PG...`` that would change their ways."""
    kept = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C", **{name: os.environ[name] for name in kept if name in os.environ}}


def private_directory(path: Path, run_as: RunAs | None) -> None:
    """Make ``path`` a directory that only the servers' user (and root) can look into. Raises NoAccess."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    wanted = run_as.uid if run_as else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {wanted, os.geteuid()}:
        raise NoAccess(f"{path} belongs to somebody else; choose another DEXRA_DATA_DIR.")
    if run_as and found.st_uid != run_as.uid:
        for each in (path, *path.rglob("*")):
            shutil.chown(each, run_as.uid, run_as.gid)
    path.chmod(0o700)


def open_path(path: Path, run_as: RunAs | None) -> None:
    """
    Let the servers' user search every parent of ``path``, and say which had to be opened.

    A clone below a private directory (``/root``, ``mktemp -d``) would otherwise be out of its reach. Search
    permission lets nobody list or read anything. Raises NoAccess.
    """
    if run_as is None:
        return
    for parent in reversed(path.resolve().parents):
        if _may_search(parent, run_as):
            continue
        try:
            parent.chmod(stat.S_IMODE(parent.stat().st_mode) | stat.S_IXOTH)
        except OSError as error:
            raise NoAccess(f"user {run_as.name} cannot search {parent}, and chmod o+x failed: {error}") from error
        sys.stderr.write(
            f"dexra: chmod o+x {parent}  (PostgreSQL does not run as root; user {run_as.name} must get through)\n"
        )


def _may_search(directory: Path, run_as: RunAs) -> bool:
    found = directory.stat()
    if found.st_uid == run_as.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == run_as.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
