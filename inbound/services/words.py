"""What people wrote, as it can be stored and told: tidied, no longer than an event may be, nothing lost."""

from collections.abc import Mapping
from typing import Any

from inboxes.channels.incoming import IncomingFile, Said

# Of JSON in UTF-8: what is longer goes along as a file, for webhooks carry at most 256 KiB.
MOST_TEXT_BYTES = 64 * 1024
MOST_RAW_BYTES = 16 * 1024
MOST_HTML_BYTES = 64 * 1024
MOST_DEEP = 20


def tidy(value: Any, depth: int = 0) -> Any:
    """Return JSON without what PostgreSQL cannot hold: NUL and halves of surrogate pairs; what is too deep is cut."""
    if isinstance(value, str):
        return tidy_text(value)
    if isinstance(value, Mapping):
        return {} if depth > MOST_DEEP else {tidy_text(str(key)): tidy(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [] if depth > MOST_DEEP else [tidy(each, depth + 1) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else tidy_text(str(value))


def tidy_text(text: str) -> str:
    """Return a text that can be stored; what cannot be is replaced."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def cut(text: str, most_bytes: int) -> str:
    """Return the beginning of a text that takes at most so many bytes."""
    encoded = text.encode()
    return text if len(encoded) <= most_bytes else encoded[:most_bytes].decode(errors="ignore")


def text_of(said: Said) -> str:
    """Return what is shown of a message: its words, or which kind it is of that has no place of its own here."""
    text = tidy_text(said.text)
    if not said.unsupported:
        return cut(text, MOST_TEXT_BYTES)
    shown = f"Unsupported message: {tidy_text(said.unsupported)[:60]}"
    return cut(f"{shown}\n{text}" if text else shown, MOST_TEXT_BYTES)


def overflow(said: Said) -> list[IncomingFile]:
    """Return as files what is too long to be told: the words, and the HTML of a mail."""
    html = str(said.mail.get("html") or "")
    found = []
    if len(said.text) > MOST_TEXT_BYTES // 4 and len(tidy_text(said.text).encode()) > MOST_TEXT_BYTES:
        found.append(_file("message.txt", "text/plain", tidy_text(said.text)))
    if len(html.encode(errors="replace")) > MOST_HTML_BYTES:
        found.append(_file("message.html", "text/html", tidy_text(html)))
    return found


def _file(name: str, content_type: str, text: str) -> IncomingFile:
    return IncomingFile("file", filename=name, content_type=content_type, content=text.encode())
