"""An engine that is driven by hand."""

import pytest

from inbound.engine import InboundEngine


@pytest.fixture
def engine(anyone):
    """The engine; ``drain`` handles what is due."""
    return InboundEngine()
