"""Sentences end once."""

import pytest

from core.sentences import ended


@pytest.mark.parametrize(
    ("said", "shown"),
    [("Not Found", "Not Found."), ("Not found.", "Not found."), ("Wait...", "Wait."), ("Why?", "Why?"), ("A. ", "A.")],
)
def test_end_with_one_full_stop_whoever_began_them(said, shown):
    assert ended(said) == shown
