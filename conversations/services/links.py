"""Files somewhere on the web that a provider is to fetch: which addresses are passed on."""

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
    host = (parts.hostname or "").rstrip(".").lower()
    is_home = host == "localhost" or host.endswith(".localhost")
    is_listed = guard.is_listed("127.0.0.1" if is_home else host)
    is_private = guard.is_blocked(host) if guard.is_literal(host) else is_home or host.endswith(PRIVATE_SUFFIXES)
    if is_private and not is_listed:
        return [Problem(field, "private_address", f"{host} is not public: no provider could fetch the file.")]
    if parts.scheme == "http" and livemode and not is_listed:
        return [Problem(field, "https_required", "Files are fetched over https.")]
    return []
