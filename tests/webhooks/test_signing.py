"""Signatures, held against published vectors and against the library that receivers verify with."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks import signing

NEW = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OLD = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
PAIR = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
PUBLIC = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
MESSAGE = "msg_01JZ8Q3F7K9V2M4N6P8R0T1W3Y"
MOMENT = 1785585600  # 2026-08-01T12:00:00Z
BODY = (
    '{"type":"message_in","timestamp":"2026-08-01T12:00:00.123456Z",'
    '"data":{"conversation_id":"conv_42","message_id":"m_7","text":"héllo"}}'
).encode()
BY_NEW = "v1,VBW/mSaWREmPFZt4Er+DFmR0NxCkZ/VKnnc0RSjSvmk="
BY_OLD = "v1,A10wqQOm4ktBBd6GzFBYb3UVmTM5mIaIlxr4y44DQI0="
BY_PAIR = "v1a,r8NeN/X5wLpJtJqQszYUf2prLnIXXTCsGXFR2nnyMmvePTi7Kl1KyNb2P53k8Kw342bnbQ7pkMr9l10AxSyECQ=="

VECTORS = [
    pytest.param(NEW, MESSAGE, MOMENT, BODY, BY_NEW, id="new secret"),
    pytest.param(OLD, MESSAGE, MOMENT, BODY, BY_OLD, id="old secret"),
    pytest.param(PAIR, MESSAGE, MOMENT, BODY, BY_PAIR, id="ed25519"),
    pytest.param(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        id="the library's own",
    ),
]


def signed(timestamp: int, *secrets: str, body: bytes = BODY) -> dict[str, str]:
    """Return the three headers of a delivery."""
    return {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.signature_header(secrets, MESSAGE, timestamp, body),
    }


@pytest.fixture
def now() -> int:
    return int(datetime.now(UTC).timestamp())


class TestSign:
    @pytest.mark.parametrize(("secret", "message", "moment", "body", "signature"), VECTORS)
    def test_writes_what_is_published(self, secret, message, moment, body, signature):
        assert signing.sign(secret, message, moment, body) == signature

    def test_signs_bytes_as_they_are(self):
        body = bytes(range(256))

        assert signing.sign(NEW, MESSAGE, MOMENT, body) != signing.sign(NEW, MESSAGE, MOMENT, body.replace(b"\0", b""))

    @pytest.mark.parametrize(
        "secret",
        [
            pytest.param("", id="nothing"),
            pytest.param("whsec_", id="an empty key"),
            pytest.param("whsec_ab==", id="a key of one byte"),
            pytest.param("whsec_" + base64.b64encode(b"k" * 23).decode(), id="a byte too short"),
            pytest.param("whsec_" + base64.b64encode(b"k" * 65).decode(), id="a byte too long"),
            pytest.param("whsec_!" + NEW[7:], id="not base64"),
            pytest.param("whsec_é" + NEW[7:], id="not even ascii"),
            pytest.param(NEW.removeprefix("whsec_"), id="no prefix"),
            pytest.param(PUBLIC, id="a public key"),
            pytest.param("whsk_" + base64.b64encode(b"s" * 32).decode(), id="half a pair"),
            pytest.param("whsk_" + base64.b64encode(b"s" * 64).decode(), id="a pair that does not fit"),
            pytest.param("whsk_", id="an empty pair"),
        ],
    )
    def test_refuses_what_is_no_secret_and_does_not_repeat_it(self, secret):
        with pytest.raises(signing.BadSecret) as refused:
            signing.sign(secret, MESSAGE, MOMENT, BODY)

        assert not secret[7:] or secret[7:] not in str(refused.value)


class TestSignatureHeader:
    def test_holds_a_signature_for_every_valid_secret(self):
        assert signing.signature_header([NEW, OLD], MESSAGE, MOMENT, BODY) == f"{BY_NEW} {BY_OLD}"

    @pytest.mark.parametrize("secret", [NEW, OLD])
    def test_is_accepted_by_whoever_knows_one_of_them(self, now, secret):
        assert Webhook(secret).verify(BODY, signed(now, NEW, OLD)) == json.loads(BODY)

    def test_is_accepted_beside_a_kind_the_receiver_does_not_know(self, now):
        assert Webhook(NEW).verify(BODY, signed(now, PAIR, NEW))

    def test_takes_five_secrets(self, now):
        secrets = [signing.new_secret() for _ in range(5)]

        assert all(Webhook(secret).verify(BODY, signed(now, *secrets)) for secret in secrets)

    @pytest.mark.parametrize("skew", [-299, 0, 299])
    def test_is_accepted_for_five_minutes(self, now, skew):
        assert Webhook(NEW).verify(BODY, signed(now + skew, NEW))

    @pytest.mark.parametrize("skew", [-302, 302])
    def test_is_refused_outside_of_them(self, now, skew):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(BODY, signed(now + skew, NEW))

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"webhook-id": "msg_2"}, id="id"),
            pytest.param({"webhook-timestamp": "-1"}, id="timestamp"),
            pytest.param({"webhook-signature": BY_NEW}, id="another moment's signature"),
        ],
    )
    def test_is_refused_with_a_changed_header(self, now, changed):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(BODY, signed(now, NEW) | changed)

    def test_is_refused_over_a_body_that_was_written_anew(self, now):
        again = json.dumps(json.loads(BODY)).encode()

        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(again, signed(now, NEW))


class TestNewSecret:
    def test_is_of_32_random_bytes(self):
        secrets = {signing.new_secret() for _ in range(100)}

        assert len(secrets) == 100
        assert {len(base64.b64decode(secret.removeprefix("whsec_"))) for secret in secrets} == {32}

    def test_makes_pairs_that_verify(self):
        pair = signing.new_secret("v1a")
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signing.public_key(pair).removeprefix("whpk_")))
        kind, _, signature = signing.sign(pair, MESSAGE, MOMENT, BODY).partition(",")

        assert kind == "v1a"
        key.verify(base64.b64decode(signature), b"%s.%d.%s" % (MESSAGE.encode(), MOMENT, BODY))
        with pytest.raises(InvalidSignature):
            key.verify(base64.b64decode(signature), b"%s.%d.%s" % (MESSAGE.encode(), MOMENT + 1, BODY))

    def test_knows_two_kinds(self):
        with pytest.raises(ValueError, match="v1 or v1a"):
            signing.new_secret("v2")


class TestPublicKey:
    def test_is_what_is_published(self):
        assert signing.public_key(PAIR) == PUBLIC

    def test_is_not_to_be_had_of_a_shared_secret(self):
        with pytest.raises(signing.BadSecret):
            signing.public_key(NEW)


class TestChatwootSignature:
    def test_is_chatwoots(self):
        assert signing.chatwoot_signature("whsec-demo", 1700000000, b'{"event":"message_created","id":1}') == (
            "sha256=33e312897d68cc97b0e196b7a11cb7f67a3041cc669083224e455a289fb55b7a"
        )

    def test_covers_the_timestamp(self):
        assert signing.chatwoot_signature("s", 1, BODY) != signing.chatwoot_signature("s", 2, BODY)
