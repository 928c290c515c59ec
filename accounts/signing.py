"""How an API key is written: ``dx_sk_live_`` + 32 random base58 characters + 6 of a checksum."""

import zlib

from core import ids

SECRET_LENGTH = 32
CHECKSUM_LENGTH = 6


def new_key(kind: str, *, live: bool) -> str:
    """Return a fresh key of kind ``sk`` or ``pk``."""
    secret = ids.new_token(SECRET_LENGTH)
    return f"dx_{kind}_{'live' if live else 'test'}_{secret}{_checksum(secret)}"


def looks_genuine(plain: str) -> bool:
    """Whether a text has the form and the checksum of a key: spares the database the rest, and helps leak scanners."""
    head, _, tail = plain.rpartition("_")
    secret, checksum = tail[:-CHECKSUM_LENGTH], tail[-CHECKSUM_LENGTH:]
    return head.startswith("dx_") and len(secret) == SECRET_LENGTH and checksum == _checksum(secret)


def _checksum(secret: str) -> str:
    """Return six base58 characters of the CRC-32 of the secret."""
    number, letters = zlib.crc32(secret.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ids.BASE58))
        letters += ids.BASE58[digit]
    return letters
