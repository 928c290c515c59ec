"""
Files that no message names: what a process leaves behind that dies between storing a file and saying its message.

Such files are few. Where most are unknown, the storage is also another installation's, or the database is not the one
that its files belong to (a backup of long ago); then nothing is removed, and the log says so.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog
from django.core.files.storage import default_storage
from django.utils import timezone

from conversations.models import ATTACHMENTS, Attachment
from conversations.services import attachments
from core import tenancy

OLD = timedelta(days=1)  # a file and its message are seconds apart
MOST_LOOKED_AT = 50_000
MOST_REMOVED = 1_000
BATCH = 5_000
FEW = 20

log = structlog.get_logger(__name__)


def sweep() -> int:
    """
    Remove files that are older than a day and belong to no attachment, in all environments; return how many.

    A run looks at so many files at most, in no order: what it does not reach, a later one does. Storages that cannot
    list their files, or not tell how old they are, keep everything.
    """
    looked_at, unknown = 0, list[str]()
    with tenancy.everyone():  # whoever sees no rows would take every file for an orphan
        for tenant, names in _files():
            looked_at += len(names)
            unknown += _unknown(tenant, names)
    if len(unknown) > FEW and 2 * len(unknown) > looked_at:
        log.error("files_unknown", looked_at=looked_at, unknown=len(unknown))
        return 0
    orphans = [path for path in unknown[:MOST_REMOVED] if _is_older(path, timezone.now() - OLD)]
    if orphans:
        attachments.remove(orphans)
        log.info("orphans_removed", looked_at=looked_at, removed=len(orphans))
    return len(orphans)


def _files() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the paths of stored files with the directory of their tenant, a batch at a time."""
    left = MOST_LOOKED_AT
    tenants, _ = _listed(ATTACHMENTS)
    random.shuffle(tenants)
    for tenant in tenants:
        _, names = _listed(f"{ATTACHMENTS}/{tenant}")
        random.shuffle(names)
        paths = [f"{ATTACHMENTS}/{tenant}/{name}" for name in names[:left]]
        for start in range(0, len(paths), BATCH):
            yield tenant, paths[start : start + BATCH]
        left -= len(paths)


def _listed(directory: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(directory)
    except (NotImplementedError, FileNotFoundError):
        return [], []


def _unknown(tenant: str, paths: Sequence[str]) -> list[str]:
    """Return the paths that no attachment of the tenant has."""
    if not tenant.isdecimal():
        return []
    known = set(Attachment.unscoped.filter(environment_id=int(tenant), file__in=paths).values_list("file", flat=True))
    return [path for path in paths if path not in known]


def _is_older(path: str, moment: datetime) -> bool:
    try:
        return default_storage.get_modified_time(path) < moment
    except (NotImplementedError, FileNotFoundError):
        return False
