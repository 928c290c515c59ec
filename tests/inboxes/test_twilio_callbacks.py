"""SMS by Twilio, inwards: which callbacks are genuine, and what they say."""

import hashlib
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from django.http import QueryDict
from twilio.request_validator import RequestValidator

from inboxes.channels import twilio
from inboxes.channels.incoming import Consent, IncomingFile, Place, Receipt, Said
from inboxes.channels.outcomes import Rejected
from inboxes.channels.sms import Sms
from inboxes.transport import http
from tests.providers import twilio as fake
from tests.providers.words import RECEIVED_AT, asked, called, names_of, outgoing, recorded, told

SMS = Sms()
SETTINGS = {"provider": "twilio", "account_sid": fake.ACCOUNT, "auth_token": fake.TOKEN, "from": fake.NUMBER}
PERSON = "+351912345678"
URL = "https://dexra.test/inbound/sms/abc"


@pytest.fixture
def provider(settings):
    with fake.Twilio() as running:
        settings.PROVIDER_BASES = {**settings.PROVIDER_BASES, "twilio": running.base}
        yield running


def send(message, settings=SETTINGS):
    return SMS.judge(asked(SMS.order(message, settings)), message)


def one(name, query=None):
    [incoming] = told(SMS, SETTINGS, "twilio", name, query)
    return incoming


def signed(name, url=URL, token=fake.TOKEN):
    body = recorded("twilio", name)
    signature = twilio.sign(token, url, parse_qsl(body.decode(), keep_blank_values=True))
    return called(body, url=url, headers={"x-twilio-signature": signature})


class TestSignature:
    def test_known_answers(self):
        url, fields = "https://mycompany.com/myapp.php?foo=1&bar=2", {
            "CallSid": "CA1234567890ABCDE", "Digits": "1234", "To": "+18005551212",
            "Caller": "+14158675310", "From": "+14158675310",
        }  # fmt: skip

        assert twilio.sign("12345", url, fields.items()) == "GvWf1cFY/Q7PnoempGyD5oXAezc="

    @pytest.mark.parametrize("name", names_of("twilio"))
    def test_twilios_library_signs_every_form_alike(self, name):
        body = recorded("twilio", name).decode()
        theirs = RequestValidator(fake.TOKEN).compute_signature(URL, dict(parse_qsl(body, keep_blank_values=True)))

        assert SMS.recognises(called(body.encode(), url=URL, headers={"x-twilio-signature": theirs}), SETTINGS)

    @pytest.mark.parametrize(
        ("told", "signed"),
        [
            (URL, URL), (f"{URL}?a=1&b=", f"{URL}?a=1&b="),
            (URL, URL.replace("dexra.test", "dexra.test:443")), (URL.replace("dexra.test", "dexra.test:443"), URL),
            (URL.replace("dexra.test", "dexra.test:8443"), URL.replace("dexra.test", "dexra.test:8443")),
        ],
    )  # fmt: skip
    def test_the_usual_port_may_be_said_or_not(self, told, signed):
        fields = {"MessageSid": "SM1"}
        theirs = RequestValidator(fake.TOKEN).compute_signature(signed, fields)

        assert SMS.recognises(
            called(urlencode(fields).encode(), url=told, headers={"x-twilio-signature": theirs}), SETTINGS
        )

    def test_a_repeated_field_counts_each_value_once(self):
        body = "M=b&M=a&M=b&N=1"
        theirs = RequestValidator(fake.TOKEN).compute_signature(URL, QueryDict(body))

        assert SMS.recognises(called(body.encode(), url=URL, headers={"x-twilio-signature": theirs}), SETTINGS)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda callback: replace(callback, body=callback.body + b"&x="), id="one empty field more"),
            pytest.param(lambda callback: replace(callback, url=URL + "?message_id=msg_other"), id="another query"),
            pytest.param(lambda callback: replace(callback, url=URL.replace("https", "http")), id="another scheme"),
            pytest.param(lambda callback: replace(callback, headers={}), id="no signature"),
            pytest.param(lambda callback: replace(callback, headers={"x-twilio-signature": "☃"}), id="no base64"),
            pytest.param(lambda callback: replace(callback, query={"bodySHA256": "0" * 64}), id="another body"),
        ],
    )
    def test_whatever_is_changed_breaks_it(self, change):
        callback = signed("text")

        assert SMS.recognises(callback, SETTINGS)
        assert not SMS.recognises(change(callback), SETTINGS)
        assert not SMS.recognises(signed("text", token="another"), SETTINGS)

    def test_a_body_that_is_no_form_is_signed_by_its_digest(self):
        body = b'{"a":1}'
        url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
        theirs = RequestValidator(fake.TOKEN).compute_signature(url, {})
        query = dict(parse_qsl(url.partition("?")[2]))

        assert SMS.recognises(called(body, url=url, headers={"x-twilio-signature": theirs}, query=query), SETTINGS)
        assert RequestValidator(fake.TOKEN).validate(url, body.decode(), theirs)


class TestConcerns:
    @pytest.mark.parametrize(
        ("name", "changes", "is_ours"),
        [
            ("text", {}, True),
            ("text", {"account_sid": "ACother"}, False),
            ("text", {"from": "+15550001111"}, False),
            ("status_delivered", {}, True),
            ("status_delivered", {"from": "+15550001111"}, False),
            ("text", {"from": None, "messaging_service_sid": "MG1"}, True),
        ],
    )
    def test_account_and_number_have_to_agree(self, name, changes, is_ours):
        assert SMS.concerns(signed(name), {**SETTINGS, **changes}) is is_ours

    @pytest.mark.parametrize(("service", "is_ours"), [("MG1", True), ("MG2", False)])
    def test_a_service_has_to_agree(self, service, is_ours):
        body = recorded("twilio", "text").replace(b"MessagingServiceSid=", b"MessagingServiceSid=" + service.encode())

        assert SMS.concerns(called(body), {**SETTINGS, "messaging_service_sid": "MG1"}) is is_ours


