"""
How many agents are there now. Who has a live socket is known above; ``dexra/wiring.py`` says who counts them.
"""

from collections.abc import Callable

Count = Callable[[int], int]
_counts: list[Count] = []


def employ(count: Count) -> None:
    """Say who counts the agents of an environment."""
    _counts[:] = [count]


def agents_online(environment_id: int) -> int:
    """Return how many agents of an environment are there; 0 where nobody knows."""
    return sum(count(environment_id) for count in _counts)
