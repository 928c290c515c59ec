"""Callbacks of e-mail providers: who may make them, and what Postmark's and Mailgun's say."""

import base64
import hashlib
import hmac
import json

import pytest

from inboxes.channels.incoming import Callback, Consent, Receipt, Said
from tests.inboxes.letters import EMAIL, OURS, SETTINGS, letter, posted
from tests.providers.words import RECEIVED_AT

FORM = "application/x-www-form-urlencoded"
KEY = "key-of-the-account"
SECRET = SETTINGS["inbound_secret"]


def told(name):
    """Return what is read in a recorded callback."""
    return posted(letter(name), "application/json")


def callback(body=b"{}", *, query=None, **headers):
    return Callback("POST", "", body, {"content-type": "application/json", **headers}, query or {}, RECEIVED_AT)


def basic(password):
    return "Basic " + base64.b64encode(f"dexra:{password}".encode()).decode()


def signed(*, key=KEY, timestamp=None, token="t" * 50):
    """Return the proof that Mailgun gives."""
    at = str(int(RECEIVED_AT.timestamp()) if timestamp is None else timestamp)
    digest = hmac.new(key.encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": at, "token": token, "signature": digest}


def form(fields, files=()):
    """Return a form as Mailgun posts it, and its type."""
    parts = [(f'name="{name}"', "", value.encode() if isinstance(value, str) else value) for name, value in fields]
    parts += [(f'name="{name}"; filename="{filename}"', kind, content) for name, filename, kind, content in files]
    body = b""
    for disposition, kind, content in parts:
        typed = f"Content-Type: {kind}\r\n" if kind else ""
        body += (
            f"--b0undary\r\nContent-Disposition: form-data; {disposition}\r\n{typed}\r\n".encode() + content + b"\r\n"
        )
    return body + b"--b0undary--\r\n", 'multipart/form-data; boundary="b0undary"'


class TestTheSecret:
    @pytest.mark.parametrize(
        "proof",
        [
            callback(query={"secret": SECRET}),
            callback(authorization=basic(SECRET)),
            callback(authorization=basic(SECRET).replace("Basic", "basic")),
        ],
    )
    def test_that_is_right_is_recognised(self, proof):
        assert EMAIL.recognises(proof, SETTINGS)
        assert EMAIL.signature_of(proof, SETTINGS) == SECRET

    @pytest.mark.parametrize(
        "proof",
        [
            callback(query={"secret": "wrong"}),
            callback(authorization=basic("wrong")),
            callback(authorization="Basic !!!"),
            callback(authorization=f"Bearer {SECRET}"),
            callback(authorization=basic("")),
            callback(),
        ],
    )
    def test_that_is_wrong_is_not(self, proof):
        assert not EMAIL.recognises(proof, SETTINGS)

    def test_that_nobody_has_set_lets_nobody_in(self):
        open_to_all = {**SETTINGS, "inbound_secret": ""}

        assert not EMAIL.recognises(callback(), open_to_all)
        assert not EMAIL.recognises(callback(query={"secret": ""}, authorization=basic("")), open_to_all)

    def test_that_is_missing_is_told_from_one_that_is_wrong(self):
        assert EMAIL.signature_of(callback(), SETTINGS) == ""
        assert EMAIL.signature_of(callback(query={"secret": "wrong"}), SETTINGS) == "wrong"


class TestMailgunsSignature:
    settings = {**SETTINGS, "inbound_secret": "", "webhook_signing_key": KEY}

    def in_json(self, **proof):
        return callback(json.dumps({"signature": signed(**proof), "event-data": {}}).encode())

    def test_that_is_right_is_recognised(self):
        assert EMAIL.recognises(self.in_json(), self.settings)
        assert EMAIL.signature_of(self.in_json(), self.settings)

    def test_that_is_right_is_recognised_in_a_form(self):
        body, kind = form(signed().items())

        assert EMAIL.recognises(callback(body, **{"content-type": kind}), self.settings)

    @pytest.mark.parametrize("proof", [{"key": "another"}, {"timestamp": 1_500_000_000}, {"timestamp": 99_999_999_999}])
    def test_that_is_wrong_or_old_is_not(self, proof):
        assert not EMAIL.recognises(self.in_json(**proof), self.settings)

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{}", b'{"signature": 1}', b'{"signature": {"timestamp": []}}', b"[" * 5000]
    )
    def test_that_is_none_is_not(self, body):
        assert not EMAIL.recognises(callback(body), self.settings)

    def test_is_asked_for_beside_the_secret(self):
        both = {**self.settings, "inbound_secret": SECRET}

        assert not EMAIL.recognises(self.in_json(), both)
        assert not EMAIL.recognises(callback(query={"secret": SECRET}), both)


class TestPostmark:
    def test_hands_on_a_mail(self):
        (mail,) = told("postmark_inbound")

        assert isinstance(mail, Said)
        assert (mail.id, mail.sender.address, mail.sender.name) == ("<pm-1@example.test>", "amine@example.test", "")
        assert mail.text == "Yes please."
        assert mail.mail["our_message_ids"] == [OURS]
        assert [(file.kind, file.filename, file.content[:4]) for file in mail.files] == [
            ("image", "box.png", b"\x89PNG")
        ]

    def test_hands_on_a_whole_mail_where_it_is_told_to(self):
        document = {**json.loads(letter("postmark_inbound")), "RawEmail": letter("alternative").decode()}

        (mail,) = posted(json.dumps(document).encode(), "application/json")

        assert mail.id == "<CAF=abc123@mail.example.test>"

    @pytest.mark.parametrize(("name", "status"), [("postmark_delivery", "delivered"), ("postmark_open", "read")])
    def test_tells_what_became_of_a_mail(self, name, status):
        (receipt,) = told(name)

        assert isinstance(receipt, Receipt)
        assert (receipt.status, receipt.message_id, receipt.failure) == (status, OURS, None)
        assert receipt.provider_id == "883953f4-6105-42a2-a16a-77a8eac79483"

    def test_tells_of_a_bounce(self):
        (receipt,) = told("postmark_bounce")

        assert (receipt.status, receipt.address) == ("failed", "amine@example.test")
        assert (receipt.failure.code, receipt.failure.provider_code) == ("invalid_recipient", "5.1.1")
        assert receipt.failure.suppresses == "all"

    def test_tells_of_what_passes(self):
        assert told("postmark_soft_bounce") == []

    @pytest.mark.parametrize(
        ("name", "is_given", "reason"),
        [
            ("postmark_complaint", False, "complained"),
            ("postmark_subscription", False, "unsubscribed"),
            ("postmark_resubscription", True, "unsubscribed"),
        ],
    )
    def test_tells_who_wants_no_more(self, name, is_given, reason):
        (consent,) = told(name)

        assert isinstance(consent, Consent)
        assert (consent.address, consent.is_given, consent.reason) == ("amine@example.test", is_given, reason)


class TestMailgun:
    def test_hands_on_a_mail(self):
        headers = [
            ["Message-Id", "<mg-1@example.test>"],
            ["In-Reply-To", "<x@y.test>"],
            ["From", "Amine <amine@example.test>"],
        ]
        fields = [
            ("recipient", "help@acme.test"),
            ("sender", "bounce+1@example.test"),
            ("from", "Amine <amine@example.test>"),
            ("subject", "Commande"),
            ("body-plain", "Oui.\r\n\r\nOn 3 Nov 2026 Acme wrote:\r\n> Ok?"),
            ("body-html", "<p>Oui.</p>"),
            ("stripped-text", "Oui."),
            ("message-headers", json.dumps(headers)),
            ("content-id-map", json.dumps({"<pic@1>": "attachment-1"})),
        ]
        content = b"\x89PNG\r\n\x1a\n--b0undar\r\n\x00\xff"

        (mail,) = posted(*form(fields, [("attachment-1", "C:\\fakepath\\boîte.png", "image/png", content)]))

        assert (mail.id, mail.sender.address, mail.sender.name) == (
            "<mg-1@example.test>",
            "amine@example.test",
            "Amine",
        )
        assert (mail.text, mail.mail["subject"], mail.mail["references"]) == ("Oui.", "Commande", ["<x@y.test>"])
        assert [(file.filename, file.content) for file in mail.files] == [("boîte.png", content)]
        assert mail.mail["inline"] == {"pic@1": "boîte.png"}

    def test_hands_on_a_whole_mail(self):
        (mail,) = posted(*form([("recipient", "help@acme.test"), ("body-mime", letter("alternative"))]))

        assert mail.id == "<CAF=abc123@mail.example.test>"

    def test_hands_on_a_mail_in_a_form_without_files(self):
        body = b"from=amine%40example.test&subject=Bonjour&body-plain=%C3%A7a+va&Message-Id=%3Cmg-2%40example.test%3E"

        (mail,) = posted(body, "application/x-www-form-urlencoded")

        assert (mail.id, mail.text) == ("<mg-2@example.test>", "ça va")

    @pytest.mark.parametrize(("name", "status"), [("mailgun_delivered", "delivered"), ("mailgun_opened", "read")])
    def test_tells_what_became_of_a_mail(self, name, status):
        (receipt,) = told(name)

        assert (receipt.status, receipt.message_id) == (status, OURS)
        assert receipt.provider_id == f"<{OURS}.seal@acme.test>"

    def test_tells_of_a_failure(self):
        (receipt,) = told("mailgun_failed")

        assert (receipt.status, receipt.failure.code, receipt.failure.suppresses) == (
            "failed",
            "invalid_recipient",
            "all",
        )

    @pytest.mark.parametrize("name", ["mailgun_temporary", "mailgun_accepted"])
    def test_tells_of_what_passes(self, name):
        assert told(name) == []

    @pytest.mark.parametrize(("name", "scope"), [("mailgun_complained", "all"), ("mailgun_unsubscribed", "marketing")])
    def test_tells_who_wants_no_more(self, name, scope):
        (consent,) = told(name)

        assert (consent.address, consent.is_given, consent.scope) == ("amine@example.test", False, scope)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"{}", "application/json"),
        (b"a=b", FORM),
        (b"hello", "text/plain"),
        (b"hello", ""),
        (b"--b\r\n", "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data"),
    ],
)
def test_what_is_no_callback_is_a_value_error(body, kind):
    with pytest.raises(ValueError, match=" "):
        posted(body, kind)
