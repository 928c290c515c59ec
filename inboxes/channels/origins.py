"""Which pages may talk to an inbox: its ``allowed_origins``, and whether a browser's ``Origin`` is among them."""

import re
from collections.abc import Iterable, Sequence

from core.errors import Problem

SETTING = "allowed_origins"
MOST = 100
LONGEST = 255
NOWHERE = "null"  # what a browser says of a page without an origin: a file, a sandboxed frame
HOST = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
# RFC 6454 section 7; apps in a web view have schemes of their own (capacitor://localhost).
ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://(\*\.)?({HOST}|\[[0-9a-f:.]+\])(:[1-9][0-9]{{0,4}})?")
EXAMPLE = "An origin is a scheme and a host, as https://shop.example or https://*.shop.example"
DEFAULT_PORTS = (("https://", ":443"), ("http://", ":80"))


def origin_allowed(origin: str | None, allowed: Sequence[str]) -> bool:
    """
    Return whether a page of that origin may talk to an inbox whose ``allowed_origins`` these are.

    None (apps and servers send no ``Origin``) may always, and anybody may where the list is empty.
    ``https://*.shop.example`` means every host below it, but not ``https://shop.example`` itself.
    """
    if origin is None or not allowed:
        return True
    asked = origin.strip().lower()
    return any(_matches(asked, each.lower()) for each in allowed)


def allowed_origins(settings: object) -> list[str]:
    """Return the list in an inbox's settings; empty where there is none."""
    found = settings.get(SETTING) if isinstance(settings, dict) else None
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def problems(given: Iterable[object]) -> list[Problem]:
    """Return what is wrong with a list of origins, each named by its place."""
    listed = list(given)
    if len(listed) > MOST:
        return [Problem(f"settings.{SETTING}", "too_many", f"At most {MOST} origins.", MOST, len(listed))]
    found = [(place, _wrong(each)) for place, each in enumerate(listed)]
    return [Problem(f"settings.{SETTING}.{place}", "invalid_origin", why) for place, why in found if why]


def _matches(asked: str, allowed: str) -> bool:
    scheme, _, rest = allowed.partition("://*.")
    if not rest:
        return asked == allowed
    asked_scheme, _, host = asked.partition("://")
    below = host.removesuffix("." + rest)
    return asked_scheme == scheme and below != host and re.fullmatch(HOST, below) is not None


def _wrong(given: object) -> str:
    """Return what is wrong with one of them, in words; empty for one that is right."""
    if not isinstance(given, str) or len(given) > LONGEST:
        return f"{EXAMPLE}, of at most {LONGEST} characters."
    text = given.lower()
    if text == NOWHERE:
        return ""
    if not ORIGIN.fullmatch(text):
        rest = "no path and no slash" if text.isascii() else "the host as browsers send it (xn--...)"
        return f"{EXAMPLE}, with nothing behind it: {rest}."
    if any(text.startswith(scheme) and text.endswith(port) for scheme, port in DEFAULT_PORTS):
        return "Leave the port out: browsers do where it is the usual one."
    _, _, below = text.partition("://*.")
    is_too_much = below and "." not in below and not below.startswith("localhost")
    return f"{given} means too much: name the domain below which the pages are." if is_too_much else ""
