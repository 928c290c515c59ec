"""Doing it again when somebody else was faster."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

RACES = 2  # how often in a row somebody else may be faster
Made = TypeVar("Made")


def again(act: Callable[[], Made], *, after: tuple[type[Exception], ...]) -> Made:
    """
    Act, and once more after each of the errors that say somebody made, took or merged the same thing this very moment.

    Then it is there to be found. ``act`` is a transaction of its own; what it raises the last time is raised.
    """
    for _ in range(RACES):
        with suppress(*after):
            return act()
    return act()
