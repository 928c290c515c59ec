"""Segments: what a text message costs."""

import pytest

from inboxes.channels import segments

EMOJI = "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        pytest.param("", "GSM-7", 0, id="nothing"),
        pytest.param("a" * 160, "GSM-7", 1, id="all that goes alone"),
        pytest.param("a" * 161, "GSM-7", 2, id="one more"),
        pytest.param("a" * 306, "GSM-7", 2, id="two whole parts"),
        pytest.param("a" * 307, "GSM-7", 3, id="and one more"),
        pytest.param("é" * 160, "GSM-7", 1, id="e acute is in the alphabet"),
        pytest.param("ç" * 70, "UCS-2", 1, id="c cedilla is not"),
        pytest.param("Ç" * 160, "GSM-7", 1, id="its capital is"),
        pytest.param("it\u2019s", "UCS-2", 1, id="nor is a curly apostrophe"),
        pytest.param("€" * 80, "GSM-7", 1, id="the extension's characters take two places"),
        pytest.param("€" * 81, "GSM-7", 2, id="81 of them are 162"),
        pytest.param("a" * 152 + "€" + "a" * 152, "GSM-7", 3, id="one that does not fit goes whole into the next part"),
        pytest.param("☃" * 70, "UCS-2", 1, id="all that goes alone in UCS-2"),
        pytest.param("☃" * 71, "UCS-2", 2, id="and one more there"),
        pytest.param("☃" * 134, "UCS-2", 2, id="two whole parts there"),
        pytest.param("☃" * 135, "UCS-2", 3, id="three there"),
        pytest.param(EMOJI * 35, "UCS-2", 1, id="an emoji takes two places"),
        pytest.param("☃" * 66 + EMOJI + "☃" * 66, "UCS-2", 3, id="and is not split either"),
    ],
)
def test_a_text_is_sent_in_parts(text, encoding, count):
    found = segments.of(text)

    assert (found.encoding, found.count) == (encoding, count)


def test_the_alphabet_is_whole():
    assert len(segments.BASIC) == 127  # 128 places, one of which is the escape to the extension
    assert len(segments.EXTENDED) == 10
    assert not segments.BASIC & segments.EXTENDED
