"""Pages that speak the SDK's door."""

from typing import Any

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


@pytest.fixture
def opened(page: Page) -> Page:
    """Somebody's page with a session."""
    page.open(attributes={"name": "Amine"})
    return page


@pytest.fixture
def talk(opened: Page) -> Any:
    """Their conversation, in which they have said Hello."""
    return opened.begin()
