"""``/v1/webhook-deliveries``: what was sent, every attempt, once more."""

import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import audit
from tests.conftest import mint
from tests.servers import Server, wrong_fields
from tests.webhooks.customers import URL, open_endpoint
from webhooks import signing
from webhooks.models import Attempt, Body, Delivery, Endpoint, Health
from webhooks.services import canceling, endpoints, secrets
from webhooks.services.resending import MOST_WAITING

ALL = "/v1/webhook-deliveries"
CONTENT = '{"id":"evt_1","type":"message_in","data":{"message_text":"it\'s «fine» $HOME\\n"}}'.encode()


def deliver(endpoint, event_id=1, *, content=CONTENT, **fields):
    """Put a delivery on the queue, as fan-out does."""
    now = timezone.now()
    about = {"environment": endpoint.environment, "event_id": event_id, "event_at": now, "type": "message_in"}
    if content is not None:
        Body.unscoped.create(**about, dialect=endpoint.dialect, content=content)
    return Delivery.unscoped.create(
        **about, endpoint=endpoint, livemode=endpoint.environment.livemode, **{"next_attempt_at": now, **fields}
    )


def attempt(delivery, n=1, **fields):
    """Write an attempt down, as the engine does."""
    return Attempt.unscoped.create(**{
        "environment": delivery.environment, "delivery_id": delivery.pk, "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id, "n": n, "trigger": "auto", "sent_at": timezone.now(), "duration_ms": 42,
        "url": URL, "status_code": 503, "error_class": "http_status", "remote_ip": "93.184.216.34",
        "request_headers": {"webhook-id": "evt_1"}, "response_headers": {"server": "teapot"},
        "response_body": "x" * 5000, **fields,
    })  # fmt: skip


@pytest.fixture
def endpoint(live):
    return open_endpoint(live)


@pytest.fixture
def delivery(endpoint):
    return deliver(endpoint)


@pytest.fixture
def path(delivery):
    return f"{ALL}/{delivery.public_id}"


def listed(api, **query):
    answer = api.get(ALL, **query)
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["data"]]


