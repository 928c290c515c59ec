"""Test events, and what the sandbox rehearses."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core import ids
from events.models import LoggedEvent
from tests.conftest import mint
from tests.servers import Server, wrong_fields
from tests.webhooks.customers import make_endpoint
from tests.webhooks.test_deliveries_api import attempt
from webhooks.models import Delivery, Health

HTTP = "http://93.184.216.34/hooks"


@pytest.fixture
def api(sandbox):
    """Acme's server with a key of the sandbox."""
    return Server(mint(sandbox))


@pytest.fixture
def endpoint(api):
    return make_endpoint(api, url=HTTP)


@pytest.fixture
def happened(api, relay):
    """A conversation with two messages, all told to nobody."""
    api.post("/v1/inboxes", {"name": "Shop", "channel": "api"})
    api.put("/v1/users/c-1", {"name": "Amine"})
    talk = api.post("/v1/conversations", {"user_id": "c-1", "text": "One"}).json()
    api.post(f"/v1/conversations/{talk['id']}/messages", {"text": "Two"})
    relay.drain()
    return [each["id"] for each in api.get("/v1/events").json()["data"]][::-1]


def redeliver(api, event, mode, **more):
    return api.post(f"/v1/sandbox/events/{event}/redeliver", {"mode": mode, **more})


def sent():
    return list(Delivery.unscoped.exclude(rehearsal="").order_by("next_attempt_at", "id"))


class TestTestEvent:
    def test_goes_to_that_endpoint_alone_whatever_it_wants(self, api):
        make_endpoint(api, url=HTTP)
        asked = make_endpoint(api, url=HTTP, events=["message_in"])

        answer = api.post(f"/v1/webhook-endpoints/{asked['id']}/test")

        assert answer.status_code == 202
        shown = answer.json()
        assert (shown["endpoint_id"], shown["type"], shown["state"]) == (asked["id"], "endpoint_test", "pending")
        assert [row.public_id for row in Delivery.unscoped.all()] == [shown["id"]]
        assert Delivery.unscoped.get().trigger == "test"

    @pytest.mark.parametrize("state", ["paused", "disabled"])
    def test_is_on_its_way_though_all_else_is_held(self, api, endpoint, state):
        api.patch(f"/v1/webhook-endpoints/{endpoint['id']}", {"state": state})

        sent = api.post(f"/v1/webhook-endpoints/{endpoint['id']}/test").json()

        assert sent["state"] == "pending"
        assert sent["next_attempt_at"] is not None

    def test_says_so_in_its_body(self, api, endpoint):
        sent = api.post(f"/v1/webhook-endpoints/{endpoint['id']}/test").json()

        body = api.get(f"/v1/webhook-deliveries/{sent['id']}").json()["body"]
        assert '"test":true' in body.replace(" ", "")
        assert sent["event_id"] in body

    def test_is_in_the_log_and_made_once(self, api, endpoint, relay):
        sent = api.post(f"/v1/webhook-endpoints/{endpoint['id']}/test").json()

        relay.drain()

        assert Delivery.unscoped.count() == 1
        assert api.get("/v1/events", types="endpoint_test").json()["data"][0]["id"] == sent["event_id"]

    def test_twice_is_two(self, api, endpoint):
        first, second = (api.post(f"/v1/webhook-endpoints/{endpoint['id']}/test").json() for _ in range(2))

        assert first["event_id"] != second["event_id"]

    def test_makes_the_engine_look(self, api, endpoint):
        Health.unscoped.update(next_due_at=None)

        api.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")

        assert Health.unscoped.get().next_due_at <= timezone.now()

    def test_works_in_live_too(self, live):
        server = Server(mint(live))
        made = make_endpoint(server)

        assert server.post(f"/v1/webhook-endpoints/{made['id']}/test").json()["livemode"] is True

    def test_gives_strangers_nothing(self, stranger, endpoint):
        assert stranger.post(f"/v1/webhook-endpoints/{endpoint['id']}/test").status_code == 404
        assert not Delivery.unscoped.exists()


