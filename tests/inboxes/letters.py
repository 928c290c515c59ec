"""The recorded mails, with the Message-ID of a mail of ours where they answer one."""

from core import ids
from inboxes.channels.email import Email
from inboxes.channels.incoming import Callback
from inboxes.channels.mails import threads
from tests.providers.words import PAYLOADS, RECEIVED_AT

EMAIL = Email()
SETTINGS = {"from_address": "help@acme.test", "from_name": "Acme", "inbound_domain": "in.acme.test",
            "inbound_secret": "s3cret-of-the-inbox", "smtp_host": "smtp.acme.test"}  # fmt: skip
OURS = ids.encode("msg", 42)
MESSAGE_ID = threads.message_id(OURS, "acme.test")
SEAL = MESSAGE_ID.partition(".")[2].partition("@")[0]


def letter(name):
    """Return a recorded mail, or a recorded callback."""
    raw = next((PAYLOADS / "email").glob(f"{name}.*")).read_bytes()
    return raw.replace(b"@MSG42@", MESSAGE_ID.encode()).replace(b"@SEAL@", SEAL.encode())


def posted(body, content_type="message/rfc822", settings=SETTINGS, **headers):
    """Return what is read in a callback."""
    callback = Callback("POST", "", body, {"content-type": content_type, **headers}, {}, RECEIVED_AT)
    return list(EMAIL.read(callback, settings))


def read(name):
    """Return what is read in a recorded mail."""
    return posted(letter(name))


def said(name):
    """Return the only thing a recorded mail says."""
    (only,) = read(name)
    return only