class TestList:
    def test_shows_each_with_its_attempts(self, api, endpoint, delivery):
        attempt(delivery, 1, error_detail="in short")
        attempt(delivery, 2, status_code=200, error_class="", trigger="manual")

        [shown] = api.get(ALL).json()["data"]

        assert (shown["id"], shown["object"]) == (delivery.public_id, "webhook_delivery")
        assert (shown["endpoint_id"], shown["state"], shown["livemode"]) == (endpoint.public_id, "pending", True)
        assert shown["event_id"].startswith("evt_")
        assert shown["rehearsal"] is None
        assert [(each["n"], each["trigger"], each["status_code"]) for each in shown["attempts"]] == [
            (1, "auto", 503), (2, "manual", 200)
        ]  # fmt: skip
        assert [each["error_class"] for each in shown["attempts"]] == ["http_status", None]
        assert [each["error_detail"] for each in shown["attempts"]] == ["in short", None]
        assert len(shown["attempts"][0]["response_body"]) == 1000
        assert "request_headers" not in shown["attempts"][0]

    def test_finds_by_endpoint_event_and_time(self, api, live, endpoint, delivery):
        other = deliver(open_endpoint(live), 2)
        Delivery.unscoped.filter(pk=other.pk).update(created_at=timezone.now() - timedelta(days=2))
        yesterday = (timezone.now() - timedelta(days=1)).isoformat()
        event_id = api.get(ALL, endpoint=endpoint.public_id).json()["data"][0]["event_id"]

        assert listed(api) == [other.public_id, delivery.public_id]
        assert listed(api, endpoint=endpoint.public_id) == [delivery.public_id]
        assert listed(api, event=event_id) == [delivery.public_id]
        assert listed(api, after=yesterday) == [delivery.public_id]
        assert listed(api, before=yesterday) == [other.public_id]
        assert listed(api, endpoint=endpoint.public_id, before=yesterday) == []

    def test_finds_by_state_as_it_is_shown(self, api, live):
        found = {}
        for state in ("active", "paused", "disabled"):
            endpoint = open_endpoint(live)
            found[state] = deliver(endpoint).public_id
            endpoint.state = state
            endpoint.save()
        done = deliver(open_endpoint(live), state="delivered").public_id

        assert listed(api, state="pending") == [found["active"]]
        assert set(listed(api, state="held")) == {found["paused"], found["disabled"]}
        assert listed(api, state="delivered") == [done]
        assert listed(api, state="exhausted") == []
        assert {each["state"] for each in api.get(ALL, state="held").json()["data"]} == {"held"}

    def test_shows_attempts_of_a_worker_whose_clock_is_behind(self, api, delivery, path):
        attempt(delivery, sent_at=delivery.created_at - timedelta(minutes=5))

        assert len(api.get(path).json()["attempts"]) == 1

    def test_says_when_the_next_attempt_is_only_if_there_is_one(self, api, endpoint, path):
        assert api.get(path).json()["next_attempt_at"] is not None

        api.patch(f"/v1/webhook-endpoints/{endpoint.public_id}", {"state": "paused"})

        assert (api.get(path).json()["state"], api.get(path).json()["next_attempt_at"]) == ("held", None)

    def test_asks_the_database_as_often_for_many_as_for_one(self, api, endpoint, django_assert_max_num_queries):
        for event in range(10):
            attempt(deliver(endpoint, event))

        with django_assert_max_num_queries(6):
            assert len(api.get(ALL).json()["data"]) == 10

    @pytest.mark.parametrize(
        ("query", "wrong"),
        [({"endpoint": "inb_x"}, {"endpoint": "not_an_id"}), ({"event": "5"}, {"event": "not_an_id"}),
         ({"state": "lost", "before": "soon", "after": "2026"},
          {"state": "unknown_value", "before": "invalid", "after": "invalid"}),
         ({"limit": "0"}, {"limit": "out_of_range"})],
    )  # fmt: skip
    def test_names_every_wrong_filter(self, api, query, wrong):
        assert wrong_fields(api.get(ALL, **query)) == wrong

    def test_counts_them_when_asked(self, api, delivery):
        assert api.get(ALL, include="total").json()["total"] == 1

    def test_shows_strangers_nothing(self, stranger, sandbox, path, endpoint):
        for other in (stranger, Server(mint(sandbox))):
            assert listed(other) == listed(other, endpoint=endpoint.public_id) == []
            assert other.get(path).status_code == other.post(f"{path}/resend").status_code == 404

    def test_wants_a_scope(self, live, path):
        reader = Server(mint(live, "webhooks:read"))

        assert reader.get(path).status_code == 200
        assert reader.post(f"{path}/resend").json()["error"]["code"] == "missing_scope"
        assert Server(mint(live, "events:read")).get(path).status_code == 403


class TestAList:
    @pytest.mark.parametrize(
        ("query", "message"),
        [
            (
                {"state": "sent"},
                "This is one of: pending, delivering, delivered, exhausted, canceled, quarantined, held.",
            ),
            ({"endpoint": " "}, "This may not be empty."),
            ({"limit": "many"}, "This is a whole number."),
            ({"include": "all"}, "This is one of: total."),
        ],
    )
    def test_says_in_plain_words_what_it_is_not_asked_for(self, api, query, message):
        answer = api.get(ALL, **query)

        assert (answer.status_code, answer.json()["error"]["message"]) == (422, message)


