"""WhatsApp from end to end: somebody writes, is answered, and what became of the answer is known."""

from ipaddress import ip_network

import pytest

from conversations.models import Message
from inbound.engine import InboundEngine
from tests.engines import until
from tests.inbound.callers import open_carried
from tests.inbound.whatsapp import WhatsApp
from tests.outbound.working import at_work
from tests.providers import graph
from tests.providers.server import reset

pytestmark = pytest.mark.django_db(transaction=True)
ANA = "+16505551234"


@pytest.fixture
def meta(settings):
    """Meta, as far as it can be asked."""
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
    with graph.Graph() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "whatsapp": running.base}
        yield running


@pytest.fixture
def ana(live, anyone):
    """Ana's telephone, from which she has written just now."""
    phone = WhatsApp(open_carried(live, "whatsapp"))
    phone.hears("Is it there?", by=ANA.removeprefix("+"))
    InboundEngine().drain()
    return phone


def send(api, **body):
    """Ask for a message to Ana; returns its id."""
    answer = api.post("/v1/send-message", {"recipient_id": ANA, "channel": "whatsapp", **body})
    assert answer.status_code == 202, answer.json()
    return answer.json()["id"]


def status_of(api, message_id):
    return api.get(f"/v1/messages/{message_id}").json()["status"]


def tell(phone, call):
    """Have Meta's call come through the door."""
    assert phone.calls(call.body).status_code == 200
    InboundEngine().drain()


def test_an_answer_goes_out_and_comes_back_as_read(api, meta, ana):
    message_id = send(api, text="It is.")
    with at_work():
        until(lambda: status_of(api, message_id) == "sent")

    [taken] = meta.sent
    assert (taken["to"], taken["text"]["body"], taken["biz_opaque_callback_data"]) == (ANA[1:], "It is.", message_id)
    for status in ("delivered", "read", "sent"):
        tell(ana, meta.status(taken, status))
    message = api.get(f"/v1/messages/{message_id}").json()
    assert [each["status"] for each in message["timeline"]] == ["queued", "sending", "sent", "delivered", "read"]
    assert message["conversation_id"] == Message.unscoped.get(direction="inbound").conversation.public_id


def test_an_answer_of_metas_that_was_lost_is_made_good_by_the_echo_of_our_id(api, meta, ana):
    meta.meets(reset(), taken=True)
    message_id = send(api, text="It is.")
    with at_work():
        until(lambda: status_of(api, message_id) == "unknown")
        tell(ana, meta.status(meta.sent[0], "delivered"))
        until(lambda: status_of(api, message_id) == "delivered")

    assert len(meta.sent) == 1


def test_a_message_that_meta_cannot_deliver_says_why(api, meta, ana):
    message_id = send(api, text="It is.")
    with at_work():
        until(lambda: status_of(api, message_id) == "sent")
    tell(ana, meta.status(meta.sent[0], "failed", code=131026))

    failure = api.get(f"/v1/messages/{message_id}").json()["failure"]
    assert (failure["code"], failure["provider_code"]) == ("recipient_not_reachable", "131026")


def test_what_whatsapp_would_refuse_is_refused_at_once_with_everything_that_is_wrong(api, meta, ana):
    buttons = [{"id": str(n), "title": "A title of 21 letters" if n else "Yes"} for n in range(4)]
    answer = api.post(
        "/v1/send-message",
        {"recipient_id": ANA, "channel": "whatsapp", "message_type": "button",
         "button": {"text": "Well?", "buttons": buttons}},
    )  # fmt: skip

    assert answer.status_code == 422
    found = {(each["field"], each["code"]) for each in answer.json()["error"]["errors"]}
    assert ("button.buttons", "too_many") in found
    assert {f"button.buttons.{n}.title" for n in (1, 2, 3)} <= {field for field, _ in found}
    assert meta.sent == []
