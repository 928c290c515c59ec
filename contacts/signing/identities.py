"""Identity tokens: JWTs by which a business's server says who is in front of a page, and what is true of them."""

import json
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
from jwt.exceptions import InvalidSubjectError
from jwt.warnings import InsecureKeyLengthWarning

from contacts.errors import InvalidIdentity
from core import bodies
from core.errors import DomainError

ALGORITHM = "HS256"
LEEWAY = timedelta(seconds=60)
LONGEST_LIFE = timedelta(days=7)
LONGEST = 100_000
LONGEST_SUBJECT = 255
ATTRIBUTES = ("email", "name", "first_name", "last_name", "phone_number", "avatar_url", "user_type", "language",
              "country", "city")  # fmt: skip
HOW = "Your server makes it: a JWT with sub (your id of the user) and exp, signed HS256 with the inbox's hmac_token."
REASONS: Sequence[tuple[type[Exception], str]] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.ImmatureSignatureError, "it is from the future (nbf, iat): a server's clock is wrong"),
    (jwt.InvalidAlgorithmError, "it is not signed with HS256"),
    (jwt.InvalidSignatureError, "its signature does not match: another key than this inbox's, or another inbox"),
    (InvalidSubjectError, "sub is not a text"),
)

# Inboxes opened before identities were tokens have 24 characters to sign with, which are 140 bits.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody was proved to be, in the business's own words, and what of them was signed as well."""

    external_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


def read(token: str, keys: Sequence[str], *, param: str) -> Identity:
    """Return what a token proves under one of the keys. Raises InvalidIdentity, with what is wrong with it."""
    if len(token) > LONGEST:
        raise _invalid(f"it has more than {LONGEST:,} characters", param)
    said = _decoded(token, keys, param)
    subject = said.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject.strip()) <= len(subject) <= LONGEST_SUBJECT:
        raise _invalid(f"sub is a text of 1 to {LONGEST_SUBJECT} characters", param)
    try:
        bodies.read(json.dumps(said).encode())  # as strictly as any body: what is in it is stored
    except (DomainError, RecursionError):
        words = "it has a NUL character or half of a surrogate pair in it, NaN, or more than 32 levels"
        raise _invalid(words, param) from None
    if int(said["exp"]) > time.time() + (LONGEST_LIFE + LEEWAY).total_seconds():
        raise _invalid("exp is more than 7 days away", param)
    return Identity(subject, _attributes(said, param))


def _decoded(token: str, keys: Sequence[str], param: str) -> dict[str, Any]:
    """Return the claims; of several keys (a new one and the one before) any may have signed them."""
    failure: Exception = jwt.InvalidSignatureError()
    for key in keys:
        try:
            return jwt.decode(
                token, key, algorithms=[ALGORITHM], leeway=LEEWAY,
                options={"require": ["exp", "sub"], "verify_aud": False, "verify_iss": False, "verify_jti": False},
            )  # fmt: skip
        except jwt.InvalidSignatureError as wrong:
            failure = wrong
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as wrong:
            failure = wrong
            break
    raise _invalid(_reason(failure), param) from None


def _reason(failure: Exception) -> str:
    if isinstance(failure, jwt.MissingRequiredClaimError):
        return f"it has no {failure.claim}"
    return next((words for kind, words in REASONS if isinstance(failure, kind)), "it is not a JWT that can be read")


def _attributes(said: Mapping[str, Any], param: str) -> dict[str, Any]:
    found = {name: said[name] for name in ATTRIBUTES if said.get(name) is not None}
    for name, value in found.items():
        if not isinstance(value, str):
            raise _invalid(f"{name} is not a text", param)
    custom = said.get("custom_attributes")
    if custom is not None and not isinstance(custom, dict):
        raise _invalid("custom_attributes is not an object", param)
    return {**found, **({"custom_attributes": custom} if custom else {})}


def _invalid(reason: str, param: str) -> InvalidIdentity:
    return InvalidIdentity(f"This identity token is refused: {reason}. {HOW}", param=param)