class TestOne:
    def test_is_whole(self, api, delivery, path):
        attempt(delivery)

        shown = api.get(path).json()

        assert shown["body"] == CONTENT.decode()
        assert "curl" not in shown
        assert len(shown["attempts"][0]["response_body"]) == 5000
        assert shown["attempts"][0]["request_headers"] == {"webhook-id": "evt_1"}
        assert shown["attempts"][0]["response_headers"] == {"server": "teapot"}

    @pytest.mark.parametrize(("content", "gone"), [(None, "too_old"), (b"", "person_erased"), (CONTENT, None)])
    def test_says_why_its_body_is_gone(self, api, endpoint, content, gone):
        assert api.get(f"{ALL}/{deliver(endpoint, content=content).public_id}").json()["body_gone"] == gone

    @pytest.mark.parametrize("content", [None, b""])
    def test_has_no_body_once_it_is_gone(self, api, endpoint, content):
        shown = api.get(f"{ALL}/{deliver(endpoint, content=content).public_id}?include=curl").json()

        assert (shown["body"], shown["curl"]) == (None, None)

    def test_comes_with_a_command_that_sends_it_truly_signed(self, api, endpoint, path, receiver):
        command = api.get(path, include="curl").json()["curl"]

        subprocess.run(["sh", "-c", command.replace(URL, receiver.url)], check=True, capture_output=True, timeout=30)

        [sent] = receiver.wait_for(1)
        assert sent.body == CONTENT
        secret, headers = secrets.valid(endpoint)[0].secret, sent.headers
        expected = signing.sign(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), sent.body)
        assert headers["webhook-signature"] == expected
        assert headers["content-type"] == "application/json"

    def test_shows_no_custom_header_in_the_command(self, api, live):
        endpoint = open_endpoint(live, custom_headers={"X-Key": "correct-horse"})

        command = api.get(f"{ALL}/{deliver(endpoint).public_id}", include="curl").json()["curl"]

        assert "x-key" in command.lower()
        assert "correct-horse" not in command

    @pytest.mark.parametrize("name", ["whd_x", "nothing", "whe_1"])
    def test_is_not_found_by_a_wrong_name(self, api, name):
        assert api.get(f"{ALL}/{name}").status_code == 404

    def test_can_still_be_looked_up_when_its_endpoint_is_gone(self, api, endpoint, path):
        api.delete(f"/v1/webhook-endpoints/{endpoint.public_id}")

        shown = api.get(path).json()
        assert (shown["state"], shown["canceled_reason"]) == ("canceled", "endpoint_deleted")

    def test_says_why_it_is_canceled_only_while_it_is(self, api, endpoint, path):
        assert api.get(path).json()["canceled_reason"] is None
        canceling.cancel(delivery=Delivery.unscoped.get(), by=audit.SYSTEM)
        assert api.get(path).json()["canceled_reason"] == "operator"

        api.post(f"{path}/resend")

        assert api.get(path).json()["canceled_reason"] is None

    def test_counts_as_canceled_with_its_endpoint_before_upkeep_has_come_by(self, api, endpoint, path):
        Endpoint.unscoped.update(deleted_at=timezone.now())

        shown = api.get(path).json()

        assert (shown["state"], shown["canceled_reason"]) == ("canceled", "endpoint_deleted")


