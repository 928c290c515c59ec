"""What the tests of webhooks share."""

from collections.abc import Iterator

import pytest

from tests.webhooks.receivers import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A customer's server that takes everything, until it is given another script."""
    with Receiver() as server:
        yield server
