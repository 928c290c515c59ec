"""JSON bodies are read strictly."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import bodies
from core.errors import DomainError, Invalid

STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | STORABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STORABLE, inner, max_size=3),
    max_leaves=10,
)


class TestRead:
    @given(VALUES)
    def test_returns_what_was_written(self, value):
        assert bodies.read(json.dumps(value).encode()) == value

    @given(st.binary(max_size=40))
    def test_never_fails_in_another_way_than_it_says(self, noise):
        with suppress(DomainError):
            bodies.read(noise)

    def test_takes_a_byte_order_mark(self):
        assert bodies.read(b"\xef\xbb\xbf{}") == {}

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"", "Expecting value"),
            (b"{", "at character 1"),
            (b"{'a': 1}", "double quotes"),
            (b'{"a": NaN}', "NaN is not a number"),
            (b"[Infinity]", "Infinity is not a number"),
            (b'"\xff"', "not UTF-8"),
            (b"[" * 100_000, "nested too deeply"),
            (b"1" * 5000, "too many digits"),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_refuses_what_is_not_json(self, text, reason):
        with pytest.raises(DomainError, match=reason) as refused:
            bodies.read(text)

        assert (refused.value.status, refused.value.code) == (400, "malformed_json")

    @pytest.mark.parametrize(
        ("text", "field", "code"),
        [
            (r'{"a": "x\u0000"}', "a", "invalid_characters"),
            (r'{"a": {"b": ["ok", "\ud800"]}}', "a.b.1", "invalid_characters"),
            (r'{"a": {"\udfff": 1}}', "a", "invalid_characters"),
            (r'["\u0000"]', "0", "invalid_characters"),
            (r'"\u0000"', "body", "invalid_characters"),
            ('{"a": 1e400}', "a", "too_large"),
            ('{"a": -' + "9" * 40 + "}", "a", "too_large"),
            ('{"a":' * 40 + "1" + "}" * 40, ".".join("a" * 32), "too_deep"),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_names_the_place_of_what_cannot_be_stored(self, text, field, code):
        with pytest.raises(Invalid) as refused:
            bodies.read(text.encode())

        assert [(each.field, each.code) for each in refused.value.problems] == [(field, code)]

    def test_names_a_few_of_many(self):
        with pytest.raises(Invalid) as refused:
            bodies.read(json.dumps({str(n): "\x00" for n in range(1000)}).encode())

        assert len(refused.value.problems) == bodies.MOST_PROBLEMS


class TestIsStorable:
    @given(VALUES)
    def test_is_what_postgresql_holds(self, value):
        assert bodies.is_storable(value)

    @pytest.mark.parametrize("wrong", ["a\x00b", "\ud83d", "é\udc00", "\x00é"])
    @pytest.mark.parametrize(
        "place", [lambda w: w, lambda w: [1, [w]], lambda w: {w: 1}, lambda w: {"a": {"b": (None, w)}}],
        ids=["text", "list", "key", "inside"],
    )  # fmt: skip
    def test_finds_a_wrong_letter_anywhere(self, place, wrong):
        assert not bodies.is_storable(place(wrong))
