"""Who is online."""

import json
import time

import pytest

from accounts.models import Membership, User
from core import redis as redis_connections
from realtime import transport
from realtime.services import attendance, broker, presence, roster
from tests.engines import until
from tests.realtime.driving import SOON, Client, Stage, room

pytestmark = pytest.mark.slow


def online(client: Client, seconds: float = SOON) -> dict[str, object]:
    """Return what a client is told next about who is online."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        text = client.text(until - time.monotonic())
        if "presence.update" in text:
            return dict(json.loads(text)["message"]["data"])
    raise AssertionError("nothing was said about who is online")


@pytest.fixture
def bob(live):
    bob = User.objects.create_user("bob@acme.test", "correct horse battery", availability="busy")
    Membership.objects.create(account=live.account, user=bob)
    return bob


def desk(stage: Stage, user: User, environment) -> Client:
    """Return an agent's client, subscribed."""
    client = stage.client()
    client.text()
    identifier = room(user.pubsub_token, account_id=environment.pk, user_id=user.pk)
    client.say(command="subscribe", identifier=identifier)
    assert "confirm_subscription" in client.text()
    return client


class TestGreeting:
    def test_follows_the_confirmation_and_shows_oneself(self, stage, live, ada):
        assert online(desk(stage, ada, live)) == {
            "account_id": live.pk,
            "users": {str(ada.pk): "online"},
            "contacts": {},
        }

    def test_shows_contacts_no_contacts(self, stage, live, ada, visitor):
        online(desk(stage, ada, live))
        client = stage.client()
        client.text()
        client.say(command="subscribe", identifier=visitor)
        client.text()

        assert online(client) == {"account_id": live.pk, "users": {str(ada.pk): "online"}}

    def test_shows_what_agents_chose(self, stage, live, ada, bob):
        online(desk(stage, ada, live))

        assert online(desk(stage, bob, live))["users"] == {str(ada.pk): "online", str(bob.pk): "busy"}

    def test_never_shows_another_environment(self, stage, live, sandbox, ada, visitor):
        online(desk(stage, ada, live))

        assert online(desk(stage, ada, sandbox)) == {
            "account_id": sandbox.pk,
            "users": {str(ada.pk): "online"},
            "contacts": {},
        }

    def test_answers_update_presence_at_once(self, stage, live, ada, agent):
        client = desk(stage, ada, live)
        first = online(client)
        for data in ('{"action":"update_presence"}', {"action": "update_presence"}):
            client.say(command="message", identifier=agent, data=data)

            assert online(client) == first

    def test_ignores_other_actions(self, stage, live, ada, agent):
        client = desk(stage, ada, live)
        online(client)
        client.say(command="message", identifier=agent, data='{"action":"speak"}')

        assert client.is_silent()


class TestChanges:
    def test_are_pushed_once_to_those_whom_they_concern(self, stage, live, ada, bob, session, visitor):
        first = desk(stage, ada, live)
        online(first)
        contact = stage.client()
        contact.text()
        contact.say(command="subscribe", identifier=visitor)
        contact.text()
        online(contact)

        assert online(first)["contacts"] == {str(session.contact_id): "online"}
        desk(stage, bob, live)
        assert online(first)["users"] == {str(ada.pk): "online", str(bob.pk): "busy"}
        assert online(contact)["users"] == {str(ada.pk): "online", str(bob.pk): "busy"}
        assert first.is_silent(2.5)

    def test_come_from_other_processes(self, stage, second_stage, live, ada, bob):
        first = desk(stage, ada, live)
        online(first)

        second = desk(second_stage, bob, live)

        assert online(first)["users"] == {str(ada.pk): "online", str(bob.pk): "busy"}
        assert online(second)["users"] in ({str(bob.pk): "busy"}, {str(ada.pk): "online", str(bob.pk): "busy"})

    def test_show_an_agent_who_chose_another_availability(self, stage, live, ada):
        client = desk(stage, ada, live)
        online(client)

        broker.show_availability(user_id=ada.pk, environment_ids=[live.pk], availability="busy")

        assert online(client)["users"] == {str(ada.pk): "busy"}

    def test_show_who_left_after_a_while(self, stage, live, ada, bob, monkeypatch):
        monkeypatch.setattr(attendance, "GRACE_SECONDS", 0.5)
        monkeypatch.setattr(presence, "GRACE_SECONDS", 0.5)
        monkeypatch.setattr(presence, "PUSH_SECONDS", 0.1)
        first = desk(stage, ada, live)
        online(first)
        second = desk(stage, bob, live)
        online(first)

        second.hang_up()

        assert online(first)["users"] == {str(ada.pk): "online"}

    def test_do_not_show_who_only_reloads(self, stage, live, ada, bob, monkeypatch):
        monkeypatch.setattr(presence, "PUSH_SECONDS", 0.1)
        first = desk(stage, ada, live)
        online(first)
        second = desk(stage, bob, live)
        online(first)

        second.hang_up()
        desk(stage, bob, live)

        assert first.is_silent(1.0)

    def test_do_not_show_a_lost_beat(self, stage, live, ada, bob):
        first = desk(stage, ada, live)
        online(first)
        redis = redis_connections.client()

        expiry = until(lambda: redis.zscore(transport.presence_key(live.pk, "users"), str(ada.pk)))

        assert expiry > time.time() + 2 * 15


