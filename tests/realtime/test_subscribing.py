"""From the handshake to a subscription that stands, or does not."""

import json

import pytest
from django.db import connection, connections

from accounts.models import Membership, User
from accounts.services import audit
from contacts.models import ContactSession
from inboxes.services import inboxes
from realtime.services import broker, limits
from realtime.services.broker import Publication
from tests.realtime.driving import QUIET, room


class TestHandshake:
    def test_welcomes_a_plain_client(self, stage):
        client = stage.client("actioncable-v1-json", "actioncable-unsupported")

        assert client.handshake == {"type": "websocket.accept", "subprotocol": "actioncable-v1-json"}
        assert client.text() == '{"type":"welcome"}'

    def test_welcomes_a_client_without_a_subprotocol(self, stage, visitor):
        client = stage.client()

        assert client.handshake == {"type": "websocket.accept", "subprotocol": None}
        assert client.text() == '{"type":"welcome"}'
        assert client.subscribe(visitor)["type"] == "confirm_subscription"

    def test_gives_an_extended_client_a_new_secret_each_time(self, stage):
        first, second = (stage.client("actioncable-v1-ext-json").frame() for _ in range(2))

        assert first["type"] == "welcome"
        assert len(first["sid"]) == 32
        assert first["sid"] != second["sid"]

    @pytest.mark.slow
    def test_pings_again_and_again(self, stage):
        client = stage.client()
        client.text()

        first, second = (json.loads(client.message()["text"]) for _ in range(2))

        assert first["type"] == second["type"] == "ping"
        assert first["message"] <= second["message"]

    def test_takes_a_subscription_that_comes_before_the_welcome(self, stage, visitor):
        client = stage.client()
        client.say(command="subscribe", identifier=visitor)

        assert [client.frame()["type"] for _ in range(2)] == ["welcome", "confirm_subscription"]


class TestSubscribe:
    def test_echoes_the_identifier_byte_for_byte(self, stage, session):
        identifier = f'{{ "pubsub_token":"{session.pubsub_token}",  "channel":"RoomChannel"}}'
        client = stage.client()
        client.text()
        client.say(command="subscribe", identifier=identifier)

        assert client.text() == f'{{"identifier":{json.dumps(identifier)},"type":"confirm_subscription"}}'

    def test_lets_an_agent_in_by_token_id_and_membership(self, stage, agent):
        client = stage.client()

        assert client.frame()["type"] == "welcome"
        assert client.subscribe(agent) == {"identifier": agent, "type": "confirm_subscription"}

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param({"user_id": 999_999}, id="somebody else's id"),
            pytest.param({"account_id": 999_999}, id="an environment that is not there"),
            pytest.param({"pubsub_token": "guess"}, id="a wrong token"),
            pytest.param({"user_id": None}, id="an agent's token as a contact's"),
            pytest.param({"channel": "AdminChannel"}, id="another channel"),
        ],
    )
    def test_rejects_an_agent_who_is_not(self, stage, agent, wrong):
        identifier = json.dumps({**json.loads(agent), **wrong})
        client = stage.client()
        client.text()

        assert client.subscribe(identifier) == {"identifier": identifier, "type": "reject_subscription"}

    def test_rejects_an_agent_of_another_account(self, stage, ada, globex):
        client = stage.client()
        client.text()

        answer = client.subscribe(room(ada.pubsub_token, account_id=globex.pk, user_id=ada.pk))

        assert answer["type"] == "reject_subscription"

    def test_rejects_somebody_who_may_not_log_in_any_more(self, stage, agent, ada):
        User.objects.filter(pk=ada.pk).update(is_active=False)
        client = stage.client()
        client.text()

        assert client.subscribe(agent)["type"] == "reject_subscription"

    def test_rejects_an_unknown_contact(self, stage):
        client = stage.client()
        client.text()

        assert client.subscribe(room("nobody"))["type"] == "reject_subscription"

    def test_rejects_what_is_not_an_identifier(self, stage):
        client = stage.client()
        client.text()

        assert client.subscribe("nonsense") == {"identifier": "nonsense", "type": "reject_subscription"}

    def test_says_nothing_to_a_second_subscription(self, listener, visitor):
        listener.text()  # who is online
        listener.say(command="subscribe", identifier=visitor)

        assert listener.is_silent()

    def test_answers_a_client_that_repeats_itself_once(self, stage, visitor):
        client = stage.client()
        client.text()
        for _ in range(4):
            client.say(command="subscribe", identifier=visitor)

        assert client.frame()["type"] == "confirm_subscription"
        client.text()  # who is online
        assert client.is_silent()

    def test_confirms_again_after_an_unsubscription_however_fast(self, stage, visitor):
        client = stage.client()
        client.text()
        for command in ("subscribe", "unsubscribe", "subscribe"):
            client.say(command=command, identifier=visitor)

        assert [client.frame()["type"] for _ in range(2)] == ["confirm_subscription"] * 2

    def test_keeps_two_identifiers_apart(self, stage, visitor, agent, stream):
        client = stage.client()
        client.text()
        assert client.subscribe(visitor)["type"] == client.subscribe(agent)["type"] == "confirm_subscription"

        broker.publish([Publication(stream, b'{"event":"x"}', "1")])

        assert client.frame() == {"identifier": visitor, "message": {"event": "x"}}
        assert client.is_silent()

    def test_stops_at_the_most_subscriptions_of_a_socket(self, stage, session, monkeypatch):
        monkeypatch.setattr(limits, "SUBSCRIPTIONS_PER_SOCKET", 2)
        client = stage.client()
        client.text()

        answers = [client.subscribe(room(session.pubsub_token, n=n))["type"] for n in range(3)]

        assert answers == ["confirm_subscription", "confirm_subscription", "reject_subscription"]

    def test_stops_at_the_most_sockets_of_a_person(self, stage, visitor, settings):
        settings.CABLE_SOCKETS_PER_IDENTITY = 2
        clients = [stage.client() for _ in range(3)]
        for client in clients:
            client.text()

        answers = [client.subscribe(visitor)["type"] for client in clients]
        clients[0].hang_up()
        late = stage.client()
        late.text()

        assert answers == ["confirm_subscription", "confirm_subscription", "reject_subscription"]
        assert late.subscribe(visitor)["type"] == "confirm_subscription"

    def test_remembers_who_was_let_in_for_a_moment(self, stage, session, visitor):
        first, second = stage.client(), stage.client()
        for client in (first, second):
            client.text()
        assert first.subscribe(visitor)["type"] == "confirm_subscription"

        ContactSession.unscoped.filter(pk=session.pk).update(pubsub_token="changed")

        assert second.subscribe(visitor)["type"] == "confirm_subscription"

    def test_never_remembers_who_was_not(self, stage, agent, ada):
        membership = Membership.objects.get(user=ada)
        Membership.objects.filter(pk=membership.pk).delete()
        client = stage.client()
        client.text()
        assert client.subscribe(agent)["type"] == "reject_subscription"

        membership.save(force_insert=True)

        assert client.subscribe(agent)["type"] == "confirm_subscription"