class TestRead:
    def test_a_text(self):
        said = one("text")

        assert isinstance(said, Said)
        assert (said.id, said.text, said.at) == ("SM" + "a" * 32, "Where is my order? é ☃", RECEIVED_AT)
        assert (said.sender.address, said.sender.phone_number) == (PERSON, PERSON)

    def test_files_come_with_their_types(self):
        said = one("mms")

        assert [(each.kind, each.content_type) for each in said.files] == [
            ("image", "image/jpeg"), ("file", "text/x-vcard"), ("video", "video/3gpp")
        ]  # fmt: skip
        assert said.text == "See"

    @pytest.mark.parametrize(("name", "given"), [("stop", False), ("start", True)])
    def test_opting_out_and_in_is_shown_and_acted_on(self, name, given):
        said, consent = told(SMS, SETTINGS, "twilio", name)

        assert said.text.upper() == name.upper()
        assert consent == Consent(PERSON, is_given=given, at=RECEIVED_AT)

    def test_asking_for_help_is_neither(self):
        assert one("help").text == "help"

    def test_a_place(self):
        assert one("location").places == [Place(38.7223, -9.1393, "Café Central", "Rua A 1, Lisboa")]

    def test_a_chosen_button(self):
        said = one("button")

        assert (said.text, said.choice, said.reply_to) == ("Yes, send it", "yes", "SM" + "d" * 32)

    def test_a_short_code_is_nobodys_phone(self):
        assert (one("short_code").sender.address, one("short_code").sender.phone_number) == ("72345", "")

    def test_nothing_at_all_is_shown_as_that(self):
        assert (one("empty").unsupported, one("empty").text) == ("empty", "")

    @pytest.mark.parametrize(
        ("name", "status", "code"),
        [
            ("status_sent", "sent", None),
            ("status_delivered", "delivered", None),
            ("status_read", "read", None),
            ("status_undelivered", "failed", "undelivered"),
            ("status_failed", "failed", "undelivered"),
            ("status_opted_out", "failed", "opted_out"),
            ("status_canceled", "failed", "undelivered"),
        ],
    )
    def test_receipts(self, name, status, code):
        receipt = one(name, {"message_id": "msg_abc"})

        assert isinstance(receipt, Receipt)
        assert (receipt.status, receipt.provider_id, receipt.message_id) == (status, "SM" + "c" * 32, "msg_abc")
        assert (receipt.failure.code if receipt.failure else None) == code

    def test_what_a_failure_was_is_told(self):
        assert one("status_failed").failure == Rejected("undelivered", "Message filtered", "30007")
        assert one("status_opted_out").failure.suppresses == "all"

    def test_being_queued_is_no_news(self):
        assert told(SMS, SETTINGS, "twilio", "status_queued") == []

    @pytest.mark.parametrize("body", [b"", b"{}", b"MessageSid=SM1", b"MessageSid=SM1&From=%2B1&NumMedia=x",
                                      b"MessageSid=SM1&From=%2B1&NumMedia=2", b"\xff\xfe"])  # fmt: skip
    def test_what_is_no_callback_of_twilios_is_refused(self, body):
        with pytest.raises(ValueError, match=r".+"):
            SMS.read(called(body), SETTINGS)

    def test_the_answer_says_nothing_in_twilios_markup(self):
        answer = SMS.answer(signed("text"))

        assert (answer.body, answer.content_type, answer.status) == (b"<Response/>", "text/xml", 200)


class TestWithTwilio:
    def test_a_receipt_finds_its_way_back(self, provider):
        send(outgoing(PERSON, callback_url=URL))
        callback = provider.told(provider.messages[0], "delivered").read

        assert SMS.recognises(callback, SETTINGS)
        assert SMS.concerns(callback, SETTINGS)
        [receipt] = SMS.read(callback, SETTINGS)
        assert (receipt.status, receipt.message_id) == ("delivered", "msg_abc")

    def test_a_message_comes_in(self, provider):
        callback = provider.wrote(URL, {"MessageSid": "SM9", "From": PERSON, "Body": "Oi"}).read

        assert SMS.recognises(callback, SETTINGS)
        assert SMS.concerns(callback, SETTINGS)
        assert [said.text for said in SMS.read(callback, SETTINGS)] == ["Oi"]

    def test_files_are_fetched_with_the_accounts_credentials_from_twilio_alone(self):
        at_twilio = SMS.file_order(IncomingFile("image", "https://api.twilio.com/2010-04-01/x"), SETTINGS)
        elsewhere = SMS.file_order(IncomingFile("image", "https://api.twilio.com.evil.test/x"), SETTINGS)
        in_the_clear = SMS.file_order(IncomingFile("image", "http://api.twilio.com/x"), SETTINGS)

        assert "Authorization" in at_twilio.headers
        assert at_twilio.secrets
        assert elsewhere.headers == in_the_clear.headers == {}

    def test_a_file_is_fetched_from_where_twilio_keeps_it(self, provider, tmp_path):
        provider.files["/2010-04-01/media/1"] = b"JPEG"
        order = SMS.file_order(IncomingFile("image", "https://api.twilio.com/2010-04-01/media/1"), SETTINGS)

        with (tmp_path / "file").open("wb") as taken:
            reply = http.fetch(order, taken, most_bytes=1000, livemode=True)

        assert (reply.status, (tmp_path / "file").read_bytes()) == (200, b"JPEG")
        assert "authorization" in provider.requests[0].headers
