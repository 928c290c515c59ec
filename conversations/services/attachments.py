"""Files: stored first, outside any transaction; then named by the message that brings them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from accounts.models import Environment
from conversations.models import Attachment, Message, attachment_path
from core import rows
from core.errors import Invalid, Problem

if TYPE_CHECKING:
    Upload = UploadedFile[bytes]
else:  # Django's files take no parameters at run time
    Upload = UploadedFile

# RFC 6838 section 4.2; anything else a client says is not believed.
MIME_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
MOST_FILES = 15
IMAGES = frozenset({"image/jpeg", "image/jpg", "image/png", "image/gif", "image/bmp", "image/webp"})
VIDEOS = frozenset({"video/ogg", "video/mp4", "video/webm", "video/quicktime"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is in the storage already, or somewhere else on the web, and waits for its message."""

    path: str
    filename: str
    content_type: str
    size: int
    external_url: str = ""
    type: str = ""  # how to show it, where its MIME type is not known
    token: str = ""  # what its address will have in it, where somebody has to know that before
    details: Mapping[str, Any] = field(default_factory=dict)  # of a place or a card, which are no files


@contextmanager
def stored(environment: Environment, uploads: Sequence[Upload]) -> Iterator[list[StoredFile]]:
    """
    Put uploaded files into the storage, streamed, for a message that is about to be said. At most 15 of 40 MiB.

    They are taken away again when the message is refused, or when one of them could not be stored. Raises Invalid
    naming the file that is too large, or too many files.
    """
    _check(uploads)
    files: list[StoredFile] = []
    try:
        for upload in uploads:
            files.append(_stored(environment, upload))  # noqa: PERF401  when one fails, those before it are known
        yield files
    except BaseException:
        discard(files)
        raise


def discard(files: Iterable[StoredFile]) -> None:
    """Take files that no message names out of the storage; what is somewhere else on the web stays there."""
    remove(file.path for file in files if file.path)


def remove(paths: Iterable[str]) -> None:
    """Take files out of the storage, each that can be; the others are named in the log."""
    for path in paths:
        try:
            default_storage.delete(path)
        except Exception:  # each storage has errors of its own, and the other files still have to go
            log.exception("file_not_removed", path=path)


def type_of(content_type: str) -> str:
    """Return how a client should show a file of that MIME type."""
    if content_type in IMAGES:
        return Attachment.Type.IMAGE
    if content_type in VIDEOS:
        return Attachment.Type.VIDEO
    return Attachment.Type.AUDIO if content_type.startswith("audio/") else Attachment.Type.FILE


def prepare(message: Message, files: Sequence[StoredFile]) -> list[Attachment]:
    """Return the attachments of a message that is about to be stored; their ids are drawn already."""
    if not files:
        return []
    numbers = rows.draw_ids(Attachment, len(files))
    return [
        Attachment(
            id=number,
            environment=message.environment,
            message=message,
            type=file.type or type_of(file.content_type),
            file=file.path or None,
            external_url=file.external_url,
            filename=file.filename[:255],
            content_type=file.content_type[:100],
            size=file.size,
            details=dict(file.details),
            **({"token": file.token} if file.token else {}),
        )
        for number, file in zip(numbers, files, strict=True)
    ]


def keep(message: Message) -> None:
    """Store the attachments of a message that has just been stored."""
    made: list[Attachment] = message.made_attachments  # type: ignore[attr-defined]
    if made:
        Attachment.unscoped.bulk_create(made)


def _check(uploads: Sequence[Upload]) -> None:
    if len(uploads) > MOST_FILES:
        raise Invalid(Problem("attachments", "too_many", f"At most {MOST_FILES} attachments.", MOST_FILES))
    for upload in uploads:
        if (upload.size or 0) > settings.MAX_ATTACHMENT_BYTES:
            raise Invalid(
                Problem("attachments", "too_large", f"{upload.name} is larger than 40 MiB.",
                        settings.MAX_ATTACHMENT_BYTES, upload.size)
            )  # fmt: skip


def _stored(environment: Environment, upload: Upload) -> StoredFile:
    name = str(upload.name or "file").replace("\x00", "")
    place = attachment_path(Attachment(environment=environment), name)
    named = str(getattr(upload, "content_type", "") or "").lower()
    content_type = named if MIME_TYPE.fullmatch(named) else "application/octet-stream"
    try:
        path = default_storage.save(place, upload)
    except BaseException:
        remove([place])  # the half of it that came
        raise
    return StoredFile(path, name, content_type, upload.size or 0)
