"""Orders as they are written: to be sent, or to be shown to somebody who must not see their secrets."""

import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from django.conf import settings

from core import crypto
from inboxes.channels.outgoing import HttpOrder, MailOrder, Order

USER_AGENT = "Dexra/1"
LONGEST_SHOWN = 64 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """A call as it goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def write(order: HttpOrder) -> Written:
    """
    Return an order as it goes over the wire; it goes to the provider's base URL, whatever that is set to.

    Raises OSError where what a provider handed out is no URL.
    """
    body, kind = _body(order)
    named = {"Content-Type": kind} if kind else {}
    # What is unpacked here has the size it came with.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **named, **order.headers}
    return Written(order.method, _replaced(order.url) if order.url else _at_base(order), headers, body)


def shown(order: Order) -> dict[str, Any]:
    """Return an order as somebody may see it: ``{method, url, headers, body}``, of an e-mail what is in it."""
    if isinstance(order, MailOrder):
        return _shown_mail(order)
    written = write(order)
    return {
        "method": written.method,
        "url": _masked(written.url, order.secrets),
        "headers": {name: _masked_header(name, value, order.secrets) for name, value in written.headers.items()},
        "body": _masked(written.body[:LONGEST_SHOWN].decode(errors="replace"), order.secrets),
    }


def _body(order: HttpOrder) -> tuple[bytes, str]:
    if order.json is not None:
        return json.dumps(order.json, ensure_ascii=False, separators=(",", ":")).encode(), "application/json"
    if order.form is not None:
        return urlencode(order.form).encode(), "application/x-www-form-urlencoded"
    return order.content or b"", ""


def _at_base(order: HttpOrder) -> str:
    return settings.PROVIDER_BASES[order.provider] + order.path


def _replaced(url: str) -> str:
    """Return a URL that a provider handed out, at the base URL that its own host was replaced by. Raises OSError."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise OSError(errno.EINVAL, "This is no URL.") from None
    for name, home in settings.PROVIDER_HOMES.items():
        base = settings.PROVIDER_BASES[name]
        if base != home and f"{parts.scheme}://{parts.netloc}" == home:
            return base + urlunsplit(("", "", *parts[2:]))
    return url


def _shown_mail(order: MailOrder) -> dict[str, Any]:
    headers = {"From": order.sender, "To": order.to, "Subject": order.subject, **order.headers}
    lists = {"Cc": order.cc, "Bcc": order.bcc, "Reply-To": order.reply_to}
    headers |= {name: ", ".join(addresses) for name, addresses in lists.items() if addresses}
    return {
        "method": "MAIL",
        "url": f"mailto:{order.to}",
        "headers": headers,
        "body": order.text[:LONGEST_SHOWN],
        "html": order.html[:LONGEST_SHOWN],
        "attachments": [file.filename for file in order.attachments],
    }


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        for spelt in {secret, quote(secret), quote(secret, safe="")}:
            text = text.replace(spelt, crypto.masked(secret))
    return text


def _masked_header(name: str, value: str, secrets: Sequence[str]) -> str:
    if name.lower() == "authorization":
        scheme, _, credentials = value.partition(" ")
        return f"{scheme} {crypto.masked(credentials)}"
    return _masked(value, secrets)
