"""
The product's storage as a shelf of scripts, so that pages loaded before a deploy still find theirs after it.

A hashed file stays for 30 days after the last day it was the current one, a version for good: somebody may have
written it into a page. Whoever hands out a loader has put the file it names here before, so a process of the release
before, which may be asked for it next, finds it.
"""

import threading
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from dexra.sdk import builds
from dexra.sdk.builds import Build, Item, NotBuilt

FILES, VERSIONS, DAYS = "sdk/files", "sdk/versions", "sdk/days"
KEPT = timedelta(days=30)
RETRY_SECONDS = 60.0

log = structlog.get_logger(__name__)


class _Shelved:
    """What this process knows to be in the storage: the file and the day; and when to look again after a failure."""

    lock = threading.Lock()
    known: tuple[str, date] | None = None
    try_again_at = 0.0


def shelve(build: Build) -> None:
    """Put a build into the storage, once a day and process; while the storage is away, serving goes on without."""
    wanted = (build.file_name, _today())
    if _Shelved.known == wanted or time.monotonic() < _Shelved.try_again_at:
        return
    with _Shelved.lock:
        if _Shelved.known == wanted:
            return
        try:
            store(build)
        except Exception as error:  # noqa: BLE001  every storage fails in its own way
            _Shelved.try_again_at = time.monotonic() + RETRY_SECONDS
            log.warning("sdk_not_shelved", file=build.file_name, reason=type(error).__name__)
        else:
            _Shelved.known = wanted


def store(build: Build) -> None:
    """Put a build's files into the storage and note that it serves today. Raises whatever the storage raises."""
    _put(f"{FILES}/{build.file_name}", build.script.content)
    if _put(f"{VERSIONS}/{build.version}.js", build.script.content):
        log.warning("sdk_version_changed", version=build.version)  # pages that pinned it with its hash load nothing
        _kept_version.cache_clear()
    _put(f"{DAYS}/{_today().isoformat()}_{build.file_name}", b"1")


def file(name: str) -> Item | None:
    """Return a hashed file: of the build that is here, or of an earlier one."""
    if not builds.FILE_NAME.fullmatch(name):
        return None
    build = _build()
    if build is not None and build.file_name == name:
        return build.script
    return _found(name)


def version(number: str) -> Item | None:
    """Return the script of a version that is or was served here."""
    if not builds.VERSION.fullmatch(number):
        return None
    build = _build()
    return build.script if build is not None and build.version == number else _found_version(number)


def clear(today: date | None = None) -> int:
    """Remove the files that were last served more than 30 days ago; returns how many."""
    oldest = (today or _today()) - KEPT
    names = _listed(DAYS)
    old = {name for name in names if name[:10] < oldest.isoformat()}
    served_since = {name[11:] for name in names if name not in old}
    gone = [name for name in _listed(FILES) if name not in served_since]
    for name in gone:
        default_storage.delete(f"{FILES}/{name}")
    for name in old:
        default_storage.delete(f"{DAYS}/{name}")
    if gone:
        log.info("sdk_files_removed", files=gone)
    return len(gone)


def _build() -> Build | None:
    try:
        return builds.current()
    except NotBuilt:
        return None


def _put(path: str, content: bytes) -> bool:
    """
    Store a file under exactly this path; whether something else was there.

    One of another length is what a process left that died while it wrote, or what another is writing now.
    """
    was_other = False
    if default_storage.exists(path):
        if _read(path) == content:
            return False
        default_storage.delete(path)
        was_other = True
    stored = default_storage.save(path, ContentFile(content))
    if stored != path:
        default_storage.delete(stored)  # another process was quicker
    return was_other


def _found(name: str) -> Item | None:
    try:
        return _kept_file(name)
    except FileNotFoundError:
        return None


def _found_version(number: str) -> Item | None:
    try:
        return _kept_version(number)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=16)
def _kept_file(name: str) -> Item:
    return builds.item(_read(f"{FILES}/{name}"))


@lru_cache(maxsize=16)
def _kept_version(number: str) -> Item:
    return builds.item(_read(f"{VERSIONS}/{number}.js"))


def _read(path: str) -> bytes:
    with default_storage.open(path) as stored:
        content: bytes = stored.read()
    return content


def _listed(directory: str) -> list[str]:
    try:
        return default_storage.listdir(directory)[1]
    except FileNotFoundError:
        return []


def _today() -> date:
    return datetime.now(UTC).date()
