"""What a customer may name as a target: the rules of a URL and of custom headers, each with a way out."""

import queue
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host
from yarl import URL

from core import guard
from core.errors import Problem

LONGEST_URL = 2048
WELL_KNOWN_PORTS = {80, 443}
FIRST_FREE_PORT = 1024
EXAMPLE = "https://example.com/webhooks"
SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")
PRINTABLE = re.compile(r"[!-~]+")
HOST_NAME = re.compile(r"(?!.{254})([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.|$))+", re.IGNORECASE)

EARLY_SECONDS = 1.0
_asking = threading.BoundedSemaphore(8)  # lookups at one moment; whoever finds no room is not checked early

MOST_HEADERS = 20
MOST_HEADER_BYTES = 4096
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[ -~\t]*")
OUR_PREFIXES = ("webhook-", "x-chatwoot-", "dexra-")
OUR_HEADERS = {
    "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "user-agent",
}  # fmt: skip

Found = tuple[str, str] | tuple[str, str, int]  # the code, the message, and the limit if there is one


@lru_cache(maxsize=4096)
def parsed(url: str) -> URL:
    """Return a URL as it is dialled: its host in ASCII, path and query as they were written. Raises ValueError."""
    normal = URL(url)
    if not PRINTABLE.fullmatch(url):
        return normal
    exact = URL(url, encoded=True)  # quoting anew would change a signature that the URL may carry
    return exact if (exact.raw_host, exact.port) == (normal.raw_host, normal.port) else normal


def problems_of_url(url: str, *, livemode: bool) -> list[Problem]:
    """
    Return what is wrong with an endpoint's URL, each problem named ``url``; none when it may be saved.

    Asks for the host's addresses, for a second at most; whether a name is unknown or leads to a private network is not
    told apart, so that nobody learns which names this network has. Where private networks are allowed, there is no such
    secret, and a name may be known later. Whatever is found here, the address is checked again each time it is dialled.
    """
    return [Problem("url", *found) for found in _wrong_with_url(url, livemode=livemode)]


