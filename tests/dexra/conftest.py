"""What the tests of the composition root share."""

from tests.dexra.places import place, places

__all__ = ["place", "places"]
