"""Public ids: typed, opaque, exact."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqids import Sqids

from core import ids


@given(st.integers(min_value=1, max_value=ids.LARGEST_ROW))
def test_an_id_leads_back_to_its_row(row):
    assert ids.decode("msg", ids.encode("msg", row)) == row


@pytest.mark.parametrize("prefix", ["msg", "conv", "usr", "evt", "inb"])
@given(row=st.integers(min_value=200, max_value=ids.LARGEST_ROW))
def test_ids_are_spelt_as_sqids_spells_them(prefix, row):
    letters = sorted(ids.BASE58, key=lambda letter: sha256(f"dexra:{prefix}:{letter}".encode()).digest())
    filled = Sqids("".join(letters), min_length=ids.ID_LENGTH, blocklist=[])

    for each in (*range(200), row):
        assert ids.encode(prefix, each) == f"{prefix}_{filled.encode([each])}"


def test_ids_of_two_kinds_differ_for_the_same_row():
    assert ids.encode("msg", 1).partition("_")[2] != ids.encode("conv", 1).partition("_")[2]


@given(st.text(max_size=60))
def test_no_text_makes_decoding_fail(text):
    assert ids.decode("msg", text) is None or text.startswith("msg_")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("conv_" + ids.encode("msg", 7).partition("_")[2], id="another kind's prefix"),
        pytest.param("msg_", id="nothing behind the prefix"),
        pytest.param("msg_" + "1" * 500, id="far too long"),
        pytest.param("7", id="a bare number"),
        pytest.param("msg_٣٣٣", id="digits of another script"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_not_an_id_is_nobody(text):
    assert ids.decode("msg", text) is None


def test_tokens_are_base58_and_do_not_repeat():
    tokens = {ids.new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert all(len(token) == 24 and set(token) <= set(ids.BASE58) for token in tokens)