class TestWithAFailingDatabase:
    @pytest.fixture
    def forbidden(self):
        """Nobody may read the contacts' sessions, which is a failure and not an outage."""
        with connections["owner"].cursor() as owner:
            owner.execute("REVOKE SELECT ON contacts_contactsession FROM dexra_app")
        yield
        with connections["owner"].cursor() as owner:
            owner.execute("GRANT SELECT ON contacts_contactsession TO dexra_app")
        connections["owner"].close()

    @pytest.mark.django_db(transaction=True, databases=["default", "owner"])
    def test_rejects_instead_of_leaving_the_client_in_doubt(self, stage, visitor, agent, forbidden, caplog):
        client = stage.client()
        client.text()

        assert client.subscribe(visitor)["type"] == "reject_subscription"
        assert client.subscribe(agent)["type"] == "confirm_subscription"
        assert "subscription_failed" in caplog.text


class TestWithoutTheDatabase:
    @pytest.fixture
    def away(self, stage, monkeypatch):
        """Every new look-up finds nobody at the database's address."""
        nowhere = {**connections["default"].settings_dict, "HOST": "127.0.0.1", "PORT": "1"}

        def leave():
            monkeypatch.setattr(limits, "PATIENCE_SECONDS", 1.0)
            monkeypatch.setitem(connections.settings, "default", nowhere)
            for each in stage.hub.authority._connections:
                each.close()
                each.settings_dict = nowhere

        return leave

    def test_sends_a_client_off_to_come_again_instead_of_rejecting_it(self, stage, visitor, agent, live, away):
        known, unknown = stage.client(), stage.client()
        for client in (known, unknown):
            client.text()
        assert known.subscribe(agent)["type"] == "confirm_subscription"
        away()

        assert unknown.subscribe(visitor) == {"type": "disconnect", "reason": "unavailable", "reconnect": True}
        broker.publish([Publication(f"a:{live.pk}", b'{"event":"x"}', "1")])
        assert known.frame()["message"] == {"event": "x"}
        assert stage.client().handshake == {"type": "websocket.close"}

    def test_looks_up_again_on_a_new_connection_when_the_old_one_died(self, stage, visitor, agent):
        client = stage.client()
        client.text()
        assert client.subscribe(agent)["type"] == "confirm_subscription"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            others = [pid for (pid,) in cursor.fetchall()]
            cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM unnest(%s) AS pid", [others])

        assert client.subscribe(visitor)["type"] == "confirm_subscription"


class TestUnsubscribe:
    def test_stops_the_stream_without_a_word(self, listener, visitor, stream):
        listener.text()  # who is online
        listener.say(command="unsubscribe", identifier=visitor)
        listener.say(command="ping")  # commands are obeyed in order: the answer to this one says that the first is done
        assert listener.frame() == {"type": "pong"}

        broker.publish([Publication(stream, b'{"event":"x"}', "1")])

        assert listener.is_silent(QUIET * 2)

    def test_does_nothing_for_an_unknown_identifier(self, listener):
        listener.say(command="unsubscribe", identifier="never")

        assert listener.text().find("presence.update") > 0
        assert listener.is_silent()


class TestInboxes:
    def test_that_insist_on_proof_let_nobody_in_who_gave_none(self, stage, visitor, session):
        session.inbox.hmac_mandatory = True
        session.inbox.save(update_fields=["hmac_mandatory"])

        client = stage.client()
        client.frame()
        assert client.subscribe(visitor) == {"identifier": visitor, "type": "reject_subscription"}

    def test_that_are_closed_let_nobody_in(self, stage, visitor, session):
        inboxes.close(inbox=session.inbox, by=audit.SYSTEM)

        client = stage.client()
        client.frame()
        assert client.subscribe(visitor) == {"identifier": visitor, "type": "reject_subscription"}
