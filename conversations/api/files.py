"""
``GET /files/{token}``: an attachment, for whoever knows its token.

What people upload is never trusted: only pictures, sound and film are shown in place, everything else is a download,
no type is guessed, and nothing in a file may run.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from conversations.models import Attachment
from conversations.queries import enter_by_attachment
from core.errors import NotFound

SHOWN_IN_PLACE = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif",
     "audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/opus", "audio/wav", "audio/webm", "audio/amr",
     "video/mp4", "video/webm", "video/ogg", "video/quicktime"}
)  # fmt: skip
TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
UNKNOWN_TYPE = "application/octet-stream"
PRECAUTIONS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # the pages of businesses show them
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "private, max-age=86400, immutable",
}
# Players ask for the rest from where they are; several ranges at once nobody asks for, and they may be ignored.
RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})", re.ASCII)
PIECE = 64 * 1024


@require_safe
def attachment(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the file, or with the way to the bucket that has it. Raises NotFound."""
    found = enter_by_attachment(token) if token.isascii() and token.isalnum() else None
    if found is None or not found.file:
        raise NotFound("No such file.")
    if settings.ATTACHMENTS_BUCKET:
        return HttpResponseRedirect(_signed_url(found), headers={"Cache-Control": "no-store"})
    return _streamed(request, found)


def _streamed(request: HttpRequest, found: Attachment) -> HttpResponseBase:
    try:
        file = default_storage.open(str(found.file.name))
    except FileNotFoundError:
        raise NotFound("No such file.") from None
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    response = _part(file, int(asked[1]), asked[2]) if asked else FileResponse(file)
    for name, value in PRECAUTIONS.items():
        response[name] = value
    response["Content-Type"], response["Content-Disposition"] = _type(found), _disposition(found)
    response["Accept-Ranges"] = "bytes"
    return response


def _part(file: "File[bytes]", start: int, end: str) -> HttpResponseBase:
    """Return the bytes from ``start`` up to and including ``end``, as RFC 9110 section 14 has it."""
    size = file.size
    last = min(int(end or size - 1), size - 1)
    if start > last:
        file.close()
        return HttpResponse(b"", status=416, headers={"Content-Range": f"bytes */{size}"})
    headers: dict[str, Any] = {"Content-Range": f"bytes {start}-{last}/{size}", "Content-Length": last - start + 1}
    return StreamingHttpResponse(_pieces(file, start, last - start + 1), status=206, headers=headers)


def _pieces(file: "File[bytes]", start: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while length > 0 and (piece := file.read(min(PIECE, length))):
            length -= len(piece)
            yield piece


def _signed_url(found: Attachment) -> str:
    """Return an address at the bucket that works for five minutes and answers with the same precautions."""
    wanted = {"ResponseContentType": _type(found), "ResponseContentDisposition": _disposition(found)}
    return str(default_storage.url(found.file.name, parameters=wanted))  # type: ignore[call-arg]  # the bucket's storage takes them


def _type(found: Attachment) -> str:
    return found.content_type if TYPE.fullmatch(found.content_type) else UNKNOWN_TYPE


def _disposition(found: Attachment) -> str:
    name = "".join(letter for letter in found.filename if letter.isprintable()) or "file"
    return content_disposition_header(found.content_type not in SHOWN_IN_PLACE, name) or "attachment"
