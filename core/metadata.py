"""Notes that callers keep beside what is ours."""

from typing import Any

from drf_spectacular.utils import extend_schema_field

from core.fields import Object

MOST_KEYS = 50
LONGEST_KEY = 100
LONGEST_TEXT = 500


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MOST_KEYS,
        "propertyNames": {"minLength": 1, "maxLength": LONGEST_KEY},
        "additionalProperties": {
            "type": ["string", "number", "boolean", "null"], "maxLength": LONGEST_TEXT
        },
    }
)  # fmt: skip
class Metadata(Object):
    """Up to 50 notes of the caller's own: a key of 1-100 characters, a text of at most 500, a number or a flag."""

    default_error_messages = {
        "too_many": f"At most {MOST_KEYS} keys.",
        "invalid_key": f"A key has 1 to {LONGEST_KEY} characters.",
        "invalid_value": f"A value is a text of at most {LONGEST_TEXT} characters, a number, a flag or null.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuse more than metadata is for."""
        found = super().to_internal_value(data)
        if len(found) > MOST_KEYS:
            self.fail("too_many")
        if not all(1 <= len(key) <= LONGEST_KEY for key in found):
            self.fail("invalid_key")
        if not all(_is_scalar(value) for value in found.values()):
            self.fail("invalid_value")
        return found


def _is_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return value is None or isinstance(value, bool | int | float)