def problems_of_headers(headers: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with custom headers, named ``custom_headers`` or ``custom_headers.<name>``."""
    problems = [Problem(f"custom_headers.{name}", *found) for name in headers for found in _wrong_with(name, headers)]
    if len(headers) > MOST_HEADERS:
        text = f"There are {len(headers)} custom headers; at most {MOST_HEADERS} are sent."
        problems.append(Problem("custom_headers", "too_many", text, MOST_HEADERS))
    size = sum(len(name) + len(str(value)) for name, value in headers.items())
    if size > MOST_HEADER_BYTES:
        text = f"Custom headers have {size} bytes together; at most {MOST_HEADER_BYTES} are sent."
        problems.append(Problem("custom_headers", "too_long", text, MOST_HEADER_BYTES))
    return problems


def _wrong_with_url(url: str, *, livemode: bool) -> list[Found]:
    if not url:
        return [("required", f"url is missing. Give the address of your server, like {EXAMPLE}.")]
    if len(url) > LONGEST_URL:
        return [("too_long", f"url has {len(url)} characters; at most {LONGEST_URL} are kept.", LONGEST_URL)]
    address = _address(url)
    if address is None:
        return [("not_a_url", f"url is not the address of a web server. Give all of it, like {EXAMPLE}.")]
    return list(_wrong_with_form(address)) or list(_wrong_with_place(address, livemode=livemode))


def _address(url: str) -> URL | None:
    if SPACE_OR_CONTROL.search(url):
        return None
    try:
        address = parsed(url)
    except ValueError:
        return None
    host = address.raw_host or ""
    is_host = ":" in host or HOST_NAME.fullmatch(host)
    return address if is_host and address.scheme in {"http", "https"} else None


def _wrong_with_form(address: URL) -> Iterator[Found]:
    if "@" in address.raw_authority:
        yield (
            "credentials_in_url",
            "url has a user name or password in it. Take them out and send an Authorization header as a custom header.",
        )
    if address.raw_fragment:
        yield "fragment", "url ends in a part after #, which no server ever gets. Take it out."
    port = address.port or 0
    if not port:
        yield "port", f"Nobody listens on port 0. Use 80, 443, or any from {FIRST_FREE_PORT} on."
    elif port not in WELL_KNOWN_PORTS and port < FIRST_FREE_PORT:
        yield "port", f"Port {port} is another service's. Use 80, 443, or any from {FIRST_FREE_PORT} on."


def _wrong_with_place(address: URL, *, livemode: bool) -> Iterator[Found]:
    host = address.raw_host or ""
    if _is_own(host, address.port):
        yield "own_host", f"{host} is this installation itself. Give the address of a server of yours."
        return
    is_literal = guard.is_literal(host)
    if guard.is_odd_literal(host):
        yield "not_an_address", f"{host} is no address in its usual form: four decimal numbers, like 203.0.113.7."
        return
    found = [host] if is_literal else _addresses_now(host)
    is_blocked = found is not None and all(guard.is_blocked(one) for one in found)
    if is_blocked and not (is_literal or _is_local(host) or settings.ALLOWED_PRIVATE_NETWORKS):
        yield (
            "no_public_address",
            f"{host} does not lead to the public internet: the name is not known there, or it leads to a private "
            "network. Give one that is known everywhere.",
        )
    elif is_blocked and found:
        yield (
            "private_address",
            f"{host} is not on the public internet, and nothing is sent to private or reserved addresses. Use a "
            "public one, or a tunnel to your machine; whoever runs this installation can allow a private network.",
        )
    elif livemode and address.scheme != "https" and not _are_listed(found):
        yield "https_required", "What happens in live is only sent encrypted. Use https; the sandbox takes http too."


def _is_own(host: str, port: int | None) -> bool:
    """Whether a host is what we are reached by: webhooks to ourselves could go round for ever."""
    host = host.rstrip(".").lower()
    base = urlsplit(settings.BASE_URL)
    own = base.hostname or ""
    if _is_local(host):  # a developer's machine: other ports are other servers
        return _is_local(own) and port == (base.port or {"http": 80, "https": 443}.get(base.scheme))
    return host == own or validate_host(host, [name for name in settings.ALLOWED_HOSTS if name != "*"])


def _is_local(host: str) -> bool:
    return host == "localhost" or guard.is_loopback(host)


def _are_listed(addresses: Sequence[str] | None) -> bool:
    return bool(addresses) and all(guard.is_listed(one) for one in addresses or ())


def _addresses_now(host: str) -> Sequence[str] | None:
    """
    Return the addresses of a name, none when there is no such name; None when that is not found out soon.

    A thread that takes longer is nobody's.
    """
    if settings.WEBHOOK_PROXY or not _asking.acquire(blocking=False):
        return None
    answers: queue.SimpleQueue[Sequence[str] | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(guard.addresses_of(host))
        except UnicodeError:
            answers.put(())
        except OSError as failure:
            answers.put(None if failure.errno in guard.NO_ANSWER else ())
        finally:
            _asking.release()

    threading.Thread(target=ask, daemon=True, name="webhooks-early-dns").start()
    try:
        return answers.get(timeout=EARLY_SECONDS)
    except queue.Empty:
        return None


def _wrong_with(name: str, headers: Mapping[str, Any]) -> Iterator[Found]:
    lowered, value = name.lower(), headers[name]
    if not HEADER_NAME.fullmatch(name):
        yield "invalid_characters", f"{name!r} is no name of a header: letters, digits and dashes."
    elif lowered in OUR_HEADERS or lowered.startswith(OUR_PREFIXES):
        yield "forbidden", f"{name} is set by us, or by the connection. Use a name of your own, like X-My-Token."
    if [other.lower() for other in headers].count(lowered) > 1:
        yield "duplicate", f"{name} is there twice: upper and lower case make no difference."
    if not isinstance(value, str):
        yield "invalid", f"The value of {name} is a text."
    elif not HEADER_VALUE.fullmatch(value):
        yield "invalid_characters", f"The value of {name} is not printable ASCII on a single line."
