"""
Names for rows: typed opaque ids for the public API, random tokens for credentials.

A public id is a prefix and the row's number in a shuffled alphabet (``msg_8fKq2mXw4LtZ``): stable, typed, and
without a second column to index. It hides how many rows there are from a glance, not from an attacker: no id is
ever a credential.
"""

import secrets
from functools import cache, lru_cache
from hashlib import sha256

from sqids import Sqids

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
TOKEN_LENGTH = 24
ID_LENGTH = 12
LARGEST_ROW = 2**63 - 1


@cache
def _alphabet(prefix: str) -> Sqids:
    """Return the encoder of one prefix; each shuffles the letters its own, permanent way."""
    letters = sorted(BASE58, key=lambda letter: sha256(f"dexra:{prefix}:{letter}".encode()).digest())
    return Sqids(alphabet="".join(letters), min_length=ID_LENGTH, blocklist=[])


@lru_cache(maxsize=16_384)
def encode(prefix: str, row: int) -> str:
    """Return the public id of a row, e.g. ``encode("msg", 42)``; the busiest rows' ids are remembered."""
    return f"{prefix}_{_alphabet(prefix).encode([row])}"


def decode(prefix: str, public_id: str) -> int | None:
    """Return the row a public id names, or None when it is not an id of this kind."""
    head, _, tail = public_id.partition("_")
    if head != prefix or not tail.isascii() or not tail.isalnum() or len(tail) > 2 * ID_LENGTH:
        return None
    numbers = _alphabet(prefix).decode(tail)
    if len(numbers) != 1 or numbers[0] > LARGEST_ROW:
        return None
    # Several spellings can decode to one number; only the canonical one is an id.
    return numbers[0] if encode(prefix, numbers[0]) == public_id else None


def new_token(length: int = TOKEN_LENGTH) -> str:
    """Return a random base58 string; 24 characters carry 140 bits."""
    # One draw for the whole: every request needs a token for its id, and asking the system for each letter shows.
    number, letters = secrets.randbelow(len(BASE58) ** length), []
    for _ in range(length):
        number, place = divmod(number, len(BASE58))
        letters.append(BASE58[place])
    return "".join(letters)
