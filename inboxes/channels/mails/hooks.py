"""
What comes to an e-mail inbox: mails as they are, and providers' callbacks.

A provider is given the inbox's address with its secret: as a password (``https://dexra:secret@...``) or as
``?secret=``. A mail as it is has the type ``message/rfc822``, whoever hands it on.
"""

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from core import crypto
from inboxes.channels.incoming import Callback, Incoming
from inboxes.channels.mails import forms, letters, mailgun, postmark, reading

MAIL = "message/rfc822"


def proof_in(callback: Callback) -> str:
    """Return whatever a callback brings to prove itself; empty where it brings nothing."""
    if callback.query.get("secret") or callback.headers.get("authorization"):
        return callback.query.get("secret") or _password(callback)
    try:
        return mailgun.proof_in(callback).get("signature", "")
    except (ValueError, RecursionError):
        return ""


def recognises(callback: Callback, settings: Mapping[str, Any]) -> bool:
    """
    Whether a callback knows the inbox's secret and, with a ``webhook_signing_key``, has Mailgun's signature.

    An inbox with neither recognises nothing.
    """
    secret, key = str(settings.get("inbound_secret") or ""), str(settings.get("webhook_signing_key") or "")
    if secret and not crypto.same(callback.query.get("secret") or _password(callback), secret):
        return False
    if not key:
        return bool(secret)
    try:
        return mailgun.is_signed(mailgun.proof_in(callback), key, callback.received_at)
    except (ValueError, RecursionError):
        return False


def read(callback: Callback, settings: Mapping[str, Any]) -> Sequence[Incoming]:
    """Return what a callback says. Raises ValueError for what is neither a mail nor a notice."""
    kind = callback.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _read_json(callback, settings)
    if kind in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        fields = forms.read(callback.body, callback.headers["content-type"])
        return reading.read(mailgun.letter(fields), settings, callback.received_at)
    if kind == MAIL:
        return reading.read(letters.parse(callback.body), settings, callback.received_at)
    raise ValueError(f"A callback of an e-mail inbox is JSON, a form or {MAIL}.")


def _read_json(callback: Callback, settings: Mapping[str, Any]) -> Sequence[Incoming]:
    try:
        document = json.loads(callback.body)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    told: Mapping[str, Any] = document if isinstance(document, dict) else {}
    if postmark.is_notice(told):
        return postmark.notice(told, callback.received_at)
    if mailgun.is_notice(told):
        return mailgun.notice(told, callback.received_at)
    if postmark.is_mail(told):
        return reading.read(postmark.letter(told), settings, callback.received_at)
    raise ValueError("The JSON is of no provider that is known here.")


def _password(callback: Callback) -> str:
    scheme, _, credentials = callback.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(credentials).decode(errors="replace").partition(":")[2]
    except binascii.Error:
        return ""
