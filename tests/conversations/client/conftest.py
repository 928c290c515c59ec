"""Pages that speak the SDK's door."""

import pytest

from inboxes.models import Inbox
from tests.pages import Page


@pytest.fixture
def page(inbox: Inbox) -> Page:
    """Somebody's page, without a session yet."""
    return Page(inbox)


@pytest.fixture
def other(inbox: Inbox) -> Page:
    """Somebody else's page at the same inbox."""
    return Page(inbox)
