"""Strict fields for request bodies and query strings: a number is not a text, and a text is not a number."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import times
from core.remains import Part
from core.sentences import is_blank

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|z|[+-]\d\d:\d\d)?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1970, 2999
MISSING: dict[str, Any] = {"required": "This is required.", "null": "This may not be null."}
RANGE: dict[str, Any] = {"min_value": "At least {min_value}.", "max_value": "At most {max_value}."}


class Text(serializers.CharField):
    """Text, kept as it was written; ``longest`` is in characters."""

    default_error_messages = MISSING | {
        "invalid": "This is a text.",
        "blank": "This may not be empty.",
        "max_length": "At most {max_length} characters.",
    }

    def __init__(self, *, longest: int | None = None, **options: Any) -> None:
        super().__init__(max_length=longest, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        """Refuse what is not a text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(data)


class Speech(Text):
    """Text that is said to somebody; of nothing but blanks it is empty."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Take what nobody would see for an empty text."""
        return super().run_validation("" if isinstance(data, str) and is_blank(data) else data)


class Clearable(Text):
    """Text that null or an empty text clears."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_blank=True, allow_null=True, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Take null for an empty text."""
        return super().run_validation("" if data is None else data)


class Flag(serializers.BooleanField):
    """true or false, and nothing that merely looks like it."""

    default_error_messages = MISSING | {"invalid": "This is true or false."}

    def to_internal_value(self, data: Any) -> bool:
        """Refuse what is not a boolean."""
        if not isinstance(data, bool):
            self.fail("invalid")
        return bool(data)


class QueryText(serializers.CharField):
    """Text in a query string, without the blanks around it."""

    default_error_messages = MISSING | {"invalid": "This is a text.", "blank": "This may not be empty."}


class QueryWhole(serializers.IntegerField):
    """A whole number, as a query string writes it."""

    default_error_messages = (
        MISSING | RANGE | dict.fromkeys(("invalid", "max_string_length"), "This is a whole number.")
    )


class QueryFlag(serializers.ChoiceField):
    """true or false, as a query string writes it."""

    default_error_messages = MISSING | {"invalid_choice": "This is true or false."}

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=["true", "false"], **options)

    def to_internal_value(self, data: Any) -> bool:  # type: ignore[override]  # a word outside, a flag inside
        """Return the boolean."""
        return bool(super().to_internal_value(data) == "true")


class Whole(serializers.IntegerField):
    """A whole number; ``9.0`` is one, because JSON does not tell it from ``9``."""

    default_error_messages = MISSING | RANGE | {"invalid": "This is a whole number."}

    def to_internal_value(self, data: Any) -> int:
        """Refuse texts, booleans and fractions."""
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(data)


class Number(serializers.FloatField):
    """A number, with or without a fraction."""

    default_error_messages = MISSING | RANGE | {"invalid": "This is a number."}

    def to_internal_value(self, data: Any) -> float:
        """Refuse texts and booleans."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return float(data)


class Choice(serializers.ChoiceField):
    """One of a few words."""

    default_error_messages = MISSING | {"invalid_choice": "This is one of: {known}."}

    def to_internal_value(self, data: Any) -> str:
        """Refuse anything but one of the words."""
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", known=", ".join(map(str, self.choices)))
        return str(data)


@extend_schema_field({"type": "string", "format": "date-time"})
class Moment(serializers.Field[datetime, str, str, Any]):
    """A point in time, ISO 8601; UTC unless it says otherwise."""

    default_error_messages = MISSING | {"invalid": "This is a time such as 2026-11-20T20:00:00Z."}

    def to_internal_value(self, data: Any) -> datetime:
        """Return the time, which knows its offset."""
        if not isinstance(data, str) or not MOMENT.fullmatch(data):
            self.fail("invalid")
        try:
            moment = times.parse(data)
        except ValueError:
            self.fail("invalid")
        if not FIRST_YEAR < moment.year <= LAST_YEAR:
            self.fail("invalid")
        return moment

    def to_representation(self, value: datetime) -> str:
        """Write it as answers do."""
        return times.iso(value)


class Items(serializers.ListField):
    """A list."""

    default_error_messages = MISSING | {
        "not_a_list": "This is a list.",
        "empty": "This may not be empty.",
        "min_length": "At least {min_length} of them.",
        "max_length": "At most {max_length} of them.",
    }

    def run_child_validation(self, data: list[Any]) -> Any:
        """Count a list as it was given, whatever is wrong with its elements."""
        try:
            found = super().run_child_validation(data)
        except serializers.ValidationError as wrong:
            by_place: Any = wrong.detail
            try:
                self.run_validators(data)
            except serializers.ValidationError as miscounted:
                by_place["non_field_errors"] = miscounted.detail
            raise serializers.ValidationError(by_place) from None
        return Part(found, data.lost) if isinstance(data, Part) else found

    def run_validators(self, value: Any) -> None:
        """Count what was taken out of a list, too."""
        super().run_validators([*value, *value.lost] if isinstance(value, Part) else value)


class Words(Items):
    """A list of short texts, such as tags."""

    default_error_messages = {"not_a_list": "This is a list of texts."}

    def __init__(self, *, most: int = 100, longest: int = 100, **options: Any) -> None:
        super().__init__(child=Text(longest=longest), max_length=most, **options)


@extend_schema_field({"type": "string"})
class CommaSeparated(serializers.Field[list[str], str, str, Any]):
    """Several words in one query parameter: ``types=message_in,message_out``."""

    def to_internal_value(self, data: str) -> list[str]:
        """Return the words without blanks around them."""
        return [word.strip() for word in data.split(",") if word.strip()]


@extend_schema_field({"type": "object", "additionalProperties": True})
class Object(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """A JSON object; its values keep their types."""

    default_error_messages = MISSING | {"invalid": "This is an object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuse what is not an object."""
        if not isinstance(data, Mapping):
            self.fail("invalid")
        return dict(data)

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return it as it is."""
        return value


@extend_schema_field({"oneOf": [{"type": "object", "additionalProperties": True}, {"type": "array", "items": {}}]})
class Variables(serializers.Field[Any, Any, Any, Any]):
    """What fills a template: an object by name, or a list in order."""

    default_error_messages = MISSING | {"invalid": "This is an object, or a list."}

    def to_internal_value(self, data: Any) -> dict[str, Any] | list[Any]:
        """Refuse what is neither."""
        if isinstance(data, Mapping):
            return dict(data)
        if not isinstance(data, list):
            self.fail("invalid")
        return list(data)

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


class Group(serializers.Serializer[Any]):
    """An object inside another, with fields of its own."""

    default_error_messages = MISSING | {"invalid": "This is an object."}


class File(serializers.FileField):
    """A file in a form."""

    default_error_messages = MISSING | {
        "invalid": "This is a file.",
        "no_name": "This file has no name.",
        "empty": "This file is empty.",
    }


class WebAddress(Text):
    """An ``http`` or ``https`` URL."""

    default_error_messages = {"not_a_url": "This is an http or https URL."}

    def to_internal_value(self, data: Any) -> str:
        """Refuse what no browser could open."""
        text = super().to_internal_value(data)
        try:
            parts = urlsplit(text)
            leads_somewhere = bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port beyond 65535, too
            self.fail("not_a_url")
        if parts.scheme not in {"http", "https"} or not leads_somewhere or any(letter <= " " for letter in text):
            self.fail("not_a_url")
        return text
