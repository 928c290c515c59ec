"""How many parts a text message is sent in."""

from collections.abc import Sequence
from dataclasses import dataclass

# GSM 03.38: the alphabet whose characters take one place each, and those that take two.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text travels: ``encoding`` is GSM-7 or UCS-2; ``units`` are the places it takes, ``count`` the parts."""

    encoding: str
    units: int
    count: int


def of(text: str) -> Segments:
    """Return how a text travels; an empty one is no part at all."""
    if BASIC.issuperset(set(text) - EXTENDED):
        return _counted("GSM-7", [2 if character in EXTENDED else 1 for character in text], 160, 153)
    return _counted("UCS-2", [2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67)


def _counted(encoding: str, widths: Sequence[int], alone: int, together: int) -> Segments:
    """Count parts: one holds ``alone`` units, several ``together`` each; no character is split over two."""
    units = sum(widths)
    if units <= alone:
        return Segments(encoding, units, min(units, 1))
    count, room = 1, together
    for width in widths:
        if width > room:
            count, room = count + 1, together
        room -= width
    return Segments(encoding, units, count)
