"""What people read: sentences of our words and somebody else's, and whether there is anything to read."""

import unicodedata

UNSEEN = frozenset({"Cc", "Cf"})


def ended(words: str) -> str:
    """Return what somebody else said with one full stop at its end, or as it ended: many end theirs themselves."""
    text = words.rstrip()
    return text if text.endswith(("!", "?")) else f"{text.rstrip('. ')}."


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of a text: it is blanks, controls, and what has no width."""
    return all(letter.isspace() or unicodedata.category(letter) in UNSEEN for letter in text)
