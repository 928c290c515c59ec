"""
Files that come with messages: fetched from the provider, looked at, stored.

What people send is never trusted: a type is believed only where the bytes agree, everything else is a download, and a
file has at most 40 MiB.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile

from accounts.models import Environment
from conversations.services import attachments
from conversations.services.attachments import MOST_FILES, StoredFile
from inbound.services import metrics, types
from inbound.services.words import tidy_text
from inboxes import channels
from inboxes.channels.incoming import IncomingFile
from inboxes.channels.outgoing import HttpOrder, Reply
from inboxes.models import Inbox
from inboxes.transport import http
from inboxes.transport.accidents import Accident

MOST_FILES_OF_A_MESSAGE = 4 * MOST_FILES
FETCH_SECONDS = 20.0
IN_MEMORY_BYTES = 256 * 1024
LONGEST_POINTER = 64 * 1024  # an answer that only tells where the file is
GONE = range(400, 500)
COME_BACK = {202, 401, 408, 425, 429}  # it is being prepared (a video, with LINE); a token may be renewed

log = structlog.get_logger(__name__)


class NotYet(Exception):
    """A file could not be fetched now; it may be later."""


class Never(Exception):
    """A file cannot be had: it is too large, or gone."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A file that was announced and is not there; ``may_come`` where it is worth asking for again."""

    file: IncomingFile
    reason: str
    may_come: bool

    @property
    def shown(self) -> StoredFile:
        """The place it has among the attachments meanwhile."""
        state = {"state": "pending" if self.may_come else "failed"}
        return StoredFile("", _name(self.file), types.plain(self.file.content_type), 0,
                          type=types.shown_as(self.file), details=state)  # fmt: skip


@contextmanager
def gathered(
    inbox: Inbox, files: Sequence[IncomingFile], *, is_patient: bool
) -> Iterator[tuple[list[StoredFile], list[Missing]]]:
    """
    Fetch and store the files of one message; gives those that are there and those that are not, in order.

    Where the message is refused they are removed again. Raises NotYet for one that may come later, if ``is_patient``.
    """
    missing: list[Missing] = []
    with ExitStack() as held:
        uploads: list[UploadedFile[Any] | StoredFile] = []
        for place, file in enumerate(files):
            if place >= MOST_FILES_OF_A_MESSAGE:
                missing.append(Missing(file, "too_many", may_come=False))
                continue
            try:
                uploads.append(held.enter_context(_fetched(inbox, file)))
            except Never as why:
                missing.append(Missing(file, str(why), may_come=False))
            except NotYet as why:
                if is_patient:
                    raise
                missing.append(Missing(file, str(why), may_come=True))
        yield _stored(inbox.environment, uploads, held), missing


def _stored(
    environment: Environment, uploads: Sequence["UploadedFile[Any] | StoredFile"], held: ExitStack
) -> list[StoredFile]:
    """Put files into the storage, as many at a time as it takes of one message; some are elsewhere on the web."""
    here = [upload for upload in uploads if isinstance(upload, UploadedFile)]
    stored: list[StoredFile] = []
    for start in range(0, len(here), MOST_FILES):
        stored += held.enter_context(attachments.stored(environment, here[start : start + MOST_FILES]))
    following = iter(stored)
    return [next(following) if isinstance(upload, UploadedFile) else upload for upload in uploads]


@contextmanager
def _fetched(inbox: Inbox, file: IncomingFile) -> Iterator["UploadedFile[Any] | StoredFile"]:
    """Give a file's content, looked at. Raises NotYet, Never."""
    if not file.content and not inbox.environment.livemode:
        yield _elsewhere(file)  # the sandbox calls nobody
        return
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as content:
        told = file.content_type
        if file.content:
            content.write(file.content)
        else:
            told = _download(inbox, file, content) or told
        size = content.tell()
        if size > settings.MAX_ATTACHMENT_BYTES:
            raise Never("too_large")
        content.seek(0)
        kind = types.believed(file.content_type or told, told, content.read(types.HEAD_BYTES))
        content.seek(0)
        metrics.files.labels("fetched").inc()
        yield UploadedFile(File(content), _name(replace(file, content_type=kind)), kind, size)


def _elsewhere(file: IncomingFile) -> StoredFile:
    if urlsplit(file.reference).scheme not in {"http", "https"}:
        raise Never("not_fetched_in_sandbox")
    return StoredFile("", _name(file), types.plain(file.content_type), 0, external_url=file.reference[:2048],
                      type=types.shown_as(file))  # fmt: skip


def _download(inbox: Inbox, file: IncomingFile, content: IO[bytes]) -> str:
    """Write a file as the provider has it into ``content``; returns the type it says. Raises NotYet, Never."""
    channel = channels.find(inbox.channel)
    try:
        reply = _fetch(channel.file_order(file, inbox.settings), content)
        following = channel.next_file_order(replace(reply, body=_pointer(content)), inbox.settings)
        if following is not None:
            content.seek(0)
            content.truncate()
            reply = _fetch(following, content)
    except (ValueError, KeyError, TypeError) as why:
        raise Never(f"not_told: {why}"[:200]) from why
    content.seek(0, 2)
    return reply.headers.get("content-type", "").partition(";")[0].strip().lower()


def _fetch(order: HttpOrder, content: IO[bytes]) -> Reply:
    try:
        result = http.fetch(
            replace(order, seconds=FETCH_SECONDS), content, most_bytes=settings.MAX_ATTACHMENT_BYTES, livemode=True
        )
    except http.TooLarge:
        raise Never("too_large") from None
    if isinstance(result, Accident):
        raise NotYet(result.detail)
    if 200 <= result.status < 300 and result.status not in COME_BACK:
        return result
    if result.status in GONE and result.status not in COME_BACK:
        raise Never(f"HTTP {result.status}")
    raise NotYet(f"HTTP {result.status}")


def _pointer(content: IO[bytes]) -> bytes:
    """Return what was fetched where it is short enough to only tell where the file is."""
    size = content.tell()
    if size > LONGEST_POINTER:
        return b""
    content.seek(0)
    return content.read()


def _name(file: IncomingFile) -> str:
    name = tidy_text(file.filename).replace("\\", "/").rpartition("/")[2].strip()
    return name[-255:] or f"{types.shown_as(file)}{types.extension(file.content_type)}"
