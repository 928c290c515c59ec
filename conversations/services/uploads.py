"""Files that are uploaded before the messages they go with, for a day; the same one may go with many."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Environment
from conversations.models import Attachment
from conversations.services import attachments
from conversations.services.attachments import StoredFile, Upload
from core import ids
from core.errors import invalid

KEPT_FOR = timedelta(hours=24)
MOST_AT_ONCE = 5_000


def keep(environment: Environment, upload: Upload) -> Attachment:
    """Store a file of at most 40 MiB that messages can name by its ``att_`` id within a day. Raises Invalid."""
    with attachments.stored(environment, [upload]) as [file]:
        made: Attachment = Attachment.unscoped.create(
            environment=environment, type=attachments.type_of(file.content_type), file=file.path,
            filename=file.filename[:255], content_type=file.content_type[:100], size=file.size,
        )  # fmt: skip
    return made


def file_of(environment: Environment, field: str, attachment_id: str, kind: str) -> StoredFile:
    """Return an uploaded file, to go with a message as an image, video, audio or document. Raises Invalid."""
    row = ids.decode("att", attachment_id)
    waits = Attachment.of(environment).filter(message=None, created_at__gt=timezone.now() - KEPT_FOR)
    upload = waits.filter(pk=row).first() if row is not None else None
    if upload is None or not upload.file:
        words = f"There is no uploaded file {attachment_id[:80]!r}; they are kept for 24 hours (POST /v1/attachments)."
        raise invalid(field, words, code="unknown_attachment")
    shown = Attachment.Type.FILE if kind == "document" else kind
    return StoredFile(str(upload.file.name), upload.filename, upload.content_type, upload.size, type=shown,
                      token=ids.new_token())  # fmt: skip


def forget_old() -> int:
    """Let go of uploads older than a day; returns how many. The files go once no message names them either."""
    old = Attachment.unscoped.filter(message=None, created_at__lt=timezone.now() - KEPT_FOR)
    deleted: int = Attachment.unscoped.filter(pk__in=old.values("pk")[:MOST_AT_ONCE]).delete()[0]
    return deleted
