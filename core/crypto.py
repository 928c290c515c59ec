"""Secrets at rest: encrypted where they are needed again, hashed where they are only compared."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

MASK = "••••"

if TYPE_CHECKING:
    TextOfText = models.TextField[str, str]
    TextOfObject = models.TextField[dict[str, Any], dict[str, Any]]
else:  # Django's fields take no parameters at run time
    TextOfText = TextOfObject = models.TextField


@cache
def _fernet() -> MultiFernet:
    """Return the cipher; the first key encrypts, the others still decrypt (rotation)."""
    keys = [urlsafe_b64encode(hashlib.sha256(k.encode()).digest()) for k in settings.ENCRYPTION_KEYS]
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: str) -> str:
    """Return the text sealed (AES-128-CBC with HMAC-SHA256, the Fernet format)."""
    return _fernet().encrypt(plain.encode()).decode("ascii")


@lru_cache(maxsize=1024)
def decrypt(sealed: str) -> str:
    """
    Return the text that was sealed. Raises ValueError when no key opens it.

    What was opened lately is remembered: the same few inboxes come with every request, and a process in whose memory
    a secret could be read has the keys there as well.
    """
    try:
        return _fernet().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken:
        raise ValueError("No key in DEXRA_ENCRYPTION_KEY opens this secret.") from None


def digest(secret: str) -> bytes:
    """Return the hash under which a random secret is stored; 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def hmac_hex(key: str, message: str) -> str:
    """Return HMAC-SHA256 in lower-case hex."""
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def masked(secret: str) -> str:
    """Return a secret as it may be shown: its last four characters."""
    return MASK + secret[-4:] if len(secret) > 12 else MASK


class EncryptedTextField(TextOfText):
    """A text that is sealed in the database and plain in Python."""

    def get_prep_value(self, value: Any) -> Any:
        """Seal on the way in; an empty text stays empty."""
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """Open on the way out."""
        return decrypt(value) if value else value


class EncryptedJSONField(TextOfObject):
    """A JSON object that is sealed in the database and a dict in Python."""

    def get_prep_value(self, value: Any) -> Any:
        """Seal on the way in."""
        return encrypt(json.dumps(value)) if value else ""

    def from_db_value(self, value: str | None, *_: object) -> dict[str, Any]:
        """Open on the way out; nothing stored is an empty object."""
        opened: dict[str, Any] = json.loads(decrypt(value)) if value else {}
        return opened

    def to_python(self, value: Any) -> Any:
        """Accept JSON text from forms."""
        return json.loads(value) if isinstance(value, str) and value else value or {}

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise for fixtures."""
        return json.dumps(self.value_from_object(obj))