class TestResend:
    def test_asks_for_one_more_attempt_at_once(self, api, delivery, endpoint, path):
        later = timezone.now() + timedelta(hours=5)
        Delivery.unscoped.update(state="exhausted", next_attempt_at=None, attempts=10, tries=10)
        Health.unscoped.update(next_due_at=later)

        answer = api.post(f"{path}/resend")

        assert (answer.status_code, answer.json()["state"]) == (202, "pending")
        delivery.refresh_from_db()
        assert (delivery.extra, delivery.trigger, delivery.attempts) == (1, "manual", 10)
        assert (delivery.returns_to, delivery.returns_at) == ("exhausted", None)
        assert delivery.next_attempt_at <= timezone.now()
        assert Health.unscoped.get(endpoint=endpoint).next_due_at <= timezone.now()

    def test_leaves_the_schedule_as_it_was(self, api, delivery, path):
        later = timezone.now() + timedelta(hours=5)
        Delivery.unscoped.update(next_attempt_at=later, attempts=3)

        api.post(f"{path}/resend")

        delivery.refresh_from_db()
        assert (delivery.returns_to, delivery.returns_at, delivery.attempts) == ("pending", later, 3)

    def test_twice_makes_two_attempts(self, api, delivery, path):
        Delivery.unscoped.update(state="delivered", next_attempt_at=None)

        for _ in range(2):
            api.post(f"{path}/resend")

        delivery.refresh_from_db()
        assert (delivery.extra, delivery.returns_to) == (2, "delivered")

    def test_twice_with_one_idempotency_key_makes_one(self, api, delivery, path):
        for _ in range(2):
            assert api.post(f"{path}/resend", idempotency_key="once").status_code == 202

        delivery.refresh_from_db()
        assert delivery.extra == 1

    def test_waits_for_the_attempt_that_is_under_way(self, api, delivery, path):
        Delivery.unscoped.update(state="delivering", lease_until=timezone.now() + timedelta(minutes=1))

        assert api.post(f"{path}/resend").json()["state"] == "delivering"

        delivery.refresh_from_db()
        assert (delivery.state, delivery.extra, delivery.returns_to) == ("delivering", 1, "")

    def test_gives_one_that_was_set_aside_its_chances_anew(self, api, delivery, path):
        Delivery.unscoped.update(state="quarantined", next_attempt_at=None, claims=5)

        api.post(f"{path}/resend")

        delivery.refresh_from_db()
        assert (delivery.state, delivery.claims, delivery.returns_to) == ("pending", 0, "quarantined")

    def test_is_held_while_the_endpoint_is_paused(self, api, endpoint, path):
        api.patch(f"/v1/webhook-endpoints/{endpoint.public_id}", {"state": "paused"})

        assert api.post(f"{path}/resend").json()["state"] == "held"

    def test_is_refused_when_too_many_wait(self, api, path):
        for _ in range(MOST_WAITING):
            assert api.post(f"{path}/resend").status_code == 202

        answer = api.post(f"{path}/resend")

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_attempts")

    @pytest.mark.parametrize(("content", "code"), [(None, "body_gone"), (b"", "person_erased")])
    def test_is_refused_when_there_is_nothing_to_send(self, api, endpoint, content, code):
        answer = api.post(f"{ALL}/{deliver(endpoint, content=content).public_id}/resend")

        assert (answer.status_code, answer.json()["error"]["code"]) == (410, code)

    def test_is_refused_when_the_endpoint_is_deleted(self, api, endpoint, path):
        api.delete(f"/v1/webhook-endpoints/{endpoint.public_id}")

        answer = api.post(f"{path}/resend")

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "endpoint_deleted")

    def test_is_refused_for_a_rehearsal(self, api, path):
        Delivery.unscoped.update(rehearsal="duplicate")

        assert api.post(f"{path}/resend").json()["error"]["code"] == "is_rehearsal"


