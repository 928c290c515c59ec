"""Files somewhere on the web that a provider is to fetch: which addresses are passed on."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from core import guard
from core.errors import Problem

PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def problems_of_url(field: str, url: str, *, livemode: bool) -> list[Problem]:
    """
    Return why the file at an ``http`` or ``https`` URL is not passed on: it must be public, and over TLS.

    Networks that the operator lists may be named all the same, and without TLS; the sandbox, which fetches nothing,
    takes plain http. Names are not looked up: whoever fetches the file checks the address it dials.
    """
    parts = urlsplit(url)
    host = _ascii(parts.hostname or "")
    if host is None or "\\" in parts.netloc:
        return [Problem(field, "not_a_url", "This is not the address of a file on the web.")]
    found = []
    if "@" in parts.netloc:
        words = "A user name or password in it would be passed on to the provider, and kept. Take them out."
        found.append(Problem(field, "credentials_in_url", words))
    return [*found, *_wrong_with_place(field, host, is_plain=parts.scheme == "http" and livemode)]


def _wrong_with_place(field: str, host: str, *, is_plain: bool) -> Iterator[Problem]:
    is_home = host == "localhost" or host.endswith(".localhost")
    is_listed = guard.is_listed("127.0.0.1" if is_home else host)
    is_private = guard.is_blocked(host) if guard.is_literal(host) else is_home or host.endswith(PRIVATE_SUFFIXES)
    if guard.is_odd_literal(host):
        words = f"{host} is no address in its usual form: four decimal numbers, like 203.0.113.7."
        yield Problem(field, "not_an_address", words)
    elif is_private and not is_listed:
        yield Problem(field, "private_address", f"{host} is not public: no provider could fetch the file.")
    elif is_plain and not is_listed:
        yield Problem(field, "https_required", "Files are fetched over https.")


def _ascii(host: str) -> str | None:
    """Return a host as it is dialled, whatever letters it is written in; None for what is none."""
    try:
        return host.encode("idna").decode().rstrip(".").lower()
    except UnicodeError:
        return None
