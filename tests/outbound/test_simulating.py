"""The sandbox: nobody is called; whoever a message is for decides what becomes of it, as a provider would tell it."""

import pytest
from django.utils import timezone

from contacts.models import Suppression
from conversations.models import Message
from inbound.engine import InboundEngine
from inbound.models import RawCallback
from outbound.models import Attempt
from tests.conftest import mint
from tests.inbound.callers import PEOPLE, open_carried
from tests.outbound.working import at_work, say, settled
from tests.servers import Server, wrong_fields

pytestmark = pytest.mark.django_db(transaction=True)

PHONES = ["whatsapp", "twilio", "vonage"]
# What providers tell of a message that arrived, and of one that was read.
ARRIVED = {"whatsapp": "delivered", "twilio": "delivered", "vonage": "delivered", "messenger": "delivered"}
READ = {**ARRIVED, "whatsapp": "read", "messenger": "read", "instagram": "read"}
MAGIC = dict(zip(["invalid", "failed", "undelivered", "opted_out", "throttled", "read", "unknown", "window_closed",
                  "duplicate"], range(1, 10), strict=True))  # fmt: skip


def magic(provider, name):
    if provider in PHONES:
        return f"+1500555000{MAGIC[name]}"
    return f"sandbox_{name}@example.com" if provider == "email" else f"sandbox_{name}"


@pytest.fixture
def send(sandbox, relay):
    """Send to somebody by a provider, and let everything happen that it brings; returns the message."""

    def act(provider, address, *, state="sent"):
        inbox = open_carried(sandbox, provider)
        dispatch = say(inbox, address, mail={"subject": "Hello"} if provider == "email" else {})
        with at_work():
            settled([dispatch], state)
        relay.drain()
        RawCallback.unscoped.update(next_attempt_at=timezone.now())
        InboundEngine().drain()
        return Message.unscoped.get(pk=dispatch.message_id)

    return act


def steps(message):
    return [each["status"] for each in message.timeline]


class TestAnybody:
    @pytest.mark.parametrize("provider", PEOPLE)
    def test_gets_what_is_sent_as_far_as_the_provider_tells(self, send, provider):
        message = send(provider, PEOPLE[provider])

        assert message.status == ARRIVED.get(provider, "sent")
        assert message.provider_id

    def test_is_sent_what_the_provider_would_have_been_asked_for(self, send):
        send("telegram", "42")

        request = Attempt.unscoped.get().request
        assert request["url"].endswith("/sendMessage")
        assert '"chat_id":42' in request["body"]


@pytest.mark.parametrize("provider", PEOPLE)
class TestMagicRecipients:
    def test_one_reads(self, send, provider):
        assert send(provider, magic(provider, "read")).status == READ.get(provider, "sent")

    def test_one_cannot_be_reached(self, send, provider):
        message = send(provider, magic(provider, "failed"), state="failed")

        assert message.failure["code"] == "recipient_not_reachable"
        assert not Suppression.unscoped.exists()

    def test_one_gets_nothing(self, send, provider):
        has_receipt = provider in {*PHONES, "email"}
        message = send(provider, magic(provider, "undelivered"), state="sent" if has_receipt else "failed")

        assert message.status == "failed"
        assert message.failure["code"] == "undelivered"
        assert bool(message.failure["provider_code"]) == has_receipt
        assert ("sent" in steps(message)) == has_receipt

    def test_one_is_told_of_twice_and_in_disorder(self, send, provider):
        message = send(provider, magic(provider, "duplicate"))

        assert message.status == ARRIVED.get(provider, "sent")
        assert len(steps(message)) == len(set(steps(message)))


@pytest.mark.parametrize("provider", PEOPLE)
class TestRecipientsOfTheSandbox:
    @pytest.mark.parametrize(
        ("name", "code"),
        [("invalid", "invalid_recipient"), ("opted_out", "opted_out"), ("window_closed", "window_closed")],
    )
    def test_some_are_refused_at_once(self, sandbox, provider, name, code):
        assert wrong_fields(self.ask(sandbox, provider, name)) == {"recipient_id": code}

    def test_the_others_are_written_to_by_their_names(self, sandbox, provider):
        said = self.ask(sandbox, provider, "read")

        assert (said.status_code, said.json()["recipient_id"]) == (202, magic(provider, "read"))

    def test_there_are_none_in_the_real_world(self, live, provider):
        if provider not in PHONES and provider != "email":
            assert wrong_fields(self.ask(live, provider, "read")) == {"recipient_id": "recipient_not_reachable"}

    def ask(self, environment, provider, name):
        inbox = open_carried(environment, provider)
        body = {"channel": inbox.channel, "recipient_id": magic(provider, name), "text": "Hi"}
        mail = {"email": {"subject": "Hello"}} if provider == "email" else {}
        return Server(mint(environment)).post("/v1/send-message", {**body, **mail})


class TestTakingTime:
    def test_one_has_to_be_asked_three_times(self, send):
        message = send("whatsapp", magic("whatsapp", "throttled"))

        assert message.status == "delivered"
        assert [each.state for each in Attempt.unscoped.order_by("n")] == ["deferred", "deferred", "sent"]

    @pytest.mark.parametrize("provider", ["whatsapp", "twilio", "vonage", "messenger"])
    def test_of_one_nobody_knows_until_a_receipt_names_the_message(self, send, provider):
        message = send(provider, magic(provider, "unknown"), state="unknown")

        assert "unknown" in steps(message)
        assert message.status == "delivered"
        assert Attempt.unscoped.count() == 1

    def test_where_doubles_are_folded_one_is_simply_sent_again(self, send):
        message = send("line", magic("line", "unknown"))

        assert message.status == "sent"
        assert [each.state for each in Attempt.unscoped.order_by("n")] == ["uncertain", "sent"]

    @pytest.mark.parametrize("name", ["opted_out", "window_closed"])
    def test_some_are_refused_when_their_turn_comes(self, send, name):
        message = send("whatsapp", magic("whatsapp", name), state="failed")

        assert message.failure["code"] == name


class TestTheRealWorld:
    def test_is_not_played(self, live, relay):
        dispatch = say(open_carried(live, "whatsapp"), "+212600000001")
        Message.unscoped.filter(pk=dispatch.message_id).update(status="sent")
        relay.drain()

        assert not RawCallback.unscoped.exists()
