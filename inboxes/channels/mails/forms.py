"""Forms as providers post them: fields and files, byte for byte."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from urllib.parse import parse_qsl

from inboxes.channels.mails import decoding

BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))""", re.IGNORECASE)
MOST_FIELDS = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; a file has a ``filename``."""

    name: str
    content: bytes
    filename: str = ""
    content_type: str = ""

    @property
    def text(self) -> str:
        """What it says."""
        return decoding.clean(decoding.text(self.content))


def read(body: bytes, content_type: str) -> list[Field]:
    """Return the fields of a form, URL-encoded or in parts. Raises ValueError for what is neither."""
    if content_type.lower().startswith("application/x-www-form-urlencoded"):
        # Latin-1 has a letter for each byte: what they are is found out later.
        letters = body.decode("latin-1")
        pairs = parse_qsl(letters, keep_blank_values=True, max_num_fields=MOST_FIELDS, encoding="latin-1")
        return [Field(decoding.text(name.encode("latin-1")), value.encode("latin-1")) for name, value in pairs]
    boundary = BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        raise ValueError("This is no form.")
    return list(_parts(body, (boundary[1] or boundary[2]).encode()))


def _parts(body: bytes, boundary: bytes) -> Iterator[Field]:
    """Yield the parts; what is in them may be anything, so it is cut and never read line by line."""
    delimiter = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(delimiter, MOST_FIELDS)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ValueError("The form ends before its last boundary.")
    for piece in pieces[1:-1]:
        head, separator, content = piece.partition(b"\r\n\r\n")
        if not separator:
            raise ValueError("A part of the form has no content.")
        headers = HeaderParser().parsestr(decoding.text(head.lstrip(b"\r\n")))
        yield Field(
            name=str(headers.get_param("name", "", "content-disposition") or ""),
            content=content,
            filename=decoding.header(headers.get_filename("") or ""),
            content_type=headers.get_content_type() if "content-type" in headers else "",
        )
