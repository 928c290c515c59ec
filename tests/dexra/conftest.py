"""What the tests of the composition root share."""

import pytest
from django.conf import settings

from core import redis as redis_connections
from tests.dexra.places import place, places

__all__ = ["place", "places"]


@pytest.fixture
def _redis_away(monkeypatch):
    """Lead every new connection nowhere."""
    monkeypatch.setattr(settings, "REDIS_URL", "unix:///nowhere/redis.sock")
    redis_connections.client.cache_clear()
    yield
    redis_connections.client.cache_clear()
