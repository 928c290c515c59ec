"""
Names for rows: typed opaque ids for the public API, random tokens for credentials.

A public id is a prefix and the row's number in a shuffled alphabet (``msg_8fKq2mXw4LtZ``): stable, typed, and
without a second column to index. It hides how many rows there are from a glance, not from an attacker: no id is
ever a credential.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256

from sqids import Sqids

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
TOKEN_LENGTH = 24
ID_LENGTH = 12
LARGEST_ROW = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Spelling:
    """
    How the rows of one prefix are spelt; each shuffles the letters its own, permanent way.

    What Sqids fills short ids up with is known by their first letter; it would shuffle all letters for it each time.
    """

    bare: Sqids
    fillings: Mapping[str, str]

    def spelt(self, row: int) -> str:
        """Return what Sqids makes of a row where ids have ``ID_LENGTH`` letters at least."""
        bare = self.bare.encode([row])
        return (bare + self.fillings[bare[0]])[: max(ID_LENGTH, len(bare))]


@cache
def _spelling(prefix: str) -> _Spelling:
    letters = "".join(sorted(BASE58, key=lambda letter: sha256(f"dexra:{prefix}:{letter}".encode()).digest()))
    bare, filled = Sqids(letters, blocklist=[]), Sqids(letters, min_length=ID_LENGTH, blocklist=[])
    # Among so many rows are all first letters there can be; of those with the same one, the first has the shortest id.
    spelt = [(bare.encode([row]), filled.encode([row])) for row in reversed(range(len(BASE58)))]
    return _Spelling(bare, {short[0]: full[len(short) :] for short, full in spelt})


@lru_cache(maxsize=16_384)
def encode(prefix: str, row: int) -> str:
    """Return the public id of a row, e.g. ``encode("msg", 42)``; the busiest rows' ids are remembered."""
    return f"{prefix}_{_spelling(prefix).spelt(row)}"


def decode(prefix: str, public_id: str) -> int | None:
    """Return the row a public id names, or None when it is not an id of this kind."""
    head, _, tail = public_id.partition("_")
    if head != prefix or not tail.isascii() or not tail.isalnum() or len(tail) > 2 * ID_LENGTH:
        return None
    numbers = _spelling(prefix).bare.decode(tail)
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
