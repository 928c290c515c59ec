"""What went wrong with a request, in the few words that customers are shown."""

import errno
import os
import ssl
from collections.abc import Sequence

from aiohttp import (
    ClientConnectorError,
    ClientHttpProxyError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSSLError,
    InvalidURL,
    NonHttpUrlClientError,
    ServerDisconnectedError,
)
from aiohttp.http_parser import RawResponseMessage

from core import guard
from core.guard import BlockedAddress
from webhooks.transport.resolver import NameFailed

HTTP_STATUS = "http_status"
REDIRECT = "redirect"
TIMEOUT = "timeout"
CONNECT_TIMEOUT = "connect_timeout"
CONNECTION_REFUSED = "connection_refused"
CONNECTION_RESET = "connection_reset"
DNS = "dns"
TLS = "tls"
BLOCKED_ADDRESS = "blocked_address"
INVALID_ANSWER = "invalid_answer"
OUR_FAULT = "our_fault"

NOWHERE = "the name is not known, or it leads to a private network"
LONGEST_DETAIL = 200
# No descriptors, memory or ports are left here: the other side has nothing to do with it.
OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}
UNREACHABLE = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
# What a proxy answers to CONNECT about the server behind it; anything else is about the proxy.
BEHIND_PROXY = {403: BLOCKED_ADDRESS, 502: CONNECTION_REFUSED, 503: CONNECTION_REFUSED, 504: CONNECT_TIMEOUT}
BY_KIND: Sequence[tuple[tuple[type[Exception], ...], str]] = (
    ((ClientProxyConnectionError,), OUR_FAULT),
    ((InvalidURL, NonHttpUrlClientError), BLOCKED_ADDRESS),
    ((ClientSSLError, ssl.SSLError), TLS),
    ((ClientResponseError, ClientPayloadError), INVALID_ANSWER),
    ((ServerDisconnectedError,), CONNECTION_RESET),
)


def named(failure: Exception, *, was_sent: bool) -> str:
    """
    Return the class of what a request ended in, ``our_fault`` for all that says nothing about the other side.

    ``was_sent``: there was a connection, and the request went out on it.
    """
    if isinstance(failure, ClientHttpProxyError):
        return BEHIND_PROXY.get(failure.status, OUR_FAULT)
    if isinstance(failure, ServerDisconnectedError) and isinstance(failure.message, RawResponseMessage):
        return INVALID_ANSWER  # the other half of the line never came
    if isinstance(failure, TimeoutError):
        return TIMEOUT if was_sent else CONNECT_TIMEOUT
    for kinds, name in BY_KIND:
        if isinstance(failure, kinds):
            return name
    return _of_the_system(failure) if isinstance(failure, OSError) else OUR_FAULT


def told(error: str, detail: str, host: str) -> tuple[str, str]:
    """
    Return the class and the detail of a failure as the customer may see them.

    A name that leads to a private network and one that leads nowhere are one thing to them: else they could ask which
    names there are inside. Where private networks are allowed, that is no secret.
    """
    if error in {DNS, BLOCKED_ADDRESS} and not guard.is_told_apart(host):
        return DNS, NOWHERE
    return error, detail


def detail(failure: Exception) -> str:
    """
    Return what is known besides about a wrong certificate, a name or a refused connection; else nothing.

    It is a short text of the libraries, and never names an address that the customer does not know.
    """
    match getattr(failure, "certificate_error", None) or getattr(failure, "os_error", None) or failure:
        case ssl.SSLCertVerificationError(verify_message=found):
            text = found
        case ssl.SSLError(reason=found) if found:
            text = found.replace("_", " ").lower()
        case NameFailed(reason=found):
            text = found
        case OSError(errno=number) if number in UNREACHABLE:
            text = os.strerror(number)
        case _:
            text = ""
    return text.rstrip(".")[:LONGEST_DETAIL]


def of_status(status: int) -> str:
    """Return the class of a whole answer; empty for a 2xx."""
    if 200 <= status < 300:
        return ""
    return REDIRECT if 300 <= status < 400 else HTTP_STATUS


def _of_the_system(failure: OSError) -> str:
    match failure.os_error if isinstance(failure, ClientConnectorError) else failure:
        case BlockedAddress() | OSError(errno=errno.EACCES):  # the latter when a name led to two
            return BLOCKED_ADDRESS
        case NameFailed(is_ours=is_ours):
            return OUR_FAULT if is_ours else DNS
        case OSError(errno=number) if number in OURS:
            return OUR_FAULT
        case OSError(errno=number) if number in UNREACHABLE:
            return CONNECTION_REFUSED
        case TimeoutError():
            return CONNECT_TIMEOUT
        case _:
            return CONNECTION_RESET
