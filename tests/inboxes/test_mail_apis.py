"""Mail by providers' APIs, as django-anymail speaks them, to a server on the loopback."""

import json
import time
import uuid
from dataclasses import replace
from ipaddress import ip_network
from urllib.parse import unquote_plus

import pytest

from inboxes.channels.mails import providers
from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from inboxes.channels.outgoing import Mail, MailOrder, Outgoing
from inboxes.transport import mail
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT, Accident
from tests.inboxes.letters import EMAIL, MESSAGE_ID, OURS
from tests.ports import free_port
from tests.providers.server import Provider, answer, answer_json, half_a_line, hang, hang_up, reset

KEY = "key-0123456789"
MAILERSENDS = {"X-Message-Id": "bb", "Content-Type": "text/html"}
ANSWERS = {
    "postmark": {"To": "amine@example.test", "MessageID": "22c7-4902", "ErrorCode": 0, "Message": "OK"},
    "mailgun": {"id": "<1.2@mg.acme.test>", "message": "Queued. Thank you."},
    "resend": {"id": "49a3999c"},
    "brevo": {"messageId": "<3.4@smtp-relay.mailin.test>"},
    "sendinblue": {"messageId": "<3.4@smtp-relay.mailin.test>"},
    "sparkpost": {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "66"}},
    "mailersend": None,
    "mailjet": {"Messages": [{"Status": "success", "To": [{"Email": "amine@example.test", "MessageID": 77}]}]},
    "mailtrap": {"success": True, "message_ids": ["88"]},
    "mandrill": [{"email": "amine@example.test", "status": "sent", "_id": "99"}],
    "scaleway": {"emails": [{"id": "aa", "message_id": "aa", "mail_rcpt": "amine@example.test"}]},
}


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]


class MailProvider(Provider):
    """Takes every mail in the words of the provider it stands for."""

    name = "postmark"

    def reply(self, request):
        said = ANSWERS[self.name]
        return answer(202, headers=MAILERSENDS) if said is None else answer_json(said)


@pytest.fixture
def provider():
    with MailProvider() as running:
        yield running


def message(**fields):
    return Outgoing(**{"id": OURS, "retry_key": uuid.UUID(int=1), "address": "amine@example.test", "type": "text",
                       "text": "Hello", "mail": Mail(subject="Order 42"), **fields})  # fmt: skip


def order(provider, name="postmark", said=None, **settings):
    given = {"from_address": "help@acme.test", "from_name": "Acme", "provider": name, "api_key": KEY, "api_secret": "s",
             "project_id": "p", "sender_domain": "acme.test", **settings}  # fmt: skip
    made = EMAIL.order(said or message(), given)
    assert isinstance(made, MailOrder)
    where = provider if isinstance(provider, str) else f"{provider.base}/v1/"
    return replace(made, options={**made.options, "api_url": where}, seconds=30.0)


def outcome(made):
    result = mail.send(made, livemode=True)
    return result.kind if isinstance(result, Accident) else EMAIL.judge(result, message())


class TestAProviderThatTakesIt:
    @pytest.mark.parametrize("name", providers.CARRIERS)
    def test_gets_the_mail_and_its_name_is_kept(self, provider, name):
        provider.name = name

        judged = outcome(order(provider, name))

        assert isinstance(judged, Sent)
        (request,) = provider.requests
        told = unquote_plus(request.body.decode(errors="replace"))
        assert "amine@example.test" in told
        assert "Order 42" in told
        assert KEY in str(request.headers) + told or "Basic" in str(request.headers)
        assert OURS in told

    def test_gets_what_threads_and_what_comes_back(self, provider):
        said = message(mail=Mail(subject="Order 42", references=["<1@a.test>"], cc=("lina@example.test",)))

        assert outcome(order(provider, said=said, inbound_domain="in.acme.test")) == Sent("22c7-4902")

        told = provider.requests[0].json
        headers = {each["Name"]: each["Value"] for each in told["Headers"]}
        assert headers["Message-ID"] == MESSAGE_ID
        assert headers["References"] == "<1@a.test>"
        assert headers["X-PM-KeepID"] == "true"
        assert (told["Subject"], told["Cc"]) == ("Re: Order 42", "lina@example.test")
        assert told["Metadata"] == {"dexra_message": OURS}
        assert told["ReplyTo"].startswith("Acme <reply+")

    def test_and_whose_answer_nobody_understands_has_been_sent(self, provider):
        provider.meets(answer(200, b"<html>"), taken=True)

        assert outcome(order(provider)) == Sent("")

    def test_in_a_way_its_backend_trips_over_has_been_sent(self, provider):
        provider.meets(answer(202), taken=True)  # MailerSend's backend asks for a type

        assert outcome(order(provider, "mailersend")) == Sent("")

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            ("Found inactive addresses: amine@example.test. Inactive recipients are ones", "recipient_not_reachable"),
            ("something new", "invalid_for_provider"),
        ],
    )
    def test_and_knows_that_the_address_is_none_has_not_sent_it(self, provider, words, code):
        provider.meets(answer_json({"ErrorCode": 406, "Message": words}, status=422))

        judged = outcome(order(provider))

        assert isinstance(judged, Rejected)
        assert (judged.code, judged.disconnects) == (code, False)


class TestAProviderThatDoesNot:
    @pytest.mark.parametrize(
        ("act", "expected"),
        [
            (answer(401, b"no"), Rejected("channel_auth_failed", "no", "401", disconnects=True)),
            (answer(429, b"x", headers={"Retry-After": "9"}), Deferred("rate_limited", "x", "429", 9.0, "account")),
            (answer(503, b"down"), Uncertain("no_answer", "down")),
            (answer(302, b"x", headers={"Location": "/elsewhere"}), Rejected("invalid_for_provider", "x", "302")),
            (reset(), AMBIGUOUS),
            (hang_up(), AMBIGUOUS),
            (half_a_line(), AMBIGUOUS),
        ],
    )  # fmt: skip
    def test_is_understood(self, provider, act, expected):
        provider.keeps_meeting(act)

        assert outcome(order(provider)) == expected
        assert len(provider.requests) == 1  # nobody tries twice below us

    @pytest.mark.slow
    def test_and_hangs_ends_in_time(self, provider):
        provider.keeps_meeting(hang())
        began = time.monotonic()

        assert outcome(replace(order(provider), seconds=1.0)) == AMBIGUOUS
        assert time.monotonic() - began < 30

    def test_and_is_not_there_has_certainly_not_sent(self):
        assert outcome(order(f"http://127.0.0.1:{free_port()}/")) == NOT_SENT

    def test_and_is_on_a_private_network_is_not_called(self, provider, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []

        result = mail.send(order(provider), livemode=True)

        assert result == Accident(NOT_SENT, "The address is not public.")
        assert provider.requests == []

    def test_and_is_asked_through_nobodys_proxy(self, provider, monkeypatch):
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

        assert isinstance(outcome(order(provider)), Sent)

    def test_without_a_key_disconnects(self, provider):
        made = order(provider)
        options = {name: value for name, value in made.options.items() if name != "server_token"}

        judged = outcome(replace(made, options=options))

        assert isinstance(judged, Rejected)
        assert judged.disconnects
        assert provider.requests == []


def test_no_secret_is_in_what_is_told_of_an_accident():
    result = mail.send(order("http://127.0.0.1:1/"), livemode=True)

    assert isinstance(result, Accident)
    assert KEY not in json.dumps([result.kind, result.detail])
