"""Signatures of deliveries: Standard Webhooks with a shared secret or a key pair, and Chatwoot's."""

import base64
import binascii
import hmac
import secrets as randomness
from collections.abc import Iterable
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HMAC, ED25519 = "v1", "v1a"
SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
SECRET_BYTES = 32
SHORTEST_BYTES, LONGEST_BYTES = 24, 64  # of a shared secret, says Standard Webhooks
SEED_BYTES = 32


class BadSecret(ValueError):
    """What should sign is no secret; the text never repeats it."""


def new_secret(kind: str = HMAC) -> str:
    """Return a random secret: ``whsec_...`` for ``v1``, the key pair ``whsk_...`` for ``v1a``. Raises ValueError."""
    if kind == HMAC:
        return SHARED + _text(randomness.token_bytes(SECRET_BYTES))
    if kind == ED25519:
        seed = randomness.token_bytes(SEED_BYTES)
        return PRIVATE + _text(seed + _public_bytes(Ed25519PrivateKey.from_private_bytes(seed)))
    raise ValueError(f"Signatures are of kind {HMAC} or {ED25519}, not {kind!r}.")


def public_key(secret: str) -> str:
    """Return what verifies the signatures of a ``whsk_`` secret: ``whpk_...``. Raises BadSecret."""
    return PUBLIC + _text(_public_bytes(_private_key(secret)))


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """
    Return one signature: ``v1,...`` or ``v1a,...``, as the secret is.

    ``timestamp`` is in seconds and of this attempt: receivers refuse what is five minutes old. Raises BadSecret.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    if secret.startswith(PRIVATE):
        return f"{ED25519},{_text(_private_key(secret).sign(signed))}"
    return f"{HMAC},{_text(hmac.digest(_shared_key(secret), signed, 'sha256'))}"


def signature_header(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return ``webhook-signature``: one signature for each secret that is valid now. Raises BadSecret."""
    return " ".join(sign(secret, message_id, timestamp, body) for secret in secrets)


def chatwoot_signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return ``X-Chatwoot-Signature``: there the secret is the key as it is written, prefix and all."""
    return f"sha256={hmac.digest(secret.encode(), b'%d.%s' % (timestamp, body), 'sha256').hex()}"


def _shared_key(secret: str) -> bytes:
    key = _decoded(secret, SHARED)
    if not SHORTEST_BYTES <= len(key) <= LONGEST_BYTES:
        raise BadSecret(f"A shared secret has {SHORTEST_BYTES} to {LONGEST_BYTES} bytes, not {len(key)}.")
    return key


@lru_cache(maxsize=1024)  # making the key takes as long as signing with it
def _private_key(secret: str) -> Ed25519PrivateKey:
    pair = _decoded(secret, PRIVATE)
    key = Ed25519PrivateKey.from_private_bytes(pair[:SEED_BYTES].ljust(SEED_BYTES, b"\0"))
    if pair[SEED_BYTES:] != _public_bytes(key):
        raise BadSecret("A key pair has 32 bytes of seed and the 32 of its public key.")
    return key


def _decoded(secret: str, prefix: str) -> bytes:
    if not secret.startswith(prefix):
        raise BadSecret(f"The secret does not begin with {prefix}.")
    try:
        return base64.b64decode(secret[len(prefix) :], validate=True)
    except (binascii.Error, ValueError):
        raise BadSecret("The secret is not base64.") from None


def _public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
