"""What may be said about a person: checking and tidying values before they are stored."""

import json
import re
from collections.abc import Mapping
from typing import Any

import phonenumbers

from core import bodies
from core.errors import Problem

# The shape Chatwoot's clients expect: a plus, a digit from 1 to 9, up to 14 more (ITU-T E.164 section 6).
E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
EMAIL = re.compile(r"[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+|[^@\s\x00]+@localhost")
WEB_ADDRESS = re.compile("https?://", re.IGNORECASE)  # it is drawn in pages, where javascript: and data: may run
IDENTITIES = ("external_id", "email", "phone_number")
LONGEST_TEXT = 255
LONGEST_URL = 2048
MOST_ATTRIBUTES = 200
LARGEST_ATTRIBUTES_BYTES = 64 * 1024
TEXT_FIELDS = {
    "external_id": LONGEST_TEXT,
    "name": LONGEST_TEXT,
    "first_name": LONGEST_TEXT,
    "last_name": LONGEST_TEXT,
    "user_type": 60,
    "language": 35,
    "country": 60,
    "city": 120,
    "avatar_url": LONGEST_URL,
}


def is_email(text: str) -> bool:
    """Whether a text is an e-mail address, generously."""
    return len(text) <= LONGEST_TEXT and EMAIL.fullmatch(text) is not None


def is_e164(text: str) -> bool:
    """Whether a text is a phone number in E.164 form."""
    return E164.fullmatch(text) is not None


def tidy_phone_number(text: str) -> str | None:
    """Return the E.164 form of a number written with blanks, dashes or brackets; None when it is not one."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(text, None), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return None


def tidied(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a person's values as they are stored: addresses in one spelling, an empty identity as none."""
    values: dict[str, Any] = {name: (value or None) if name in IDENTITIES else value for name, value in fields.items()}
    if values.get("email"):
        values["email"] = values["email"].strip().lower()
    if values.get("phone_number"):
        values["phone_number"] = tidy_phone_number(values["phone_number"]) or values["phone_number"]
    return values


def problems(fields: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a person's new values, field by field."""
    found = [
        Problem(name, "too_long", f"{name} has at most {longest} characters.", longest)
        for name, longest in TEXT_FIELDS.items()
        if len(str(fields.get(name) or "")) > longest
    ]
    found += [
        Problem(name, "invalid_characters", f"{name} must not contain a NUL character.")
        for name, value in fields.items()
        if name != "custom_attributes" and not bodies.is_storable(value)
    ]
    email, phone = fields.get("email"), fields.get("phone_number")
    if email and not is_email(email):
        found.append(Problem("email", "invalid_email", "email is an address such as amine@example.ma."))
    if phone and not is_e164(phone):
        found.append(
            Problem(
                "phone_number",
                "invalid_phone_number",
                "phone_number is in E.164 form: +212600000001.",
            )
        )
    if not WEB_ADDRESS.match(fields.get("avatar_url") or "https://"):
        found.append(Problem("avatar_url", "not_a_url", "avatar_url is an http or https URL."))
    found += attribute_problems(fields.get("custom_attributes") or {})
    return found


def attribute_problems(attributes: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with custom attributes (keys of 1-100 characters, 200 keys, 64 KiB)."""
    found = []
    if len(attributes) > MOST_ATTRIBUTES:
        found.append(
            Problem(
                "custom_attributes",
                "too_many",
                f"At most {MOST_ATTRIBUTES} custom attributes.",
                MOST_ATTRIBUTES,
            )
        )
    if len(json.dumps(attributes, ensure_ascii=False).encode()) > LARGEST_ATTRIBUTES_BYTES:
        found.append(
            Problem("custom_attributes", "too_large", "Custom attributes take at most 64 KiB together.",
                    LARGEST_ATTRIBUTES_BYTES)
        )  # fmt: skip
    found += [
        Problem(
            f"custom_attributes.{key[:100]}",
            "invalid_key",
            "A custom attribute's key has 1 to 100 characters.",
        )
        for key in attributes
        if not 1 <= len(key) <= 100
    ]
    if not bodies.is_storable(attributes):
        found.append(
            Problem("custom_attributes", "invalid_characters", "custom_attributes must not contain a NUL character.")
        )
    return found


def merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``before`` with ``after`` laid over it, objects key by key; null removes a key."""
    result = dict(before)
    for key, value in after.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def without_nulls(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without what is null: a client adds and changes attributes, it never removes one."""
    return {
        name: without_nulls(value) if isinstance(value, dict) else value
        for name, value in given.items()
        if value is not None
    }
