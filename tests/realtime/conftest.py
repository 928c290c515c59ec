"""Who listens in these tests: Ada at her desk, and a person with a browser."""

from collections.abc import Iterator

import pytest

from accounts.models import Environment, User
from contacts.models import ContactSession
from core import redis as redis_connections
from realtime import transport
from realtime.services import catching_up, limits
from tests.realtime.driving import SOON, Client, Stage, room
from tests.realtime.resuming import publish


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on nothing, and lose nobody, only because the machine is slow for a while."""
    for name in ("PATIENCE_SECONDS", "LINK_PATIENCE_SECONDS", "HISTORY_COMMAND_SECONDS"):
        monkeypatch.setattr(limits, name, SOON)
    monkeypatch.setattr(catching_up, "AHEAD_SECONDS", SOON)


@pytest.fixture
def world(transactional_db: None, session: ContactSession, ada: User, live: Environment) -> None:
    """Everything is committed: the cable looks it up through connections of its own."""


@pytest.fixture
def stage(world: None) -> Iterator[Stage]:
    """One process of the cable."""
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def second_stage(world: None) -> Iterator[Stage]:
    """Another process of the cable."""
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def visitor(session: ContactSession) -> str:
    """The identifier of the person's browser."""
    return room(session.pubsub_token)


@pytest.fixture
def agent(ada: User, live: Environment) -> str:
    """Ada's identifier."""
    return room(ada.pubsub_token, account_id=live.pk, user_id=ada.pk)


@pytest.fixture
def stream(session: ContactSession) -> str:
    """The stream of the person's browser."""
    return f"s:{session.pk}"


@pytest.fixture
def listener(stage: Stage, visitor: str) -> Client:
    """A plain client of the person's, subscribed."""
    client = stage.client("actioncable-v1-json")
    assert client.frame() == {"type": "welcome"}
    assert client.subscribe(visitor) == {"identifier": visitor, "type": "confirm_subscription"}
    return client


@pytest.fixture
def epoch(stream: str) -> str:
    """Five publications, and the epoch they are in."""
    publish(stream, 1, 2, 3, 4, 5)
    found = redis_connections.client().hget(transport.top_key(stream), "epoch")
    assert found is not None
    return found.decode()
