"""Fields take what they are for, and nothing that merely looks like it."""

from datetime import UTC, datetime

import pytest
from rest_framework import serializers

from core import fields
from core.metadata import Metadata


def taken(field, value):
    return field.run_validation(value)


def refused(field, value):
    with pytest.raises(serializers.ValidationError) as why:
        field.run_validation(value)
    return why.value.get_codes()


class TestFields:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            (fields.Text(), " kept as it is\n"),
            (fields.Speech(), " kept as it is\n"),
            (fields.Speech(), "\u200d\U0001f44b"),
            (fields.Clearable(), ""),
            (fields.Flag(), False),
            (fields.Whole(), -3),
            (fields.Whole(), 9.0),
            (fields.Choice(choices=["a", "b"]), "b"),
            (fields.Words(), ["a", "b"]),
            (fields.Object(), {"a": [1, None]}),
            (Metadata(), {"a": 1, "b": "x", "c": True, "d": None, "e": 1.5}),
            (fields.WebAddress(), "https://example.test:8443/a?b#c"),
            (fields.WebAddress(), "http://127.0.0.1/"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_take_what_they_are_for(self, field, value):
        assert taken(field, value) == value

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            (fields.Whole(min_value=1), 0, "At least 1."),
            (fields.Number(max_value=1000), 1000.5, "At most 1000."),
            *[(kind, None, "This may not be null.") for kind in (
                fields.Text(), fields.Flag(), fields.Whole(), fields.Number(), fields.Choice(choices=["a"]),
                fields.Moment(), fields.Words(), fields.Object())],
            *[(kind, serializers.empty, "This is required.") for kind in (
                fields.Text(), fields.Flag(), fields.Whole(), fields.Number(), fields.Choice(choices=["a"]),
                fields.Moment(), fields.Words(), fields.Object())],
            (fields.QueryText(), "", "This may not be empty."),
            (fields.QueryWhole(max_value=100), "many", "This is a whole number."),
            (fields.QueryWhole(max_value=100), "1" * 2000, "This is a whole number."),
            (fields.QueryWhole(max_value=100), "101", "At most 100."),
            (fields.QueryFlag(), "yes", "This is true or false."),
            (fields.Items(), "x", "This is a list."),
            (fields.Items(min_length=1), [], "At least 1 of them."),
            (fields.Items(allow_empty=False), [], "This may not be empty."),
            (fields.Items(max_length=1), [1, 2], "At most 1 of them."),
            (fields.Words(), "x", "This is a list of texts."),
            (fields.File(), "x", "This is a file."),
            (fields.Group(), None, "This may not be null."),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, serializers.Field) else None,
    )  # fmt: skip
    def test_speak_alike(self, field, value, message):
        with pytest.raises(serializers.ValidationError) as why:
            taken(field, value)

        assert why.value.detail == [message]

    def test_of_a_group_are_in_an_object(self):
        with pytest.raises(serializers.ValidationError) as why:
            taken(fields.Group(), "x")

        assert why.value.detail == {"non_field_errors": ["This is an object."]}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *[(fields.Text(), value) for value in (1, 1.5, True, [], {}, None, "", "x\x00")],
            *[(fields.Text(longest=3), value) for value in ("1234",)],
            *[(fields.Clearable(), value) for value in (0, False, [])],
            *[(fields.Flag(), value) for value in ("true", 1, 0, "", None, [])],
            *[(fields.Whole(), value) for value in ("1", 1.5, True, None)],
            *[(fields.Whole(max_value=5), value) for value in (6, 10**30)],
            *[(fields.Choice(choices=["a"]), value) for value in ("b", 1, None, ["a"], {})],
            *[(fields.Moment(), value) for value in (
                5, "", "yesterday", "2026-11-20", "2026-13-01T00:00:00Z", "1969-12-31T00:00:00Z",
                "9999-01-01T00:00:00Z",
                "2026-11-20T20:00:00+99:00", "\u0662026-11-20T20:00:00Z")],
            *[(fields.Words(), value) for value in ("a", [1], [""], {"a": 1}, ["x" * 101], ["x"] * 101)],
            *[(fields.Object(), value) for value in ([], "{}", 1, None)],
            *[(Metadata(), value) for value in ([], {"": 1}, {"a": []}, {"a": "x" * 501}, {"k" * 101: 1})],
            *[(fields.WebAddress(), value) for value in (
                "javascript:alert(1)", "//example.test", "http://", "https://a b", "http://[x", "ftp://a.test", 5,
                "https://a.test:99999/", "https://a.test:x/", "https://a.test:0/")],
        ],
        ids=lambda value: str(value)[:20],
    )  # fmt: skip
    def test_refuse_everything_else(self, field, value):
        assert refused(field, value)

    def test_clear_with_null(self):
        assert taken(fields.Clearable(), None) == ""

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-11-20T20:00:00Z", datetime(2026, 11, 20, 20, tzinfo=UTC)),
            ("2026-11-20T20:00:00.5+01:00", datetime(2026, 11, 20, 19, 0, 0, 500_000, tzinfo=UTC)),
            ("2026-11-20 20:00", datetime(2026, 11, 20, 20, tzinfo=UTC)),
        ],
    )
    def test_read_times_as_utc_unless_they_say_otherwise(self, text, moment):
        assert taken(fields.Moment(), text) == moment

    def test_read_flags_of_a_query_string_as_words(self):
        assert taken(fields.QueryFlag(), "true") is True
        assert taken(fields.QueryFlag(), "false") is False
        assert refused(fields.QueryFlag(), "1")

    def test_split_words_at_commas(self):
        assert taken(fields.CommaSeparated(), " a, b,,c ") == ["a", "b", "c"]