class TestHeld:
    """What becomes of deliveries when their endpoint is paused, resumed, changed, deleted."""

    @pytest.fixture
    def path(self, endpoint):
        return f"/v1/webhook-endpoints/{endpoint.public_id}"

    @pytest.fixture
    def waiting(self, endpoint):
        young, old = deliver(endpoint, 1), deliver(endpoint, 2)
        Delivery.unscoped.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=73))
        return young, old

    def states(self, *deliveries):
        return [Delivery.unscoped.get(pk=each.pk).state for each in deliveries]

    def test_waits_and_is_not_looked_at(self, api, endpoint, path, waiting):
        Health.unscoped.update(next_due_at=timezone.now())

        assert api.patch(path, {"state": "paused"}).json()["state"] == "paused"

        assert self.states(*waiting) == ["pending", "pending"]
        assert Health.unscoped.get(endpoint=endpoint).next_due_at is None

    @pytest.mark.parametrize(
        ("held", "states", "reasons"),
        [({}, ["pending", "canceled"], ["", "held_too_long"]),
         ({"held": "resume"}, ["pending", "pending"], ["", ""]),
         ({"held": "skip"}, ["canceled", "canceled"], ["skipped", "skipped"])],
    )  # fmt: skip
    @pytest.mark.parametrize("state", ["paused", "disabled"])
    def test_is_sent_or_canceled_as_asked(self, api, endpoint, path, waiting, state, held, states, reasons):
        api.patch(path, {"state": state})

        assert api.patch(path, {"state": "active", **held}).json()["state"] == "active"

        assert self.states(*waiting) == states
        assert [Delivery.unscoped.get(pk=each.pk).canceled_reason for each in waiting] == reasons
        assert Health.unscoped.get(endpoint=endpoint).next_due_at is not None

    def test_keeps_what_somebody_asked_for_meanwhile(self, api, path, waiting):
        api.patch(path, {"state": "paused"})
        api.post(f"{ALL}/{waiting[1].public_id}/resend")

        api.patch(path, {"state": "active"})

        assert self.states(*waiting) == ["pending", "pending"]

    @pytest.mark.parametrize("held", [{}, {"held": "skip"}])
    def test_is_canceled_in_several_requests_when_it_is_much(self, api, endpoint, path, held, monkeypatch):
        monkeypatch.setattr(canceling, "AT_ONCE", 2)
        monkeypatch.setattr(canceling, "MOST", 4)
        old = [deliver(endpoint, event) for event in range(1, 6)]
        Delivery.unscoped.update(created_at=timezone.now() - timedelta(hours=73))
        api.patch(path, {"state": "paused"})

        answer = api.patch(path, {"state": "active", "description": "New", **held})

        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "held_remains")
        assert answer["Retry-After"] == "1"
        assert (api.get(path).json()["state"], api.get(path).json()["description"]) == ("paused", "New")
        assert api.patch(path, {"state": "active", **held}).json()["state"] == "active"
        assert self.states(*old) == ["canceled"] * 5

    def test_says_that_it_was_disabled_by_hand_and_forgets_it(self, api, path):
        assert api.patch(path, {"state": "disabled"}).json()["disabled_reason"] == "manual"
        assert api.patch(path, {"state": "active"}).json()["disabled_reason"] is None

    def test_gives_an_endpoint_a_fresh_start(self, api, endpoint, path):
        endpoints.disable(endpoint=endpoint, by=audit.SYSTEM)
        Health.unscoped.update(
            consecutive_failures=9, failing_since=timezone.now(), hold_until=timezone.now(), in_flight_cap=1,
            told_stage=3, last_error="timeout",
        )  # fmt: skip
        assert api.get(path).json()["health"]["last_error"] == "timeout"

        shown = api.patch(path, {"state": "active"}).json()["health"]

        assert (shown["consecutive_failures"], shown["failing_since"], shown["hold_until"]) == (0, None, None)
        assert shown["last_error"] is None
        assert shown["in_flight_cap"] == 10
        assert Health.unscoped.get().told_stage == 0

    def test_is_canceled_when_its_type_is_no_longer_wanted(self, api, path, endpoint, waiting):
        other = deliver(endpoint, 3)
        Delivery.unscoped.filter(pk=other.pk).update(type="user_updated")

        api.patch(path, {"events": ["user_updated", "user_created"]})

        assert self.states(*waiting, other) == ["canceled", "canceled", "pending"]

    def test_leaves_a_test_event_whatever_types_are_wanted(self, api, path, endpoint):
        sent = api.post(f"{path}/test").json()

        api.patch(path, {"events": ["user_updated"]})

        assert api.get(f"{ALL}/{sent['id']}").json()["state"] == "pending"

    def test_is_canceled_with_its_endpoint_but_what_is_done_stays(self, api, path, endpoint, waiting):
        done = deliver(endpoint, 3, state="delivered", next_attempt_at=None)

        api.delete(path)

        assert self.states(*waiting, done) == ["canceled", "canceled", "delivered"]
        assert Delivery.unscoped.get(pk=waiting[0].pk).finished_at is not None
