"""Which addresses may be dialled: the public internet, and networks the operator lists."""

import errno
import re
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

# Python counts these as public, or did in a version that is still about.
NOT_PUBLIC = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carriers' own
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "64:ff9b::/96",  # NAT64: an IPv4 address is inside, and the translator stands in our network
        "64:ff9b:1::/48",
        "100::/64",  # discard
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
    )
]
GLOBAL_UNICAST = ip_network("2000::/3")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
NO_ANSWER = {socket.EAI_AGAIN, socket.EAI_SYSTEM, socket.EAI_MEMORY}  # whatever else a resolver says is one


class BlockedAddress(OSError):
    """An address was to be dialled that nobody may reach from here."""


class NoPublicAddress(BlockedAddress):
    """A name leads nowhere, or to private addresses only. Which of them is not told: it would list our network."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "The name is not known, or it leads to a private network.")


def is_blocked(address: str) -> bool:
    """
    Whether nothing may be sent to ``address``: an IPv4 or IPv6 literal, with or without a zone.

    What is no address in its usual form is blocked, too.
    """
    found = _address(address)
    return found is None or not (_is_public(found) or _is_listed(found))


def is_listed(address: str) -> bool:
    """Whether an address lies in a private network that the operator allows."""
    found = _address(address)
    return found is not None and _is_listed(found)


def is_literal(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    return _address(host) is not None


def is_odd_literal(host: str) -> bool:
    """
    Whether a host is an address that is not written as four decimal numbers: 2130706433, 0x7f.1, 0177.0.0.1.

    No name ends in a number, and some programs take these for addresses while others look them up.
    """
    return not is_literal(host) and NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def is_loopback(host: str) -> bool:
    """Whether a host is an address of this very machine."""
    found = _address(host)
    return found is not None and found.is_loopback


def is_told_apart(host: str) -> bool:
    """Whether it may be told that a host is private rather than unknown: where that is no secret of the network's."""
    is_no_name = is_literal(host.rstrip(".")) or is_odd_literal(host) or host == "localhost"
    return is_no_name or bool(settings.ALLOWED_PRIVATE_NETWORKS)


def addresses_of(host: str) -> Sequence[str]:
    """Return the addresses of a name, however long that takes. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def addresses_within(host: str, seconds: float) -> Sequence[str]:
    """
    Return the addresses of a name, or raise TimeoutError after so many ``seconds``; else as ``addresses_of``.

    Whoever names a host has its name server answer, or not. The lookup itself cannot be ended: it is left alone.
    """
    found: Future[Sequence[str]] = Future()

    def look_up() -> None:
        try:
            found.set_result(addresses_of(host))
        except BaseException as failure:  # noqa: BLE001  whoever waits gets it
            found.set_exception(failure)

    threading.Thread(target=look_up, name="lookup", daemon=True).start()
    return found.result(max(0.0, seconds))


def guarded_socket(dialled: tuple[Any, ...]) -> socket.socket:
    """
    Return a socket for an entry of ``getaddrinfo``.

    It is asked for every address right before it is dialled: whatever a name was said to be earlier, and however an
    address was written, this one decides. Raises BlockedAddress.
    """
    family, kind, protocol, _, (address, *_) = dialled
    if is_blocked(address):
        raise BlockedAddress(errno.EACCES, f"{address} is not a public address.")
    return socket.socket(family, kind, protocol)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        literal = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(literal, "ipv4_mapped", None) or literal


def _is_listed(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.ALLOWED_PRIVATE_NETWORKS)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if address.version == 6 and (address.is_site_local or address not in GLOBAL_UNICAST):
        return False
    return not any(address in network for network in NOT_PUBLIC)
