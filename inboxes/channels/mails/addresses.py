"""E-mail addresses: whether they are any, and how they are written."""

import re
from email.utils import formataddr, getaddresses
from ipaddress import ip_address

LONGEST = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
LONGEST_LOCAL = 64
ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
LOCAL = re.compile(rf"{ATOM}(?:\.{ATOM})*", re.IGNORECASE)
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"(?:{LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})", re.IGNORECASE)
HOST = re.compile(r"[^\W_](?:[\w-]{0,61}\w)?(?:\.[^\W_](?:[\w-]{0,61}\w)?)*\.?")  # a network's own names have _, too
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def canonical(given: str) -> str | None:
    """
    Return an address in lower case, its domain as name servers know it; None for what is no address.

    Local parts beyond ASCII are none: few servers take them.
    """
    local, at, domain = given.strip().rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if not at or len(local) > LONGEST_LOCAL or len(local) + 1 + len(domain) > LONGEST:
        return None
    if not local.isascii() or not LOCAL.fullmatch(local) or not DOMAIN.fullmatch(domain):
        return None
    return f"{local}@{domain}".lower()


def is_domain(text: str) -> bool:
    """Whether a text is the name of a domain."""
    return bool(DOMAIN.fullmatch(text)) and len(text) <= LONGEST - 2


def is_host(text: str) -> bool:
    """Whether a text can be where a server is: a name, also one of a single word, or an IP address."""
    try:
        ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return bool(HOST.fullmatch(text))
    return True


def breaks_lines(text: str) -> bool:
    """Whether a text could end the header it stands in, and begin another one."""
    return bool(CONTROL.search(text))


def named(name: str, address: str) -> str:
    """Return an address with the name of whose it is, as a header has it."""
    return formataddr((CONTROL.sub(" ", name).strip(), address))


def all_in(*headers: str) -> list[tuple[str, str]]:
    """Return the names and addresses in the values of headers, in order; those that are no address are left out."""
    found = []
    for name, given in getaddresses([header for header in headers if header]):
        if address := canonical(given):
            found.append((" ".join(CONTROL.sub(" ", name).split()), address))
    return found