class TestRedeliver:
    @pytest.mark.parametrize("mode", ["duplicate", "reorder", "delay"])
    def test_is_refused_once_the_person_is_erased(self, api, endpoint, happened, relay, mode):
        api.delete("/v1/users/c-1")
        relay.drain()

        answer = redeliver(api, happened[1], mode)

        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "person_erased")
        assert sent() == []

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [("duplicate", "2xx"), ("reorder", "2xx"), ("delay", "2xx"), ("bad_signature", "refusal"),
         ("stale_timestamp", "refusal")],
    )  # fmt: skip
    def test_answers_with_the_deliveries(self, api, endpoint, happened, mode, expected):
        answer = redeliver(api, happened[-1], mode)

        assert answer.status_code == 202
        shown = answer.json()["data"]
        assert len(shown) == (2 if mode in {"duplicate", "reorder"} else 1)
        assert {each["endpoint_id"] for each in shown} == {endpoint["id"]}
        assert [each["rehearsal"] for each in shown] == [
            {"mode": mode, "expected": expected, "passed": None} for _ in shown
        ]
        assert {row.public_id for row in sent()} == {each["id"] for each in shown}
        assert {(row.trigger, row.livemode, row.state) for row in sent()} == {("rehearsal", False, "pending")}

    def test_sends_a_duplicate_at_the_same_time(self, api, endpoint, happened):
        shown = redeliver(api, happened[-1], "duplicate").json()["data"]

        assert {each["event_id"] for each in shown} == {happened[-1]}
        assert all(row.next_attempt_at <= timezone.now() for row in sent())

    def test_sends_late_what_is_to_be_late(self, api, endpoint, happened):
        redeliver(api, happened[-1], "delay", delay_seconds=120)

        [row] = sent()
        assert timedelta(seconds=60) < row.next_attempt_at - timezone.now() < timedelta(seconds=121)

    def test_sends_the_later_event_first(self, api, endpoint, happened):
        *_, earlier, later = happened
        for asked in (earlier, later):
            shown = redeliver(api, asked, "reorder").json()["data"]

            assert [each["event_id"] for each in shown] == [later, earlier]
            first, second = (Delivery.unscoped.get(pk=row.pk) for row in sent()[-2:])
            assert timedelta(seconds=1) < second.next_attempt_at - first.next_attempt_at < timedelta(seconds=5)
            Delivery.unscoped.all().delete()

    def test_passes_over_events_the_endpoint_does_not_want(self, api, happened):
        make_endpoint(api, url=HTTP, events=["message_out", "conversation_created"])

        shown = redeliver(api, happened[-1], "reorder").json()["data"]

        types = {each["id"]: each["type"] for each in api.get("/v1/events").json()["data"]}
        assert {types[each["event_id"]] for each in shown} <= {"message_out", "conversation_created"}

    def test_cannot_reorder_what_stands_alone(self, api, endpoint, happened):
        alone = api.get("/v1/events", types="user_created").json()["data"][0]["id"]

        answer = redeliver(api, alone, "reorder")

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "nothing_to_reorder")
        assert sent() == []

    def test_goes_to_every_active_endpoint_that_wants_it_or_to_the_one_named(self, api, endpoint, happened):
        other = make_endpoint(api, url=HTTP)
        make_endpoint(api, url=HTTP, events=["user_updated"])
        paused = make_endpoint(api, url=HTTP)
        api.patch(f"/v1/webhook-endpoints/{paused['id']}", {"state": "paused"})

        everybody = redeliver(api, happened[-1], "bad_signature").json()["data"]
        named = redeliver(api, happened[-1], "bad_signature", endpoint_id=other["id"]).json()["data"]

        assert {each["endpoint_id"] for each in everybody} == {endpoint["id"], other["id"]}
        assert [each["endpoint_id"] for each in named] == [other["id"]]

    def test_stands_beside_the_real_delivery(self, api, endpoint, relay):
        api.put("/v1/users/c-9", {"name": "Bouchra"})
        relay.drain()
        [real] = Delivery.unscoped.all()
        event = api.get("/v1/events").json()["data"][0]["id"]

        redeliver(api, event, "duplicate")
        redeliver(api, event, "duplicate")

        assert len(sent()) == 4
        real.refresh_from_db()
        assert (real.rehearsal, real.extra) == ("", 0)

    def test_makes_the_engine_look(self, api, endpoint, happened):
        Health.unscoped.update(next_due_at=None)

        redeliver(api, happened[-1], "duplicate")

        assert Health.unscoped.get().next_due_at <= timezone.now()

    @pytest.mark.parametrize(
        ("mode", "answered", "passed"),
        [("duplicate", 204, True), ("duplicate", 500, False), ("duplicate", 409, False), ("delay", None, False),
         ("bad_signature", 401, True), ("bad_signature", 400, True), ("bad_signature", 200, False),
         ("bad_signature", 500, False), ("stale_timestamp", None, False), ("stale_timestamp", 302, False)],
    )  # fmt: skip
    def test_says_whether_the_receiver_did_as_it_should(self, api, endpoint, happened, mode, answered, passed):
        [shown, *_] = redeliver(api, happened[-1], mode).json()["data"]
        attempt(next(row for row in sent() if row.public_id == shown["id"]), status_code=answered, error_class="x")

        rehearsal = api.get(f"/v1/webhook-deliveries/{shown['id']}").json()["rehearsal"]

        assert rehearsal["passed"] is passed

    def test_proves_nothing_when_it_was_only_captured(self, api, endpoint, happened):
        [shown] = redeliver(api, happened[-1], "bad_signature").json()["data"]
        attempt(sent()[0], status_code=None, error_class="captured")

        assert api.get(f"/v1/webhook-deliveries/{shown['id']}").json()["rehearsal"]["passed"] is None

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [({}, {"mode": "required"}), ({"mode": "explode"}, {"mode": "unknown_value"}),
         ({"mode": "duplicate", "delay_seconds": 5}, {"delay_seconds": "out_of_place"}),
         ({"mode": "delay", "delay_seconds": 0}, {"delay_seconds": "out_of_range"}),
         ({"mode": "delay", "delay_seconds": 3601}, {"delay_seconds": "out_of_range"}),
         ({"mode": "delay", "endpoint_id": 5}, {"endpoint_id": "invalid"})],
    )  # fmt: skip
    def test_names_every_wrong_field(self, api, endpoint, happened, body, wrong):
        assert wrong_fields(api.post(f"/v1/sandbox/events/{happened[-1]}/redeliver", body)) == wrong

    def test_says_when_nobody_would_be_told(self, api, happened):
        answer = redeliver(api, happened[-1], "duplicate")

        assert wrong_fields(answer) == {"endpoint_id": "nobody_is_told"}

    def test_knows_no_endpoint_of_another(self, api, live, endpoint, happened):
        theirs = make_endpoint(Server(mint(live)))

        assert redeliver(api, happened[-1], "duplicate", endpoint_id=theirs["id"]).status_code == 404

    def test_is_not_there_with_a_live_key(self, live, happened):
        event = Server(mint(live)).put("/v1/users/c-1", {"name": "Amine"})
        assert event.status_code == 201
        named = LoggedEvent.unscoped.filter(environment_id=live.pk).latest("id")
        assert redeliver(Server(mint(live)), ids.encode("evt", named.pk), "duplicate").status_code == 404

    def test_wants_a_scope_and_a_key(self, sandbox, happened):
        assert redeliver(Server(mint(sandbox, "webhooks:read")), happened[-1], "duplicate").status_code == 403
        assert redeliver(Server(None), happened[-1], "duplicate").status_code == 401

    def test_knows_no_event_that_is_not(self, api, endpoint):
        assert redeliver(api, "evt_nothing", "duplicate").status_code == 404
