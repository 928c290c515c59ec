"""Whatever comes as a mail or as a callback is read, or refused with a ValueError: nothing else, and not for long."""

import json

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from inboxes.channels.incoming import Consent, Receipt, Said
from tests.inboxes.letters import letter, posted
from tests.providers.words import names_of

pytestmark = pytest.mark.slow

MAILS = [name for name in names_of("email") if not name.startswith(("postmark", "mailgun"))]
NOTICES = [name for name in names_of("email") if name.startswith(("postmark", "mailgun"))]
SCRAPS = [
    *(
        b"\r\n",
        b"--",
        b"=?utf-8?b?",
        b"=?x?q?=ff?=",
        b"boundary=",
        b"; charset=",
        b"<",
        b"\x00",
        b"\xff",
        b"multipart/",
    ),
    *(b"Content-Type: message/rfc822\r\n\r\n", b"filename*0*=", b"base64", b"\r\n\r\n", b"\xed\xa0\x80"),
]
KEYS = [
    *("RecordType", "MessageID", "FromFull", "From", "Headers", "Name", "Value", "Attachments", "RawEmail", "Type"),
    *(
        "event-data",
        "event",
        "recipient",
        "message",
        "headers",
        "timestamp",
        "delivery-status",
        "signature",
        "Recipient",
    ),
]
WORDS = ["Bounce", "Delivery", "SpamComplaint", "SubscriptionChange", "failed", "delivered", "a@example.test"]
FIELDS = ["from", "body-mime", "message-headers", "content-id-map", "attachment-1", "recipient"]
VALUES = [b"[[1,2],3]", b"{}", b"a@example.test", b"\xff"]
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.sampled_from([*WORDS, 10**400])


def anything(inner):
    return st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner)


@st.composite
def damaged(draw):
    """Return a recorded mail with pieces cut out and others put in."""
    raw = bytearray(letter(draw(st.sampled_from(MAILS))))
    for _ in range(draw(st.integers(1, 12))):
        place = draw(st.integers(0, max(0, len(raw) - 1)))
        raw[place : place + draw(st.integers(0, 40))] = draw(st.binary(max_size=30) | st.sampled_from(SCRAPS))
    return bytes(raw)


def assert_readable(body, content_type="message/rfc822"):
    """Fail unless a body is read, into words that can be stored, or refused."""
    try:
        found = posted(body, content_type)
    except ValueError:
        return
    for each in found:
        assert isinstance(each, Said | Receipt | Consent)
        if isinstance(each, Said):
            texts = [each.text, each.id, each.sender.name, each.mail["subject"], each.mail["html"], each.mail["text"]]
            told = "".join([*texts, *(file.filename + file.content_type for file in each.files)])
            assert "\x00" not in told
            told.encode()  # there are no halves of letters in it
            json.dumps(each.mail)


@how(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(damaged())
def test_a_mail_that_was_damaged(raw):
    assert_readable(raw)


@how(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
@example(b"")
@example(b"Content-Type: multipart/mixed; boundary=" + b"a" * 10_000)
@example(b"From: a@example.test\r\nContent-Type: text/plain; charset=idna\r\n\r\nxn--" + b"a" * 5000)
@example(b"From: a@example.test\r\nContent-Type: text/plain; charset=\xff\x00\r\n\r\nx")
@example(b"From: a@example.test\r\nContent-Disposition: attachment; filename*1=1; filename*a*=x'\r\n\r\nx")
@example(b"From: a@example.test\r\n" + b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
                                               for n in range(3000)))  # fmt: skip
def test_any_bytes_as_a_mail(raw):
    assert_readable(raw)


@how(max_examples=500, deadline=None)
@given(st.recursive(LEAVES, anything, max_leaves=30))
def test_any_json(document):
    assert_readable(json.dumps(document).encode(), "application/json")


@how(max_examples=300, deadline=None)
@given(st.sampled_from(NOTICES), st.sampled_from(KEYS), LEAVES)
def test_a_notice_with_something_else_in_it(name, key, value):
    document = json.loads(letter(name))
    for place in (document, document.get("event-data", {})):
        if key in place:
            place[key] = value

    assert_readable(json.dumps(document).encode(), "application/json")


@how(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FIELDS), st.binary(max_size=60) | st.sampled_from(VALUES))))
def test_any_form(fields):
    named = [(f'form-data; name="{name}"'.encode(), value) for name, value in fields]
    parts = [b"\r\nContent-Disposition: %s\r\n\r\n%s\r\n" % each for each in named]
    body = b"--x" + b"--x".join(parts) + b"--x--"

    assert_readable(body, "multipart/form-data; boundary=x")


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_json_nested_deeply(depth):
    assert_readable(b"[" * depth, "application/json")
    assert_readable(b'{"event-data":' * depth, "application/json")
