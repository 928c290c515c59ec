"""What files are: their bytes decide, not what somebody says of them."""

import mimetypes
import re

from conversations.models import Attachment
from inboxes.channels.incoming import IncomingFile

HEAD_BYTES = 512
UNKNOWN = "application/octet-stream"
TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}", re.ASCII)
SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"%PDF-", 0, "application/pdf"),
)
# What a browser would run or draw if it were told so.
MARKUP = re.compile(rb"<(?:!doctype|html|head|body|script|svg|iframe|\?xml|xsl:|math)\b|<\?xml", re.IGNORECASE)
IMAGES = frozenset(kind for _, _, kind in SIGNATURES if kind.startswith("image/"))
EXTENSIONS = {"image/jpeg": ".jpg", "audio/ogg": ".ogg", "image/webp": ".webp", "audio/amr": ".amr"}


def plain(told: str) -> str:
    """Return a MIME type without its parameters, in lower case; unknown for what is none."""
    bare = told.partition(";")[0].strip().lower()
    return bare if TYPE.fullmatch(bare) else UNKNOWN


def believed(told: str, served: str, head: bytes) -> str:
    """
    Return what a file is called by us: what its first bytes say, else what the message or the answer says of it.

    What claims to be a picture and has no picture's first bytes is nothing known; neither is markup that claims to be
    something shown in place.
    """
    for mark, place, kind in SIGNATURES:
        if head[place : place + len(mark)] == mark:
            return kind
    claimed = plain(told) if plain(told) != UNKNOWN else plain(served)
    if claimed in IMAGES or (claimed.startswith(("image/", "audio/", "video/")) and MARKUP.search(head)):
        return UNKNOWN
    return claimed


def shown_as(file: IncomingFile) -> str:
    """Return how a client shows a file: as image, video, audio or file."""
    return file.kind if file.kind in Attachment.Type.values else str(Attachment.Type.FILE)


def extension(content_type: str) -> str:
    """Return what the name of a file of that type ends with; empty where nobody knows."""
    kind = plain(content_type)
    return EXTENSIONS.get(kind) or mimetypes.guess_extension(kind) or ""
