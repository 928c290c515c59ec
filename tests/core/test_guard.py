"""Which addresses are dialled, and which are not, however they are written."""

import socket
import subprocess
import sys
from ipaddress import ip_network

import pytest

from core import guard

BLOCKED = [
    # this machine, in every spelling an address may have
    "127.0.0.1", "127.0.0.53", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::",
    # private networks
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255",
    # carriers, links, clouds' metadata
    "100.64.0.1", "100.127.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "100.100.100.200",
    # documentation, benchmarks, protocols, relays
    "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.254",
    "192.88.99.1",
    # multicast, reserved, broadcast
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    # IPv6: unique local, link-local, site-local, multicast, documentation, discard, segment routing
    "fc00::1", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "febf::1", "fe80::1%eth0", "fe80::1%1", "fec0::1", "feff::1",
    "ff02::1", "ff0e::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
    # an IPv4 address inside an IPv6 one: mapped, translated, compatible, NAT64, 6to4, Teredo
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "::127.0.0.1", "::a00:1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::",
    # outside of everything that was ever handed out
    "4000::1", "e000::1", "1::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
    "169.253.255.255", "172.15.255.255", "172.32.0.1", "192.167.255.255", "192.169.0.1", "223.255.255.254",
    "2606:4700:4700::1111", "2a00:1450:4001:80e::200e", "2001:4860:4860::8888", "::ffff:8.8.8.8",
]  # fmt: skip
# Spellings the system's own lookup understands as an address of this machine.
SPELLINGS = ["127.0.0.1", "0x7f000001", "0x7f.1", "2130706433", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "0",
             "localhost", "LOCALHOST", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"]  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_private_is_allowed(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = []


def test_there_are_enough_of_them():
    assert len(set(BLOCKED)) >= 45


@pytest.mark.parametrize("address", BLOCKED)
def test_is_blocked(address):
    assert guard.is_blocked(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_is_public(address):
    assert not guard.is_blocked(address)


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "127.1", "0x7f000001", "1.2.3.4.", "\uff11.1.1.1", "[::1]", "1.1.1.1:80"],
)
def test_what_is_no_address_is_blocked_too(text):
    assert guard.is_blocked(text)


class TestGuardedSocket:
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_refuses_this_machine_however_it_was_written(self, spelling):
        found = socket.getaddrinfo(spelling, 80, type=socket.SOCK_STREAM)

        assert found
        for entry in found:
            with pytest.raises(guard.BlockedAddress):
                guard.guarded_socket(entry)

    def test_makes_a_socket_for_a_public_address(self):
        with guard.guarded_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443))) as made:
            assert made.family == socket.AF_INET
            assert made.type == socket.SOCK_STREAM


class TestAllowedNetworks:
    @pytest.mark.parametrize(
        ("network", "let_through", "not_through"),
        [
            ("127.0.0.0/8", ["127.0.0.1", "::ffff:127.0.0.1"], ["::1", "10.0.0.1", "::127.0.0.1"]),
            ("10.20.0.0/16", ["10.20.255.255"], ["10.21.0.1", "127.0.0.1"]),
            ("fd00:1::/32", ["fd00:1::5"], ["fd00:2::5", "::1", "10.0.0.1"]),
            ("::1/128", ["::1"], ["::2", "127.0.0.1"]),
        ],
    )
    def test_lets_through_what_is_listed_and_nothing_else(self, settings, network, let_through, not_through):
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network(network)]

        assert [address for address in let_through if guard.is_blocked(address)] == []
        assert [address for address in not_through if not guard.is_blocked(address)] == []

    def test_closes_nothing_that_is_public(self, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("10.0.0.0/8")]

        assert not guard.is_blocked("8.8.8.8")
        assert not guard.is_listed("8.8.8.8")
        assert guard.is_listed("10.1.2.3")


def told(**environment: str) -> "subprocess.CompletedProcess[str]":
    """Return what a process says that is told so."""
    program = "from dexra.settings import ALLOWED_PRIVATE_NETWORKS as n; print(*n)"
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


class TestSetting:
    def test_is_a_list_of_networks(self):
        assert told(DEXRA_ALLOWED_PRIVATE_NETWORKS="127.0.0.0/8, fd00:1::/32").stdout == "127.0.0.0/8 fd00:1::/32\n"

    def test_is_empty_unless_told(self):
        assert told().stdout == "\n"

    @pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "internal"])
    def test_is_refused_in_words(self, text):
        assert "DEXRA_ALLOWED_PRIVATE_NETWORKS takes networks like 10.0.0.0/8: " in (
            told(DEXRA_ALLOWED_PRIVATE_NETWORKS=text).stderr
        )

    def test_of_the_proxy_is_refused_in_words(self):
        assert "DEXRA_WEBHOOK_PROXY is the URL of an HTTP proxy" in told(DEXRA_WEBHOOK_PROXY="proxy:3128").stderr