class TestRoster:
    @pytest.fixture
    def pair(self, stage, agent):
        clients = [stage.client("actioncable-v1-ext-json") for _ in range(2)]
        for client in clients:
            client.frame()
            client.subscribe(agent)
        return clients

    def test_announces_the_first_of_a_name_to_everybody(self, pair, agent):
        first, second = pair
        first.say(command="join", identifier=agent, presence={"id": "u1", "info": {"n": "A"}})
        joined = {"type": "join", "id": "u1", "info": {"n": "A"}}

        assert first.frame() == {"type": "presence", "identifier": agent, "message": joined}
        assert second.frame()["message"] == joined
        second.say(command="join", identifier=agent, presence={"id": "u1", "info": {"n": "A"}})
        second.say(command="ping")
        assert second.frame() == {"type": "pong"}
        assert first.is_silent()

    def test_announces_only_the_end_of_the_last_one(self, pair, agent):
        first, second = pair
        first.say(command="join", identifier=agent, presence={"id": "u1"})
        assert [client.frame()["message"]["type"] for client in pair] == ["join", "join"]
        second.say(command="join", identifier=agent, presence={"id": "u1"})
        second.say(command="ping")
        assert second.frame() == {"type": "pong"}
        first.say(command="leave", identifier=agent, presence={"id": "u1"})
        first.say(command="ping")
        assert first.frame() == {"type": "pong"}

        second.say(command="leave", identifier=agent, presence={"id": "u1"})

        assert first.frame()["message"] == {"type": "leave", "id": "u1"}

    def test_announces_who_broke_off_a_while_later(self, pair, agent, monkeypatch):
        monkeypatch.setattr(roster, "GRACE_SECONDS", 0.3)
        monkeypatch.setattr("realtime.services.hub.GRACE_SECONDS", 0.3)
        first, second = pair
        second.say(command="join", identifier=agent, presence={"id": "u2"})
        assert first.frame()["message"]["type"] == "join"

        second.hang_up()

        assert first.frame()["message"] == {"type": "leave", "id": "u2"}

    def test_says_who_is_there(self, pair, agent):
        first, second = pair
        first.say(command="join", identifier=agent, presence={"id": "u1", "info": {"n": "A"}})
        assert second.frame()["message"]["type"] == "join"
        second.say(command="presence", identifier=agent, data={"return_records": True})

        assert second.frame()["message"] == {
            "type": "info",
            "total": 1,
            "records": [{"id": "u1", "info": {"n": "A"}}],
        }

    def test_takes_a_name_with_the_subscription(self, stage, agent):
        client = stage.client("actioncable-v1-ext-json")
        client.frame()
        client.say(command="subscribe", identifier=agent, presence={"id": "u1", "info": 1})

        assert client.frame()["type"] == "confirm_subscription"
        assert client.frame()["message"] == {"type": "join", "id": "u1", "info": 1}

    def test_is_not_for_plain_clients(self, stage, pair, agent):
        plain = stage.client("actioncable-v1-json")
        plain.text()
        plain.subscribe(agent)
        plain.text()  # who is online
        pair[0].say(command="join", identifier=agent, presence={"id": "u1"})
        assert pair[1].frame()["message"]["type"] == "join"

        assert plain.is_silent()

    def test_takes_no_names_that_are_none(self, pair, agent):
        for name in (None, "", 7, "x" * 500, "a\nb"):
            pair[0].say(command="join", identifier=agent, presence={"id": name})
        pair[0].say(command="presence", identifier=agent)

        assert pair[0].frame()["message"] == {"type": "info", "total": 0, "records": []}
