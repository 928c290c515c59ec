"""SMS by Vonage: what is sent, what its answers mean, which callbacks are genuine and what they say."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest

from inboxes.channels.incoming import IncomingFile, Place, Receipt
from inboxes.channels.outcomes import Deferred, Rejected, Sent, Uncertain
from inboxes.channels.sms import Sms
from tests.providers import vonage as fake
from tests.providers.words import answered, asked, called, names_of, outgoing, recorded, told

SMS = Sms()
SETTINGS = {
    "provider": "vonage", "api_key": fake.KEY, "api_secret": fake.SECRET, "from": fake.NUMBER,
    "signature_secret": fake.SIGNATURE_SECRET,
}  # fmt: skip
PERSON = "+351912345678"
URL = "https://dexra.test/inbound/sms/abc"


@pytest.fixture
def provider(settings):
    with fake.Vonage() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "vonage": running.base}
        yield running


def send(message, settings=SETTINGS):
    return SMS.judge(asked(SMS.order(message, settings)), message)


def one(name):
    [incoming] = told(SMS, SETTINGS, "vonage", name)
    return incoming


def recorded_and_signed(name, **claims):
    return fake.signed(URL, json.loads(recorded("vonage", name)), **claims).read


class TestSetUp:
    @pytest.mark.parametrize(("secret", "code"), [(fake.SECRET, None), ("wrong", "channel_auth_failed")])
    def test_the_account_is_asked_for(self, provider, secret, code):
        settings = {**SETTINGS, "api_secret": secret}
        problem = SMS.judge_check(asked(SMS.check_order(settings)), settings).problem

        assert (problem.code if problem else None) == code

    def test_an_outage_is_no_wrong_secret(self):
        assert SMS.judge_check(answered(502), SETTINGS).problem.code == "provider_unavailable"


class TestOrder:
    def test_a_text_with_our_id_and_where_to_tell(self):
        order = SMS.order(outgoing(PERSON, "Olá", callback_url=URL), SETTINGS)

        assert (order.method, order.path) == ("POST", "/v1/messages")
        assert order.json == {
            "channel": "sms", "message_type": "text", "to": "351912345678", "from": fake.NUMBER, "text": "Olá",
            "client_ref": "msg_abc", "webhook_url": URL,
        }  # fmt: skip
        assert fake.SECRET in order.secrets
        assert order.headers["Authorization"] in order.secrets

    def test_a_code_has_an_end(self):
        assert SMS.order(outgoing(PERSON, category="authentication"), SETTINGS).json["ttl"] == 600

    def test_the_callers_own_fields_never_change_the_recipient(self):
        message = outgoing(PERSON, overrides={"sms": {"entity_id": "1"}, "to": "1"})

        assert SMS.order(message, SETTINGS).json["to"] == "351912345678"
        assert SMS.order(message, SETTINGS).json["sms"] == {"entity_id": "1"}
        assert [problem.field for problem in SMS.problems_of(message, SETTINGS)] == ["overrides.sms.to"]


class TestAnswers:
    def test_a_message_is_known_by_its_uuid(self, provider):
        assert send(outgoing(PERSON)) == Sent(provider.messages[0]["message_uuid"])

    def test_whoever_opted_out_gets_nothing_more(self, provider):
        outcome = send(outgoing(f"+{fake.BARRED}"))

        assert (outcome.code, outcome.provider_code, outcome.suppresses) == ("opted_out", "1240", "all")

    def test_a_wrong_secret_disconnects(self, provider):
        outcome = send(outgoing(PERSON), {**SETTINGS, "api_secret": "wrong"})

        assert (outcome.code, outcome.disconnects) == ("channel_auth_failed", True)

    @pytest.mark.parametrize(
        ("status", "code", "ours", "disconnects"),
        [
            (422, "1010", "invalid_for_provider", False), (422, "1020", "invalid_for_provider", False),
            (422, "1040", "invalid_recipient", False), (422, "1050", "recipient_not_reachable", False),
            (402, "1060", "account_restricted", True), (402, "1070", "account_restricted", True),
            (422, "1120", "invalid_for_provider", False), (422, "1160", "recipient_not_reachable", False),
            (422, "1170", "invalid_recipient", False), (402, "low-balance", "account_restricted", True),
            (403, "forbidden", "account_restricted", True), (422, "9999", "invalid_for_provider", False),
        ],
    )  # fmt: skip
    def test_every_code_has_a_meaning(self, status, code, ours, disconnects):
        kind = f"{fake.ERRORS}/messages#{code}"
        outcome = SMS.judge(answered(status, {"type": kind, "title": "Words", "detail": "d"}), outgoing(PERSON))

        assert isinstance(outcome, Rejected)
        assert (outcome.code, outcome.disconnects, outcome.detail) == (ours, disconnects, "d")

    @pytest.mark.parametrize(("status", "code"), [(429, "1000"), (422, "1000"), (422, "1100")])
    def test_what_was_never_taken_is_tried_again(self, status, code):
        said = {"type": f"{fake.ERRORS}/messages#{code}", "title": "Throttled", "detail": "d"}

        assert SMS.judge(answered(status, said), outgoing(PERSON)) == Deferred(
            "rate_limited", "d", code, None, "account"
        )

    def test_a_fault_of_vonages_may_have_sent_it(self):
        said = {"type": f"{fake.ERRORS}/messages#1030", "title": "Internal error", "detail": "d"}

        assert SMS.judge(answered(500, said), outgoing(PERSON)) == Uncertain(detail="d")

    def test_taken_without_a_word_is_taken(self):
        assert SMS.judge(answered(202, b""), outgoing(PERSON)) == Sent("")


class TestSignature:
    @pytest.mark.parametrize("name", names_of("vonage"))
    def test_a_signed_body_is_vonages(self, name):
        callback = recorded_and_signed(name)

        assert SMS.recognises(callback, SETTINGS)
        assert SMS.concerns(callback, SETTINGS)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda callback: replace(callback, body=callback.body + b" "), id="another body"),
            pytest.param(lambda callback: replace(callback, headers={}), id="no token"),
            pytest.param(
                lambda callback: replace(callback, headers={"authorization": "Bearer a.b"}), id="half a token"
            ),
            pytest.param(lambda callback: replace(callback, headers={"authorization": "Bearer ☃.b.c"}), id="no base64"),
            pytest.param(lambda callback: replace(callback, headers={"authorization": "Basic a.b.c"}), id="no bearer"),
        ],
    )
    def test_whatever_is_changed_breaks_it(self, change):
        assert not SMS.recognises(change(recorded_and_signed("text")), SETTINGS)

    def test_another_secret_signs_for_somebody_else(self):
        callback = fake.signed(URL, {"to": fake.NUMBER}, secret="another-secret-that-is-long-enough!!").read

        assert not SMS.recognises(callback, SETTINGS)
        assert not SMS.recognises(callback, {**SETTINGS, "signature_secret": ""})

    def test_a_token_that_says_it_needs_no_signature_is_none(self):
        callback = recorded_and_signed("text")
        claims = callback.headers["authorization"].split(".")[1]
        header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")

        for token in (f"{header}.{claims}.", f"{header}.{claims}"):
            assert not SMS.recognises(replace(callback, headers={"authorization": f"Bearer {token}"}), SETTINGS)

    def test_a_token_of_another_algorithm_is_none(self):
        callback = recorded_and_signed("text")
        claims = jwt.decode(callback.headers["authorization"][7:], options={"verify_signature": False})
        longer = jwt.encode(claims, fake.SIGNATURE_SECRET * 2, algorithm="HS512")

        assert not SMS.recognises(replace(callback, headers={"authorization": f"Bearer {longer}"}), SETTINGS)

    def test_a_token_past_its_end_is_none(self):
        assert not SMS.recognises(recorded_and_signed("text", exp=1), SETTINGS)
        assert SMS.recognises(recorded_and_signed("text", exp=4_000_000_000), SETTINGS)

    def test_another_account_or_number_is_somebody_elses(self):
        assert not SMS.concerns(recorded_and_signed("text", api_key="other"), SETTINGS)
        assert not SMS.concerns(recorded_and_signed("text"), {**SETTINGS, "from": "15550001111"})
        assert not SMS.concerns(recorded_and_signed("status_delivered"), {**SETTINGS, "from": "15550001111"})


class TestRead:
    def test_a_text(self):
        said = one("text")

        assert (said.id, said.text) == ("aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", "Where is my order?")
        assert (said.sender.address, said.sender.phone_number) == (PERSON, PERSON)
        assert said.at == datetime(2026, 11, 20, 20, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("name", "files", "text"),
        [
            ("image", [IncomingFile("image", "https://api-us.nexmo.com/v3/media/1b456509", "a.jpg")], "This one"),
            ("vcard", [IncomingFile("file", "https://api-us.nexmo.com/v3/media/2b456509", "rui.vcf")], ""),
        ],
    )
    def test_files(self, name, files, text):
        assert (one(name).files, one(name).text) == (files, text)

    @pytest.mark.parametrize(
        ("url", "is_told"),
        [
            ("https://api-us.nexmo.com/v3/media/1", True),
            ("http://api-us.nexmo.com/v3/media/1", False),
            ("https://nexmo.com.evil.test/1", False),
            ("https://evil.test/.nexmo.com", False),
        ],
    )
    def test_credentials_are_told_to_vonage_alone(self, url, is_told):
        assert bool(SMS.file_order(IncomingFile("image", url), SETTINGS).headers) is is_told

    def test_a_place_a_choice_and_what_has_no_place_here(self):
        assert one("location").places == [Place(38.7223, -9.1393, "Café Central", "Rua A 1, Lisboa")]
        assert (one("reply").choice, one("reply").text) == ("yes", "Yes, send it")
        assert one("reply").reply_to == "ffffffff-bbbb-4ccc-8ddd-0123456789ab"
        assert (one("order").unsupported, one("order").raw["order"]) == ("order", {"catalog_id": "1"})

    @pytest.mark.parametrize(
        ("name", "status", "code"),
        [
            ("status_submitted", "sent", None),
            ("status_delivered", "delivered", None),
            ("status_read", "read", None),
            ("status_rejected", "failed", "opted_out"),
            ("status_undeliverable", "failed", "undelivered"),
        ],
    )
    def test_receipts(self, name, status, code):
        receipt = one(name)

        assert isinstance(receipt, Receipt)
        assert (receipt.status, receipt.message_id, receipt.address) == (status, "msg_abc", PERSON)
        assert (receipt.failure.code if receipt.failure else None) == code

    def test_a_status_nobody_knows_is_no_news(self):
        assert told(SMS, SETTINGS, "vonage", "status_unknown") == []

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"message_type":"text"}', b'{"status":[]}',
                                      b'{"status":"delivered","timestamp":"soon","message_uuid":"1"}'])  # fmt: skip
    def test_what_is_no_callback_of_vonages_is_refused(self, body):
        with pytest.raises(ValueError, match=r".+"):
            SMS.read(called(body), SETTINGS)

    def test_a_receipt_finds_its_way_back(self, provider):
        send(outgoing(PERSON, callback_url=URL))
        callback = provider.told(provider.messages[0], "delivered").read

        assert SMS.recognises(callback, SETTINGS)
        assert [receipt.message_id for receipt in SMS.read(callback, SETTINGS)] == ["msg_abc"]
        assert SMS.answer(callback).body == b""
