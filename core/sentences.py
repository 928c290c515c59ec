"""Sentences that are put together from our words and somebody else's."""


def ended(words: str) -> str:
    """Return what somebody else said with one full stop at its end, or as it ended: many end theirs themselves."""
    text = words.rstrip()
    return text if text.endswith(("!", "?")) else f"{text.rstrip('. ')}."
