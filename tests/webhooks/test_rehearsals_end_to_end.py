"""A receiver of the documentation, told by the real engine: it proves in the sandbox that it holds what it promises."""

import threading
import time
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.utils import timezone

from core import tenancy
from events.relay import Relay
from tests.conftest import mint
from tests.engines import until
from tests.servers import Server
from tests.webhooks import receivers
from tests.webhooks.customers import make_endpoint
from tests.webhooks.test_documented_receivers import available, running
from tests.webhooks.working import open_endpoint, queue
from webhooks.engine import WebhookEngine
from webhooks.models import Delivery
from webhooks.services import replays

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SOON = 30.0


@pytest.fixture(autouse=True)
def engine(settings):
    """The engine at work, in a thread as in a worker; it may reach this machine."""
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    stop = threading.Event()
    thread = threading.Thread(target=WebhookEngine().run, args=[stop], daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(SOON)


@pytest.fixture
def api(sandbox):
    """Acme's server with a key of the sandbox."""
    return Server(mint(sandbox))


@pytest.fixture
def talk(api):
    """A conversation of one message, told to nobody."""
    api.post("/v1/inboxes", {"name": "Shop", "channel": "api"})
    api.put("/v1/users/c-1", {"name": "Amine"})
    begun = api.post("/v1/conversations", {"user_id": "c-1", "text": "One"}).json()
    with tenancy.everyone():
        Relay().drain()
    return begun


def say(api, talk, text):
    """Say something, and have everybody told."""
    api.post(f"/v1/conversations/{talk['id']}/messages", {"text": text})
    with tenancy.everyone():
        Relay().drain()
    return api.get("/v1/events", types="message_out", limit=1).json()["data"][0]


def attempted(api, delivery, times=1):
    """Return a delivery once it was attempted so often and nothing is under way."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        shown = api.get(f"/v1/webhook-deliveries/{delivery['id']}", include="curl").json()
        if len(shown["attempts"]) >= times and shown["state"] != "delivering":
            return shown
        time.sleep(0.05)
    raise AssertionError(shown)


def deliveries(api, **query):
    return api.get("/v1/webhook-deliveries", **query).json()["data"]


@pytest.mark.parametrize("label", [available("Python, library"), available("Node, library")])
def test_a_receiver_passes_every_rehearsal(api, talk, tmp_path, label):
    made = make_endpoint(api, url="http://93.184.216.34/later")
    with running(label, tmp_path, secret=made["secret"]) as receiver:
        api.patch(f"/v1/webhook-endpoints/{made['id']}", {"url": f"http://127.0.0.1:{receiver.port}/"})
        event = say(api, talk, "Two")
        for each in deliveries(api, event=event["id"]):
            assert attempted(api, each)["state"] == "delivered"

        for mode in ("duplicate", "reorder", "delay", "bad_signature", "stale_timestamp"):
            more = {"delay_seconds": 1} if mode == "delay" else {}
            sent = api.post(f"/v1/sandbox/events/{event['id']}/redeliver", {"mode": mode, **more}).json()["data"]
            for each in sent:
                shown = attempted(api, each)
                assert shown["rehearsal"]["passed"] is True, shown
                assert len(shown["attempts"]) == 1

        assert sum(line.startswith("message_out") for line in receiver.log.splitlines()) == 2


def test_a_receiver_that_believes_everything_does_not_pass(api, talk, receiver):
    make_endpoint(api, url=receiver.url)
    event = say(api, talk, "Two")

    for mode, passed in (("duplicate", True), ("bad_signature", False), ("stale_timestamp", False)):
        [*sent] = api.post(f"/v1/sandbox/events/{event['id']}/redeliver", {"mode": mode}).json()["data"]
        assert [attempted(api, each)["rehearsal"]["passed"] for each in sent] == [passed] * len(sent)


def test_what_came_first_is_sent_last_when_the_order_is_rehearsed(api, talk, receiver):
    make_endpoint(api, url=receiver.at("/quiet"), events=["message_out"])
    first, second = say(api, talk, "Two"), say(api, talk, "Three")
    make_endpoint(api, url=receiver.at("/rehearsal"), events=["message_out"])

    sent = api.post(f"/v1/sandbox/events/{first['id']}/redeliver", {"mode": "reorder"}).json()["data"]
    for each in sent:
        attempted(api, each)

    assert [each.json["sequence"] for each in receiver.to("/rehearsal")] == [second["sequence"], first["sequence"]]


def test_what_fails_is_attempted_again_within_minutes(sandbox, live, receiver):
    receiver.script(receivers.answer(500))
    with tenancy.everyone():
        failing = [queue(open_endpoint(each, receiver.url), attempts=1, tries=1)[0] for each in (sandbox, live)]
        until(lambda: Delivery.unscoped.filter(state="pending", tries=2).count() == 2)
        waits = [Delivery.unscoped.get(pk=each.pk).next_attempt_at - timezone.now() for each in failing]

    assert waits[0] <= timedelta(seconds=72) < timedelta(minutes=3) < waits[1]


def test_a_capture_shows_the_request_and_sends_nothing(api, talk, receiver):
    make_endpoint(api, url=receiver.url, captures=True)
    event = say(api, talk, "Two")
    [sent] = deliveries(api, event=event["id"])

    shown = attempted(api, sent)

    [attempt] = shown["attempts"]
    assert (shown["state"], attempt["error_class"], attempt["status_code"]) == ("delivered", "captured", None)
    assert attempt["request_headers"]["webhook-signature"].startswith("v1,")
    assert event["id"] in shown["body"]
    assert "--data-raw" in shown["curl"]
    assert receiver.requests == []


def test_a_test_event_arrives_even_while_the_endpoint_is_paused(api, receiver):
    made = make_endpoint(api, url=receiver.url, events=["message_in"])
    api.patch(f"/v1/webhook-endpoints/{made['id']}", {"state": "paused"})

    sent = api.post(f"/v1/webhook-endpoints/{made['id']}/test").json()

    [request] = receiver.wait_for(1)
    assert (request.json["type"], request.json["test"]) == ("endpoint_test", True)
    assert request.headers["webhook-id"] == sent["event_id"]
    assert attempted(api, sent)["state"] == "delivered"


def test_what_failed_is_recovered_with_the_same_id(api, talk, receiver):
    made = make_endpoint(api, url=receiver.url, events=["message_out"])
    receiver.script(receivers.answer(500))
    event = say(api, talk, "Two")
    [sent] = deliveries(api, event=event["id"])
    attempted(api, sent)
    receiver.script(receivers.answer(204))

    api.post(f"/v1/webhook-endpoints/{made['id']}/recover", {"since": event["timestamp"]})
    with tenancy.everyone():
        assert replays.trickle() == 1

    shown = attempted(api, sent, times=2)
    assert shown["state"] == "delivered"
    assert [each["trigger"] for each in shown["attempts"]] == ["auto", "recover"]
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == event["id"]
    assert first.body == second.body


def test_what_arrived_is_replayed_with_the_same_id(api, talk, receiver):
    made = make_endpoint(api, url=receiver.url, events=["message_out"])
    event = say(api, talk, "Two")
    receiver.wait_for(1)
    [sent] = deliveries(api, event=event["id"])
    attempted(api, sent)

    api.post(f"/v1/webhook-endpoints/{made['id']}/replay", {"since": event["timestamp"]})
    with tenancy.everyone():
        assert replays.trickle() == 1

    first, second = receiver.wait_for(2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    shown = attempted(api, sent, times=2)
    assert [each["trigger"] for each in shown["attempts"]] == ["auto", "replay"]
