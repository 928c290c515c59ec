"""A mail, taken apart: its headers, what it says, and the files that came with it; from any bytes at all."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import collapse_rfc2231_value

from inboxes.channels.incoming import IncomingFile
from inboxes.channels.mails import decoding

MIME_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,40}/[a-z0-9!#$&^_.+-]{1,59}")
MOST_PARTS = 500
DEEPEST = 30
MOST_FILES = 100
REPORTS = ("message/delivery-status", "message/disposition-notification")
RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")
# What is shown as text when it is no file.
WORDS = ("text/plain", "text/html")
SHOWN = ("image", "video", "audio")
EXTENSIONS = {"message/rfc822": "eml", "text/calendar": "ics", "text/html": "html", "text/plain": "txt",
              "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "application/pdf": "pdf"}  # fmt: skip
Headers = Sequence[tuple[str, str]]  # names in lower case, values as people read them


@dataclass(frozen=True, slots=True)
class Letter:
    """
    A mail. ``reports`` are the groups of fields that tell what became of another mail (RFC 3464, RFC 8098), and
    ``returned`` the headers of that other one.
    """

    headers: Headers
    texts: Sequence[str] = ()
    htmls: Sequence[str] = ()
    files: Sequence[IncomingFile] = ()
    inline: Sequence[tuple[str, str]] = ()  # Content-ID and filename of pictures that the HTML shows
    reports: Sequence[Headers] = ()
    returned: Sequence[Headers] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def every(self, *names: str) -> list[str]:
        """Return all values of headers."""
        return [value for name, value in self.headers if name in names]

    def first(self, *names: str) -> str:
        """Return the first value of the first of these headers that is there; empty where none is."""
        return next((value for wanted in names for value in self.every(wanted)), "")

    @property
    def content_type(self) -> str:
        """What it is made of."""
        return self.first("content-type").partition(";")[0].strip().lower()


def parse(raw: bytes) -> Letter:
    """Return a mail taken apart. Raises ValueError for what no mail can be made of."""
    try:
        return _taken_apart(message_from_bytes(raw))
    except (MessageError, RecursionError, LookupError, AttributeError, TypeError) as wrong:
        # Python's parser trips over some of what is sent as mail.
        raise ValueError(f"This is no mail that can be read ({type(wrong).__name__}).") from wrong


def enclosed(filename: str, content_type: str, content: bytes) -> IncomingFile:
    """Return a file that came with a mail; of its name only what follows the last slash, for it is never a path."""
    given = content_type.partition(";")[0].strip().lower()
    kind = given if MIME_TYPE.fullmatch(given) else "application/octet-stream"
    maintype = kind.partition("/")[0]
    return IncomingFile(
        kind=maintype if maintype in SHOWN else "file",
        filename=decoding.clean(filename).replace("\n", " ").replace("\\", "/").rpartition("/")[2].strip(" .\"'")[-200:]
        or "file",
        content_type=kind,
        content=content,
    )


def headers_of(message: "Message[str, str]") -> Headers:
    """Return a part's headers."""
    return [(name.lower(), decoding.header(str(value))) for name, value in message.raw_items()]


def _taken_apart(message: "Message[str, str]") -> Letter:
    texts: list[str] = []
    htmls: list[str] = []
    files: list[IncomingFile] = []
    inline: list[tuple[str, str]] = []
    reports: list[Headers] = []
    returned: list[Headers] = []
    for part in _parts(message):
        kind = part.get_content_type()
        if kind in REPORTS:
            reports += [headers_of(group) for group in _inner(part)]
        elif kind in RETURNED and message.get_content_type() == "multipart/report":
            returned.append(_returned(part))
        elif kind in WORDS and not _is_file(part):
            (texts if kind == "text/plain" else htmls).append(_words(part))
        elif len(files) < MOST_FILES:
            files.append(_file(part, len(files) + 1))
            if content_id := str(part.get("Content-ID", "")).strip(" <>"):
                inline.append((content_id[:200], files[-1].filename))
    return Letter(headers_of(message), texts, htmls, files, inline, reports, returned)


def _parts(message: "Message[str, str]") -> Iterator["Message[str, str]"]:
    """Yield the parts that hold something, in order; a mail in the mail is one part."""
    waiting, count = [(message, 0)], 0
    while waiting and count < MOST_PARTS:
        part, depth = waiting.pop()
        count += 1
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            if depth < DEEPEST:
                waiting += [(inner, depth + 1) for inner in reversed(_inner(part))]
        else:
            yield part


def _inner(part: "Message[str, str]") -> list["Message[str, str]"]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _returned(part: "Message[str, str]") -> Headers:
    inner = _inner(part)
    return headers_of(inner[0] if inner else message_from_bytes(_content(part)))


def _is_file(part: "Message[str, str]") -> bool:
    disposition = str(part.get("Content-Disposition", "")).strip().lower()
    return disposition.startswith("attachment") or bool(_filename(part))


def _words(part: "Message[str, str]") -> str:
    return decoding.clean(decoding.text(_content(part), str(part.get_content_charset() or "")))


def _file(part: "Message[str, str]", number: int) -> IncomingFile:
    kind = part.get_content_type()
    filename = _filename(part) or f"file-{number}.{EXTENSIONS.get(kind, 'bin')}"
    return enclosed(filename, kind, _content(part))


def _filename(part: "Message[str, str]") -> str:
    """Return what a file is called, in any of the ways that mailers say it."""
    named = part.get_param("filename", None, "content-disposition") or part.get_param("name", None, "content-type")
    if named is None:
        return ""
    collapsed = collapse_rfc2231_value(named) if isinstance(named, tuple) else str(named)
    return decoding.header(collapsed)


def _content(part: "Message[str, str]") -> bytes:
    """Return what a part holds, unpacked; of a mail in the mail the mail itself."""
    if part.is_multipart():
        inner = _inner(part)
        try:
            return inner[0].as_bytes() if inner else b""
        except (UnicodeError, LookupError, ValueError):  # what Python took apart it cannot always put together
            return decoding.text(str(inner[0]).encode(errors="replace")).encode()
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
