"""``recover`` and ``replay``: a range of events once more, trickled beside what is new."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from core import tenancy
from core.times import iso
from events.models import LoggedEvent
from tests.conftest import mint
from tests.servers import Server, at_once, wrong_fields
from tests.webhooks.customers import open_endpoint
from tests.webhooks.test_deliveries_api import attempt, deliver
from webhooks.models import Body, Delivery, Health, Replay
from webhooks.services import replays

HOUR = timedelta(hours=1)


@pytest.fixture
def endpoint(live):
    return open_endpoint(live)


@pytest.fixture
def path(endpoint):
    return f"/v1/webhook-endpoints/{endpoint.public_id}"


def ago(hours):
    return iso(timezone.now() - hours * HOUR)


def settle(state, *deliveries):
    """Put deliveries in a state, as the engine does."""
    Delivery.unscoped.filter(pk__in=[each.pk for each in deliveries]).update(
        state=state, next_attempt_at=None, extra=0, finished_at=timezone.now()
    )


def queued():
    """Return the events that are to be attempted once more, in order."""
    rows = Delivery.unscoped.filter(extra__gt=0, state="pending").order_by("next_attempt_at", "id")
    return [row.event_id for row in rows]


class TestStart:
    @pytest.mark.parametrize("kind", ["recover", "replay"])
    def test_answers_with_what_was_begun(self, api, endpoint, path, kind):
        since = ago(5)

        answer = api.post(f"{path}/{kind}", {"since": since})

        assert answer.status_code == 202
        begun = answer.json()
        assert begun["id"].startswith("whr_")
        assert (begun["object"], begun["kind"], begun["state"]) == ("webhook_replay", kind, "running")
        assert (begun["endpoint_id"], begun["since"], begun["livemode"]) == (endpoint.public_id, since, True)
        assert (begun["queued"], begun["finished_at"]) == (0, None)
        assert begun["until"] <= iso(timezone.now())
        assert AuditEntry.unscoped.filter(action=f"webhook_endpoint.{kind}_started").count() == 1

    def test_ends_no_later_than_now(self, api, path):
        begun = api.post(f"{path}/replay", {"since": ago(1), "until": ago(-5)}).json()

        assert begun["until"] <= iso(timezone.now())

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [({}, {"since": "required"}), ({"since": "yesterday", "until": 5}, {"since": "invalid", "until": "invalid"}),
         ({"since": ago(24 * 14 + 1)}, {"since": "out_of_range"}), ({"since": ago(-1)}, {"since": "out_of_range"}),
         ({"since": ago(1), "until": ago(2)}, {"until": "out_of_range"})],
    )  # fmt: skip
    @pytest.mark.parametrize("kind", ["recover", "replay"])
    def test_names_a_wrong_range(self, api, path, kind, body, wrong):
        assert wrong_fields(api.post(f"{path}/{kind}", body)) == wrong
        assert not Replay.unscoped.exists()

    def test_refuses_a_sixth_at_a_time(self, api, path):
        for _ in range(5):
            assert api.post(f"{path}/recover", {"since": ago(1)}).status_code == 202

        assert api.post(f"{path}/replay", {"since": ago(1)}).json()["error"]["code"] == "too_many_replays"

    def test_hides_what_belongs_to_others(self, api, live, stranger, path):
        begun = api.post(f"{path}/replay", {"since": ago(1)}).json()
        elsewhere = f"/v1/webhook-endpoints/{open_endpoint(live).public_id}/replays/{begun['id']}"

        assert stranger.post(f"{path}/recover", {"since": ago(1)}).status_code == 404
        assert stranger.get(f"{path}/replays").status_code == 404
        assert stranger.get(f"{path}/replays/{begun['id']}").status_code == 404
        assert stranger.post(f"{path}/replays/{begun['id']}/cancel").status_code == 404
        assert api.get(elsewhere).status_code == 404

    def test_wants_a_scope(self, live, path):
        reader = Server(mint(live, "webhooks:read"))

        assert reader.get(f"{path}/replays").status_code == 200
        assert reader.post(f"{path}/replay", {"since": ago(1)}).status_code == 403


class TestRecover:
    @pytest.fixture
    def recover(self, api, path):
        return lambda **body: api.post(f"{path}/recover", {"since": ago(5), **body}).json()

    def test_takes_up_what_did_not_arrive_oldest_first(self, endpoint, recover):
        states = ["exhausted", "delivered", "canceled", "quarantined"]
        for event, state in enumerate(states, start=1):
            settle(state, deliver(endpoint, event))
        recover()

        assert replays.trickle() == 3

        assert queued() == [1, 3, 4]
        first = Delivery.unscoped.get(event_id=1)
        assert (first.trigger, first.returns_to, first.attempts) == ("recover", "exhausted", 0)
        assert Health.unscoped.get().next_due_at <= timezone.now()

    def test_hurries_what_is_failing_still_and_leaves_what_is_new(self, endpoint, recover):
        failing, new = deliver(endpoint, 1), deliver(endpoint, 2)
        later = timezone.now() + 5 * HOUR
        attempt(failing)
        Delivery.unscoped.filter(pk=failing.pk).update(last_error="timeout", next_attempt_at=later, attempts=4)
        recover()

        replays.trickle()

        assert queued() == [1]
        failing.refresh_from_db()
        assert (failing.returns_to, failing.returns_at) == ("pending", later)
        new.refresh_from_db()
        assert new.extra == 0

    def test_keeps_to_its_range_its_endpoint_and_its_types(self, live, endpoint, recover):
        moments = {1: 6 * HOUR, 2: 4 * HOUR, 3: 2 * HOUR, 4: HOUR / 2}
        rows = {event: deliver(endpoint, event) for event in moments}
        for event, age in moments.items():
            moment = timezone.now() - age
            Delivery.unscoped.filter(pk=rows[event].pk).update(event_at=moment)
            Body.unscoped.filter(event_id=event).update(event_at=moment)
        other, unwanted = deliver(open_endpoint(live), 5), deliver(endpoint, 6)
        settle("exhausted", *rows.values(), other, unwanted)
        Delivery.unscoped.filter(pk=unwanted.pk).update(type="user_updated")
        endpoint.events = ["message_in"]
        endpoint.save()
        recover(until=ago(1))

        replays.trickle()

        assert queued() == [2, 3]

    def test_passes_over_what_was_erased_and_what_was_rehearsed(self, endpoint, recover):
        erased, rehearsed, whole = deliver(endpoint, 1, content=b""), deliver(endpoint, 2), deliver(endpoint, 3)
        settle("exhausted", erased, rehearsed, whole)
        Delivery.unscoped.filter(pk=rehearsed.pk).update(rehearsal="delay")
        recover()

        replays.trickle()

        assert queued() == [3]

    def test_is_done_when_all_is_taken_up_and_says_so(self, api, path, endpoint, recover):
        settle("exhausted", deliver(endpoint, 1), deliver(endpoint, 2))
        begun = recover()

        replays.trickle()
        replays.trickle()

        shown = api.get(f"{path}/replays/{begun['id']}").json()
        assert (shown["state"], shown["queued"]) == ("done", 2)
        assert shown["finished_at"] is not None
        assert api.get(f"{path}/replays").json()["data"] == [shown]


class TestTrickling:
    @pytest.fixture
    def many(self, endpoint):
        settle("exhausted", *[deliver(endpoint, event) for event in range(1, 31)])

    @pytest.fixture
    def few_at_a_time(self, monkeypatch):
        monkeypatch.setattr(replays, "MOST_OUTSTANDING", 10)

    @pytest.mark.usefixtures("many", "few_at_a_time")
    def test_lets_only_so_many_wait(self, api, endpoint, path):
        api.post(f"{path}/recover", {"since": ago(5)})

        assert [replays.trickle(), replays.trickle()] == [10, 0]
        assert queued() == list(range(1, 11))

        settle("delivered", *Delivery.unscoped.filter(event_id__in=[1, 2, 3]))
        assert replays.trickle() == 3
        assert queued() == list(range(4, 14))

    @pytest.mark.usefixtures("many", "few_at_a_time")
    def test_gives_way_to_what_is_new(self, api, endpoint, path):
        for event in range(100, 108):
            deliver(endpoint, event)
        api.post(f"{path}/recover", {"since": ago(5)})

        assert replays.trickle() == 2

    @pytest.mark.usefixtures("many")
    @pytest.mark.parametrize(("rate", "waiting"), [(0.1, 1), (1, 5), (4, 20)])
    def test_lets_fewer_wait_for_an_endpoint_with_a_low_rate(self, api, path, rate, waiting):
        api.patch(path, {"rate_per_second": rate})
        api.post(f"{path}/recover", {"since": ago(5)})

        assert replays.trickle() == waiting

    @pytest.mark.usefixtures("many", "few_at_a_time")
    def test_goes_through_all_of_it_once(self, api, endpoint, path):
        begun = api.post(f"{path}/recover", {"since": ago(5)}).json()

        seen = []
        for _ in range(6):
            replays.trickle()
            seen += queued()
            settle("exhausted", *Delivery.unscoped.filter(extra__gt=0))

        assert seen == list(range(1, 31))
        assert api.get(f"{path}/replays/{begun['id']}").json()["state"] == "done"

    @pytest.mark.usefixtures("many")
    @pytest.mark.parametrize("state", ["paused", "disabled"])
    def test_rests_while_the_endpoint_is_not_told(self, api, path, state):
        api.post(f"{path}/recover", {"since": ago(5)})
        api.patch(path, {"state": state})

        assert replays.trickle() == 0

        api.patch(path, {"state": "active"})
        assert replays.trickle() == 30

    @pytest.mark.usefixtures("many", "few_at_a_time")
    def test_stops_when_it_is_canceled(self, api, path):
        begun = api.post(f"{path}/recover", {"since": ago(5)}).json()
        replays.trickle()

        canceled = api.post(f"{path}/replays/{begun['id']}/cancel")

        assert (canceled.status_code, canceled.json()["state"], canceled.json()["queued"]) == (200, "canceled", 10)
        settle("delivered", *Delivery.unscoped.filter(extra__gt=0))
        assert replays.trickle() == 0
        again = api.post(f"{path}/replays/{begun['id']}/cancel")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "replay_ended")

    @pytest.mark.usefixtures("many")
    def test_ends_with_its_endpoint(self, api, path):
        api.post(f"{path}/recover", {"since": ago(5)})

        api.delete(path)

        assert replays.trickle() == 0
        assert Replay.unscoped.get().state == "canceled"

    @pytest.mark.django_db(transaction=True)
    def test_takes_nothing_up_twice_when_two_workers_advance_it(self, api, endpoint, path):
        settle("exhausted", *[deliver(endpoint, event) for event in range(1, 31)])
        api.post(f"{path}/recover", {"since": ago(5)})

        taken = at_once(*[_trickle_everywhere] * 3)

        assert sum(taken) == 30
        assert set(Delivery.unscoped.values_list("extra", flat=True)) == {1}


def _trickle_everywhere():
    with tenancy.everyone():
        return replays.trickle()


class TestReplay:
    @pytest.fixture
    def happened(self, api, inbox, relay):
        """Two people were made known, and one conversation began; nobody was told."""
        for name in ("c-1", "c-2"):
            api.put(f"/v1/users/{name}", {"name": name})
        api.post("/v1/conversations", {"user_id": "c-1", "text": "Hello"})
        relay.drain()
        return list(LoggedEvent.unscoped.order_by("position"))

    def test_sends_everything_even_from_before_the_endpoint(self, api, live, happened):
        endpoint = open_endpoint(live)
        api.post(f"/v1/webhook-endpoints/{endpoint.public_id}/replay", {"since": ago(1)})

        replays.trickle()

        made = Delivery.unscoped.filter(endpoint=endpoint).order_by("id")
        assert [row.event_id for row in made] == [event.pk for event in happened]
        assert {(row.state, row.trigger, row.extra) for row in made} == {("pending", "replay", 0)}
        assert Replay.unscoped.get().state == "done"

    def test_sends_what_arrived_before_once_more_on_the_same_row(self, api, live, relay):
        endpoint = open_endpoint(live)
        api.put("/v1/users/c-1", {"name": "Amine"})
        relay.drain()
        [sent] = Delivery.unscoped.filter(endpoint=endpoint)
        settle("delivered", sent)
        api.post(f"/v1/webhook-endpoints/{endpoint.public_id}/replay", {"since": ago(1)})

        replays.trickle()

        [again] = Delivery.unscoped.filter(endpoint=endpoint)
        assert (again.pk, again.extra, again.trigger, again.returns_to) == (sent.pk, 1, "replay", "delivered")

    def test_keeps_to_its_types_and_its_range(self, api, live, happened):
        endpoint = open_endpoint(live, events=["user_created"])
        LoggedEvent.unscoped.filter(pk=happened[0].pk).update(occurred_at=timezone.now() - 2 * HOUR)
        api.post(f"/v1/webhook-endpoints/{endpoint.public_id}/replay", {"since": ago(1)})

        replays.trickle()

        assert [row.type for row in Delivery.unscoped.filter(endpoint=endpoint)] == ["user_created"]

    def test_looks_past_what_is_not_wanted(self, api, live, happened, monkeypatch):
        monkeypatch.setattr(replays, "MOST_OUTSTANDING", 1)
        endpoint = open_endpoint(live, events=["conversation_created"])
        api.post(f"/v1/webhook-endpoints/{endpoint.public_id}/replay", {"since": ago(1)})

        assert replays.trickle() == 1

    def test_does_not_bring_back_who_was_erased(self, api, live, relay, happened):
        api.delete("/v1/users/c-2")
        relay.drain()
        endpoint = open_endpoint(live, events=["user_created"])
        api.post(f"/v1/webhook-endpoints/{endpoint.public_id}/replay", {"since": ago(1)})

        replays.trickle()

        contents = [bytes(body.content) for body in Body.unscoped.all()]
        assert Delivery.unscoped.filter(endpoint=endpoint).count() == 1
        assert not any(b"c-2" in content for content in contents)

    @pytest.mark.parametrize("kind", ["recover", "replay"])
    def test_leaves_test_events_alone(self, api, endpoint, path, kind):
        sent = api.post(f"{path}/test").json()
        settle("exhausted", *Delivery.unscoped.all())
        api.post(f"{path}/{kind}", {"since": ago(1)})

        assert replays.trickle() == 0
        assert api.get(f"/v1/webhook-deliveries/{sent['id']}").json()["state"] == "exhausted"

    def test_says_nothing_of_other_environments(self, api, live, stranger, relay, happened):
        stranger.put("/v1/users/x-1", {"name": "Secret"})
        relay.drain()
        endpoint = open_endpoint(live)
        api.post(f"/v1/webhook-endpoints/{endpoint.public_id}/replay", {"since": ago(1)})

        replays.trickle()

        assert Delivery.unscoped.filter(endpoint=endpoint).count() == len(happened)
