"""Sentences end once."""

import pytest

from core.sentences import ended, is_blank


@pytest.mark.parametrize(
    ("said", "shown"),
    [("Not Found", "Not Found."), ("Not found.", "Not found."), ("Wait...", "Wait."), ("Why?", "Why?"), ("A. ", "A.")],
)
def test_end_with_one_full_stop_whoever_began_them(said, shown):
    assert ended(said) == shown


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u00a0\u3000", "\u200b\ufeff\u2060"])
def test_of_nothing_that_is_seen_are_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", [".", " a ", "\u200d\U0001f44b", "\u0645", "\U0001fae9"])
def test_of_anything_that_is_seen_are_not(text):
    assert not is_blank(text)
