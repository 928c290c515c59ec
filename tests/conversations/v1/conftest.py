"""A person Acme's server knows, and a conversation it began with them."""

from typing import Any

import pytest

from inboxes.models import Inbox
from tests.servers import Server


@pytest.fixture
def amine(api: Server) -> dict[str, Any]:
    """Somebody Acme calls c-1."""
    made: dict[str, Any] = api.put(
        "/v1/users/c-1", {"first_name": "Amine", "email": "amine@example.test", "tags": ["lead"]}
    ).json()
    return made


@pytest.fixture
def talk(api: Server, amine: dict[str, Any], inbox: Inbox) -> dict[str, Any]:
    """A conversation with Amine; nothing said yet."""
    begun: dict[str, Any] = api.post("/v1/conversations", {"user_id": "c-1"}).json()
    return begun


@pytest.fixture
def words(talk: dict[str, Any]) -> str:
    """Where the conversation's messages are."""
    return f"/v1/conversations/{talk['id']}/messages"
