"""
Files that are uploaded before the messages they go with, and kept for a day.

What a business's server uploads may go with many messages; what a person's session uploads goes with one of its own.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Environment
from contacts.models import ContactSession
from conversations.errors import FileTooLarge
from conversations.models import Attachment
from conversations.services import attachments
from conversations.services.attachments import StoredFile, Upload
from core import ids
from core.errors import Invalid, Problem, invalid

KEPT_FOR = timedelta(hours=24)
MOST_AT_ONCE = 5_000
OWNER = "session"  # whose upload it is, among the details of a row that waits for its message
PROGRAMS = frozenset(
    {"exe", "msi", "com", "scr", "pif", "bat", "cmd", "ps1", "vbs", "vbe", "jse", "wsf", "hta", "cpl", "lnk", "reg",
     "jar", "dll", "app", "apk"}
)  # fmt: skip


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


def keep_for(session: ContactSession, upload: Upload) -> Attachment:
    """
    Store a file that one message of this session can name, within a day. Raises Invalid, FileTooLarge.

    Nothing that runs by itself on an agent's computer is taken.
    """
    name, size = str(upload.name or ""), upload.size or 0
    if size > settings.MAX_ATTACHMENT_BYTES:
        raise FileTooLarge(size, settings.MAX_ATTACHMENT_BYTES)
    if not size:
        raise invalid("file", "This file is empty: there is nothing to send.", code="file_empty")
    if name.rpartition(".")[2].strip().lower() in PROGRAMS:
        raise invalid("file", "Programs are not taken; send them in an archive.", code="file_type_not_allowed")
    made = keep(session.environment, upload)
    made.details = {OWNER: session.pk}
    made.save(update_fields=["details"])
    return made


@transaction.atomic
def take(session: ContactSession, attachment_ids: Sequence[str]) -> list[StoredFile]:
    """
    Take files this session uploaded, for the message that is being stored: each goes with one. Raises Invalid.

    Must run in the transaction that stores the message.
    """
    wanted = {name: ids.decode("att", name) for name in dict.fromkeys(attachment_ids)}
    waits = Attachment.of(session.environment).select_for_update().filter(
        message=None, details__contains={OWNER: session.pk}, created_at__gt=timezone.now() - KEPT_FOR
    )  # fmt: skip
    found = {upload.pk: upload for upload in waits.filter(pk__in=filter(None, wanted.values())).order_by("pk")}
    problems = [
        Problem(f"attachment_ids.{place}", "unknown_attachment",
                f"There is no uploaded file {name[:80]!r}: upload it (POST /client/v1/attachments); each goes once.")
        for place, (name, row) in enumerate(wanted.items()) if row not in found
    ]  # fmt: skip
    if problems:
        raise Invalid(*problems)
    Attachment.of(session.environment).filter(pk__in=found).delete()  # its address goes on with the message's own row
    uploads = [found[row] for row in wanted.values() if row is not None]
    return [
        StoredFile(str(each.file.name), each.filename, each.content_type, each.size, type=each.type, token=each.token)
        for each in uploads
    ]


def forget_of(environment: Environment, session_ids: Sequence[int]) -> list[str]:
    """Let go of what sessions uploaded and nobody sent; returns the paths of the files, which are to go as well."""
    theirs = Attachment.of(environment).filter(message=None, details__session__in=list(session_ids))
    paths = [str(each.file.name) for each in theirs if each.file]
    theirs.delete()
    return paths


def forget_old() -> int:
    """Let go of uploads older than a day; returns how many. The files go once no message names them either."""
    old = Attachment.unscoped.filter(message=None, created_at__lt=timezone.now() - KEPT_FOR)
    deleted: int = Attachment.unscoped.filter(pk__in=old.values("pk")[:MOST_AT_ONCE]).delete()[0]
    return deleted
