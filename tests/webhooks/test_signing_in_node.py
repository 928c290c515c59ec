"""Signatures as a receiver in Node verifies them."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.driving import ARE_INSTALLED, NodeClient
from webhooks import signing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ARE_INSTALLED, reason="node, or `npm ci` in tests/clients, is missing"),
]

MESSAGE = "evt_8Yq2mZ"
BODY = '{"type":"message_in","data":{"message_text":"مرحبا 👋 \\u2028"}}'.encode()


@pytest.fixture(scope="module")
def node() -> Iterator[NodeClient]:
    """A receiver."""
    client = NodeClient("standardwebhooks.mjs")
    yield client
    client.close()


def verified(node: NodeClient, secret: str, *signed_by: str, timestamp: int | None = None, body: bytes = BODY) -> Any:
    """Return what the receiver makes of a delivery of ours; it holds ``secret`` and gets ``body``."""
    moment = int(time.time()) if timestamp is None else timestamp
    headers = {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(moment),
        "webhook-signature": signing.signature_header(signed_by, MESSAGE, moment, BODY),
    }
    return node.ask("verify", secret=secret, headers=headers, body=base64.b64encode(body).decode())


def test_a_delivery_is_verified(node):
    secret = signing.new_secret()

    assert verified(node, secret, secret) == {"payload": json.loads(BODY), "refused": None}


def test_while_a_rotation_lasts_either_secret_will_do(node):
    old, new, pair = signing.new_secret(), signing.new_secret(), signing.new_secret("v1a")

    assert verified(node, old, new, old, pair)["payload"]
    assert verified(node, new, new, old, pair)["payload"]


def test_somebody_elses_signature_is_refused(node):
    assert verified(node, signing.new_secret(), signing.new_secret())["refused"] == "No matching signature found"


def test_another_body_is_refused(node):
    secret = signing.new_secret()

    assert verified(node, secret, secret, body=BODY + b" ")["refused"] == "No matching signature found"


def test_an_old_delivery_is_refused(node):
    secret = signing.new_secret()

    assert verified(node, secret, secret, timestamp=int(time.time()) - 302)["refused"] == "Message timestamp too old"
