"""``/v1/conversations/{id}/typing`` and ``/ai-state``: what is being done at this moment."""

import pytest

from conversations.api.v1 import inputs
from conversations.events import AiStateChanged, TypingChanged
from dexra.wiring import SUBSCRIPTIONS
from events import bus
from events.event import Event
from events.models import LoggedEvent
from tests.conftest import mint
from tests.servers import Server

DOORS = {"typing": {"is_typing": True}, "ai-state": {"state": "thinking"}}


@pytest.fixture
def announced():
    """What was announced to whoever is there."""
    heard: list[Event] = []
    bus.subscribe({**SUBSCRIPTIONS, TypingChanged: [heard.extend], AiStateChanged: [heard.extend]})
    yield heard
    bus.subscribe(SUBSCRIPTIONS)


@pytest.fixture
def path(conversation) -> str:
    return f"/v1/conversations/{conversation.public_id}"


def test_an_agent_types(api, path, conversation, ada, announced):
    answer = api.post(f"{path}/typing", {"is_typing": True, "as_agent": "ada@acme.test"})

    assert answer.json() == {"object": "typing", "conversation_id": conversation.public_id, "is_typing": True}
    [told] = announced
    assert told.context == {"agent_id": ada.pk, "is_on": True}


def test_the_businesss_own_program_types(api, path, announced):
    assert api.post(f"{path}/typing", {"is_typing": False}).status_code == 200
    assert announced[0].context == {"agent_id": None, "is_on": False}


def test_an_assistant_writes(api, path, conversation, announced):
    answer = api.post(f"{path}/ai-state", {"state": "writing", "text": "Your order"})

    told = {"state": "writing", "text": "Your order"}
    assert answer.json() == {"object": "ai_state", "conversation_id": conversation.public_id, **told}
    assert announced[0].context == told


@pytest.mark.parametrize("text", [None, "", "..."])
def test_an_assistant_need_not_have_written_anything(api, path, announced, text):
    body = {"state": "thinking"} if text == "..." else {"state": "thinking", "text": text}

    assert api.post(f"{path}/ai-state", body).json()["text"] == ""


def test_nothing_of_it_is_kept(api, path, announced):
    before = LoggedEvent.unscoped.count()
    for name, body in DOORS.items():
        api.post(f"{path}/{name}", body)

    assert LoggedEvent.unscoped.count() == before


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("typing", {}, "is_typing"),
        ("typing", {"is_typing": "yes"}, "is_typing"),
        ("typing", {"is_typing": True, "as_agent": "mallory@globex.test"}, "as_agent"),
        ("ai-state", {}, "state"),
        ("ai-state", {"state": "dreaming"}, "state"),
        ("ai-state", {"state": "writing", "text": "x" * (inputs.LONGEST_AI_TEXT + 1)}, "text"),
        ("ai-state", {"state": "writing", "text": {"a": 1}}, "text"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_shown(api, path, announced, name, body, field):
    answer = api.post(f"{path}/{name}", body)

    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["error"]["errors"]] == [field]
    assert announced == []


@pytest.mark.parametrize("name", DOORS)
class TestNobodyElse:
    def test_a_stranger_finds_nothing(self, stranger, path, announced, name):
        assert stranger.post(f"{path}/{name}", DOORS[name]).status_code == 404
        assert announced == []

    def test_without_a_key_nothing_happens(self, path, announced, name):
        assert Server(None).post(f"{path}/{name}", DOORS[name]).status_code == 401
        assert announced == []

    def test_a_key_that_only_reads_may_not(self, live, path, announced, name):
        assert Server(mint(live, "conversations:read")).post(f"{path}/{name}", DOORS[name]).status_code == 403
        assert announced == []
