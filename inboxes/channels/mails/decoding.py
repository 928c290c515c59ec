"""Letters as they were meant: words of headers, and texts in whatever code their writers had."""

import binascii
import quopri
import re
from base64 import b64decode

ENCODED_WORD = re.compile(r"=\?([\w.:+-]+)(?:\*[\w-]*)?\?([bq])\?([^?]*)\?=", re.IGNORECASE)
BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[\w.:+-]+(?:\*[\w-]*)?\?[bq]\?)", re.IGNORECASE)
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Halves of letters that stand for nothing; the others stand for a byte each.
HALVES = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
FOLDING = re.compile(r"\r?\n[ \t]*")
# Names that mailers use for what Python calls otherwise, or reads more narrowly than they write.
ALIASES = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "utf-8", "ascii": "utf-8", "gb2312": "gb18030",
           "ks_c_5601-1987": "cp949", "iso-8859-8-i": "iso-8859-8", "unicode-1-1-utf-7": "utf-7"}  # fmt: skip
# Codecs that are no letters' code: what they make of bytes is no text, or as long as somebody likes.
NOT_TEXT = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "unicode-escape", "undefined", "mbcs", "oem"}


def header(raw: str) -> str:
    """Return a header's value as a person reads it, on one line; bytes beyond ASCII are read as well as they can be."""
    plain = raw if raw.isascii() else text(HALVES.sub("", raw).encode("utf-8", "surrogateescape"))
    joined = BETWEEN_WORDS.sub(r"\1", FOLDING.sub(" ", plain))
    return clean(_words(joined)).replace("\n", " ").strip()


def text(content: bytes, charset: str = "") -> str:
    """Return bytes as text: in the code they claim, else in UTF-8, else in what old Windows programs write."""
    name = charset.strip().strip("'\"").lower()
    for each in (ALIASES.get(name, name), "utf-8", "cp1252"):
        if each and each not in NOT_TEXT:
            try:
                return content.decode(each)
            except (LookupError, ValueError):
                continue
    return content.decode("latin-1")


def clean(given: str) -> str:
    """Return a text without what no text has: NULs and other control characters, halves of letters."""
    return UNPRINTABLE.sub("", given.replace("\r\n", "\n").replace("\r", "\n"))


def _words(value: str) -> str:
    """Return a value with its encoded words (RFC 2047) read; neighbours are joined first, for some split letters."""
    pieces: list[str] = []
    held, code, place = b"", "", 0
    for word in ENCODED_WORD.finditer(value):
        if held and (word.start() > place or word[1].lower() != code):
            pieces.append(text(held, code))
            held = b""
        pieces.append(value[place : word.start()])
        held, code, place = held + _content(word[2], word[3]), word[1].lower(), word.end()
    return "".join([*pieces, text(held, code) if held else "", value[place:]])


def _content(encoding: str, words: str) -> bytes:
    if encoding in "qQ":
        return quopri.decodestring(words.replace("_", " ").encode(errors="replace"), header=True)
    try:
        return b64decode(words.encode(errors="replace") + b"==")
    except binascii.Error:
        return words.encode(errors="replace")
