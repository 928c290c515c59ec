"""
What ties mails together: our own Message-IDs, the addresses that answers come to, and subjects.

Both names carry a message's id with a seal on it. Without one, anybody could write into somebody else's conversation:
ids count upwards and say so.
"""

import base64
import re
from collections.abc import Iterable, Sequence

from django.conf import settings

from core import crypto, ids

SEAL_LETTERS = 16  # of five bits
MOST_REFERENCES = 20
MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")
OURS = re.compile(r"<?(msg_[1-9A-HJ-NP-Za-km-z]{6,30})\.([a-z2-7]{16})@")
REPLY_TO = re.compile(r"reply\+([0-9a-z]{1,13})\.([a-z2-7]{16})@(.+)")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
REPLIES = re.compile(r"\s*(?:re|aw|sv|antw|réf|odp)(?:\[\d+\])?\s*:", re.IGNORECASE)


def message_id(public_id: str, domain: str) -> str:
    """Return the Message-ID of a message of ours (``msg_...``): the same for every attempt."""
    return f"<{public_id}.{_seal(public_id)}@{domain}>"


def reply_address(public_id: str, domain: str) -> str:
    """Return the address that answers to a message of ours come to; as servers may, in lower case."""
    number = ids.decode("msg", public_id)
    return f"reply+{_base36(number)}.{_seal(public_id)}@{domain}" if number is not None else f"reply@{domain}"


def ours_in(texts: Iterable[str]) -> list[str]:
    """Return the ids (``msg_...``) of messages of ours that are named in Message-IDs, or anywhere in a text."""
    found = (match for text in texts for match in OURS.finditer(text))
    return list(dict.fromkeys(match[1] for match in found if _is_genuine(match[1], match[2])))


def answered_by(addresses: Iterable[str], domain: str) -> list[str]:
    """Return the ids of messages of ours to whose addresses a mail was sent."""
    found = []
    for address in addresses:
        match = REPLY_TO.fullmatch(address.lower())
        if domain and match and match[3] == domain.lower():
            public_id = _named(match[1])
            if public_id and _is_genuine(public_id, match[2]):
                found.append(public_id)
    return found


def message_ids_in(header: str) -> list[str]:
    """Return the Message-IDs in a header, with their brackets."""
    return MESSAGE_ID.findall(header)


def bracketed(provider_id: str) -> str:
    """Return a Message-ID with its brackets; empty for an id that is none."""
    bare = provider_id.strip().strip("<>")
    return f"<{bare}>" if MESSAGE_ID.fullmatch(f"<{bare}>") and "@" in bare else ""


def shortened(references: Sequence[str]) -> list[str]:
    """Return references without doubles: the first, which names the thread, and the latest."""
    every = list(dict.fromkeys(filter(None, map(bracketed, references))))
    return every if len(every) <= MOST_REFERENCES else [every[0], *every[1 - MOST_REFERENCES :]]


def answering(subject: str) -> str:
    """Return the subject of an answer."""
    return subject if REPLIES.match(subject) else f"Re: {subject}"


def _seal(public_id: str, key: str = "") -> str:
    sealed = crypto.hmac_hex(key or settings.ENCRYPTION_KEYS[0], f"mail:{public_id}")
    return base64.b32encode(bytes.fromhex(sealed)).decode("ascii")[:SEAL_LETTERS].lower()


def _is_genuine(public_id: str, seal: str) -> bool:
    return any(crypto.same(_seal(public_id, key), seal) for key in settings.ENCRYPTION_KEYS)


def _named(number: str) -> str | None:
    row = int(number, 36)
    return ids.encode("msg", row) if row <= ids.LARGEST_ROW else None


def _base36(number: int) -> str:
    letters = ""
    while number or not letters:
        number, rest = divmod(number, len(DIGITS))
        letters = DIGITS[rest] + letters
    return letters
