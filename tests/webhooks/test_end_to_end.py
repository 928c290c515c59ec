"""From a browser's message to a customer's server: the relay and the engine at work, as in a worker."""

import hashlib
import hmac
import threading
import time
from ipaddress import ip_network
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Environment
from core import tenancy
from events.relay import Relay
from inboxes.models import Inbox
from tests.webhooks.receivers import answer
from tests.webhooks.story import Visitor
from webhooks.engine import WebhookEngine

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SOON = 30.0


@pytest.fixture(autouse=True)
def worker(settings, live):
    """The two engines that deliver; they may reach this machine."""
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    stop = threading.Event()
    threads = [threading.Thread(target=engine.run, args=[stop], daemon=True) for engine in (Relay(), WebhookEngine())]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join(SOON)


@pytest.fixture
def shop(api, live, receiver):
    """An inbox with a callback, and an endpoint beside it; returns the inbox and both secrets."""
    url = receiver.at("/callback")
    inbox = api.post("/v1/inboxes", {"name": "Shop", "channel": "api", "settings": {"webhook_url": url}}).json()
    endpoint = api.post("/v1/webhook-endpoints", {"url": receiver.at("/hook"), "events": ["message_in"]}).json()
    with tenancy.everyone():
        row = Inbox.of(Environment.objects.get(pk=live.pk)).get(name="Shop")
    return row, endpoint["secret"], inbox["webhook_secret"]


def test_a_message_reaches_whoever_listens_signed(shop, receiver):
    inbox, secret, _ = shop
    Visitor(inbox, name="Amine").say("Where is my order? ✓", echo_id="tmp-1")

    receiver.wait_for(3)
    [request] = receiver.to("/hook")
    told = Webhook(secret).verify(request.body, dict(request.headers))
    assert (told["type"], told["data"]["message_text"]) == ("message_in", "Where is my order? ✓")
    assert (told["data"]["source_channel"], told["source"], told["livemode"]) == ("api", "user", True)
    assert request.headers["webhook-id"] == told["id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.body.replace(b"order", b"refund"), dict(request.headers))


def test_a_callback_speaks_as_chatwoot_does(shop, receiver):
    inbox, _, secret = shop
    Visitor(inbox, name="Amine").say("Hello")

    receiver.wait_for(3)
    created, said = sorted(receiver.to("/callback"), key=lambda request: request.json["event"])
    assert (created.json["event"], said.json["event"]) == ("conversation_created", "message_created")
    assert (said.json["content"], said.json["message_type"]) == ("Hello", "incoming")
    for request in (created, said):
        signed = f"{request.headers['x-chatwoot-timestamp']}.".encode() + request.body
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert request.headers["x-chatwoot-signature"] == f"sha256={digest}"
        assert str(UUID(request.headers["x-chatwoot-delivery"])) == request.headers["x-chatwoot-delivery"]
        assert "webhook-signature" not in request.headers


def test_a_new_status_is_two_callbacks(api, shop, receiver):
    inbox, *_ = shop
    Visitor(inbox, name="Amine").say("Hello")
    [talk] = api.get("/v1/conversations").json()["data"]
    api.patch(f"/v1/conversations/{talk['id']}", {"status": "closed"})

    receiver.wait_for(5)
    told = [request.json for request in receiver.to("/callback")]
    closed = {body["event"]: body for body in told if "changed_attributes" in body}
    assert set(closed) == {"conversation_updated", "conversation_status_changed"}
    assert all(body["status"] == "resolved" for body in closed.values())
    ids = [request.headers["x-chatwoot-delivery"] for request in receiver.to("/callback")]
    assert len(set(ids)) == len(ids)


def test_an_erased_person_is_not_sent_again(api, shop, receiver):
    inbox, *_ = shop
    receiver.script(answer(500))
    Visitor(inbox, name="Amine").say("my secret words")
    receiver.wait_for(3)
    [amine] = api.get("/v1/users").json()["data"]

    api.delete(f"/v1/users/{amine['id']}")

    deadline = time.monotonic() + SOON
    while {each["state"] for each in api.get("/v1/webhook-deliveries").json()["data"]} != {"canceled"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for each in api.get("/v1/webhook-deliveries").json()["data"]:
        assert api.post(f"/v1/webhook-deliveries/{each['id']}/resend").status_code == 410
