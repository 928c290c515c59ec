"""Whom the client dials: names, addresses, certificates, proxies, and no descriptor left to do it with."""

import resource
import socket
import threading
import time
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.webhooks import receivers
from tests.webhooks.certificates import Authority
from tests.webhooks.names import NO_ANSWER, NameServers
from tests.webhooks.proxies import Proxy
from tests.webhooks.receivers import Receiver
from tests.webhooks.sending import BODY, HEADERS, run, sent, unused_port
from webhooks.transport.exchange import Answer, Outgoing

METADATA = "169.254.169.254"


def sent_by(world: NameServers, *urls: str, seconds: float = 30.0) -> list[Answer]:
    """Send to each URL in turn, with names that lead where this world says."""

    async def story(sender):
        sender._resolver._look_up = world
        return [await sender.send(Outgoing(url, HEADERS, BODY, seconds)) for url in urls]

    return run(story)


@pytest.fixture
def world():
    servers = NameServers()
    yield servers
    servers.go_on.set()


class TestGuard:
    @pytest.fixture(autouse=True)
    def _nothing_private_is_allowed(self, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0",
         "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "\uff11\uff12\uff17.0.0.1",
         "127\u30020\u30020\u30021", "[::1%25lo]", "[fe80::1%25lo]"],
    )  # fmt: skip
    def test_keeps_requests_from_this_machine_however_it_is_written(self, receiver, host):
        answer = sent(receiver.at("/", host))

        assert (answer.status, answer.is_ours, answer.remote_ip) == (None, False, "")
        assert (answer.error_class, answer.detail) == ("blocked_address", "")
        assert receiver.connections == 0

    def test_looks_at_the_address_a_name_leads_to(self, world):
        world.known["metadata.example.com"] = [METADATA]

        (answer,) = sent_by(world, "http://metadata.example.com/latest/meta-data/")

        assert (answer.error_class, answer.remote_ip, answer.body) == ("dns", "", "")
        assert answer.is_blocked

    def test_does_not_tell_which_names_there_are_inside(self, world):
        world.known["inside.example.com"] = ["10.0.0.1"]

        inside, typo = sent_by(world, "http://inside.example.com/", "http://typo.example.com/")

        assert (inside.error_class, inside.detail) == (typo.error_class, typo.detail)
        assert (inside.is_blocked, typo.is_blocked) == (True, False)

    def test_tells_it_where_private_networks_are_no_secret(self, world, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]
        world.known["inside.example.com"] = ["10.0.0.1"]

        inside, typo = sent_by(world, "http://inside.example.com/", "http://typo.example.com/")

        assert (inside.error_class, typo.error_class) == ("blocked_address", "dns")
        assert typo.detail == "Name or service not known"

    def test_says_so_of_a_name_that_leads_to_two_it_does_not_allow(self, world):
        world.known["inside.example.com"] = ["10.0.0.1", "fd00::1"]

        (answer,) = sent_by(world, "http://inside.example.com/")

        assert (answer.is_blocked, answer.remote_ip) == (True, "")

    def test_looks_again_at_a_name_that_led_elsewhere_before(self, world, receiver, settings, monkeypatch):
        monkeypatch.setattr("webhooks.transport.resolver.FRESH_SECONDS", 0.0)
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.1/32")]  # stands for the public internet
        world.known["rebinds.example.com"] = ["127.0.0.1"]
        receiver.script(receivers.answer(headers={"Connection": "close"}))

        async def story(sender):
            sender._resolver._look_up = world
            first = await sender.send(Outgoing(receiver.at("/", "rebinds.example.com"), HEADERS, BODY))
            world.known["rebinds.example.com"] = ["127.0.0.2"]
            return first, await sender.send(Outgoing(receiver.at("/", "rebinds.example.com"), HEADERS, BODY))

        first, second = run(story)
        assert (first.error_class, first.remote_ip) == ("", "127.0.0.1")
        assert second.error_class == "blocked_address"

    def test_passes_over_a_blocked_address_beside_a_public_one(self, world, receiver, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.1/32")]
        world.known["both.example.com"] = ["10.0.0.1", "127.0.0.1", "::1"]

        (answer,) = sent_by(world, receiver.at("/", "both.example.com"))

        assert (answer.error_class, answer.remote_ip) == ("", "127.0.0.1")

    def test_keeps_a_redirect_from_leading_inside(self, receiver, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.1/32")]
        with Receiver(host="127.0.0.2") as inside:
            receiver.script(receivers.redirect(inside.url, 307))
            answer = sent(receiver.url)

        assert answer.error_class == "redirect"
        assert inside.connections == 0


class TestNames:
    def test_that_do_not_exist_are_failures(self, world):
        (answer,) = sent_by(world, "https://typo.example.com/")

        assert (answer.error_class, answer.is_ours, answer.status) == ("dns", False, None)
        assert answer.detail == "Name or service not known"

    def test_that_are_slow_are_failures_in_time(self, world):
        started = time.monotonic()

        async def story(sender):
            sender._resolver._look_up, sender._resolver._seconds = world, 0.2
            return await sender.send(Outgoing("https://hangs.example.com/", HEADERS, BODY))

        assert run(story).error_class == "dns"
        assert time.monotonic() - started < 30  # the answer takes a minute

    def test_that_are_slow_count_toward_the_time_of_the_request(self, world):
        (answer,) = sent_by(world, "https://hangs.example.com/", seconds=0.2)

        assert (answer.error_class, answer.milliseconds < 30_000) == ("connect_timeout", True)

    def test_none_of_which_is_answered_are_our_fault(self, world):
        world.known = {f"{number}.example.com": NO_ANSWER for number in range(4)}

        found = sent_by(world, *(f"https://{number}.example.com/" for number in range(4)))

        assert [(answer.error_class, answer.is_ours) for answer in found] == [
            ("dns", False),
            ("dns", False),
            ("our_fault", True),
            ("our_fault", True),
        ]

    def test_are_sent_as_host_and_reached_by_their_address(self, world, receiver):
        world.known["hooks.example.com"] = ["127.0.0.1"]

        sent_by(world, receiver.at("/", "hooks.example.com"))

        assert receiver.requests[0].headers["host"] == f"hooks.example.com:{receiver.port}"


class TestCertificates:
    @pytest.fixture
    def authority(self, tmp_path: Path, monkeypatch) -> Authority:
        """One that this process trusts."""
        found = Authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(found.path))
        return found

    def test_that_are_right_are_trusted(self, authority):
        with Receiver(tls=authority.server("127.0.0.1")) as receiver:
            answer = sent(receiver.url)

        assert (answer.status, answer.error_class, answer.remote_ip) == (200, "", "127.0.0.1")

    def test_are_checked_for_the_name_that_was_dialled(self, authority, world):
        world.known = {"hooks.example.com": ["127.0.0.1"], "other.example.com": ["127.0.0.1"]}
        with Receiver(tls=authority.server("hooks.example.com")) as receiver:
            found = sent_by(world, receiver.at("/", "hooks.example.com"), receiver.at("/", "other.example.com"))

        assert [answer.error_class for answer in found] == ["", "tls"]
        assert "not valid for 'other.example.com'" in found[1].detail

    @pytest.mark.parametrize(
        ("hosts", "is_expired", "is_known", "detail"),
        [
            pytest.param(["hooks.example.com"], False, True, "IP address mismatch", id="of somebody else"),
            pytest.param(["127.0.0.1"], True, True, "certificate has expired", id="expired"),
            pytest.param(["127.0.0.1"], False, False, "certificate signature failure", id="signed by a stranger"),
        ],
    )
    def test_that_are_wrong_are_failures_before_anything_is_said(
        self, authority, tmp_path, hosts, is_expired, is_known, detail
    ):
        (tmp_path / "strange").mkdir()
        signer = authority if is_known else Authority(tmp_path / "strange")
        with Receiver(tls=signer.server(*hosts, is_expired=is_expired)) as receiver:
            answer = sent(receiver.url)

            assert (answer.status, answer.error_class, answer.is_ours) == (None, "tls", False)
            assert detail in answer.detail
            assert receiver.requests == []

    def test_of_a_server_that_speaks_plainly_are_missed(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            plain = threading.Thread(target=speak_plainly, args=(server,))
            plain.start()
            answer = sent(f"https://127.0.0.1:{server.getsockname()[1]}/")
            plain.join(30)

        assert (answer.error_class, answer.is_ours) == ("tls", False)
        assert answer.detail == "wrong version number"


def speak_plainly(server: socket.socket) -> None:
    """Answer one caller in plain HTTP, whatever it says."""
    accepted, _ = server.accept()
    with accepted:
        accepted.recv(1)
        accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        accepted.recv(65536)


class TestProxy:
    @pytest.fixture(autouse=True)
    def _only_the_proxy_is_near(self, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []

    @pytest.fixture
    def proxied(self, settings):
        """Sends through a proxy on a port."""

        def send(port: int, url: str, *, login: str = "", seconds: float = 30.0) -> Answer:
            settings.WEBHOOK_PROXY = f"http://{login}127.0.0.1:{port}"
            return sent(url, seconds=seconds)

        return send

    def test_is_asked_for_plain_requests_by_name(self, receiver, proxied):
        with Proxy(receiver.port) as proxy:
            answer = proxied(proxy.port, "http://hooks.example.com/a?b", login="ada:secret@")

        assert (answer.status, answer.error_class, answer.remote_ip) == (200, "", "")
        assert proxy.requests[0].path == "http://hooks.example.com/a?b"
        assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")
        assert receiver.requests[0].body == BODY

    def test_is_asked_for_a_tunnel_and_sees_nothing(self, tmp_path, monkeypatch, proxied):
        authority = Authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        with Receiver(tls=authority.server("hooks.example.com")) as receiver, Proxy(receiver.port) as proxy:
            answer = proxied(proxy.port, "https://hooks.example.com/a", login="ada:secret@")

        assert (answer.status, answer.error_class) == (200, "")
        assert (proxy.requests[0].method, proxy.requests[0].path) == ("CONNECT", "hooks.example.com:443")
        assert "proxy-authorization" in proxy.requests[0].headers
        assert "proxy-authorization" not in receiver.requests[0].headers

    @pytest.mark.parametrize("url", [f"http://{METADATA}/", "https://10.0.0.1/", "https://[::1]/"])
    def test_is_never_asked_for_a_private_address(self, receiver, proxied, url):
        with Proxy(receiver.port) as proxy:
            answer = proxied(proxy.port, url)

        assert answer.error_class == "blocked_address"
        assert proxy.requests == []

    def test_that_is_away_is_our_fault(self, proxied):
        answer = proxied(unused_port(), "https://hooks.example.com/")

        assert (answer.error_class, answer.is_ours, answer.status) == ("our_fault", True, None)

    def test_whose_name_is_not_found_is_our_fault(self, settings):
        settings.WEBHOOK_PROXY = "http://proxy.invalid:4750"

        assert sent("https://hooks.example.com/", seconds=3).is_ours

    @pytest.mark.parametrize("url", ["https://hooks.example.com/", "http://hooks.example.com/"])
    def test_that_does_not_know_us_is_our_fault(self, receiver, proxied, url):
        with Proxy(receiver.port, refuse=407) as proxy:
            answer = proxied(proxy.port, url)

        assert (answer.error_class, answer.is_ours, answer.status) == ("our_fault", True, None)

    @pytest.mark.parametrize(
        ("status", "name"),
        [(403, "blocked_address"), (502, "connection_refused"), (503, "connection_refused"), (504, "connect_timeout")],
    )
    def test_that_cannot_reach_a_server_is_not(self, receiver, proxied, status, name):
        with Proxy(receiver.port, refuse=status) as proxy:
            answer = proxied(proxy.port, "https://hooks.example.com/")

        assert (answer.error_class, answer.is_ours) == (name, False)

    def test_that_babbles_is_our_fault(self, proxied):
        with Receiver(receivers.answer(500)) as broken:
            assert proxied(broken.port, "https://hooks.example.com/").is_ours

    @pytest.mark.slow
    def test_a_hanging_server_behind_it_is_not(self, proxied):
        with Receiver(receivers.hang()) as hanging, Proxy(hanging.port) as proxy:
            answer = proxied(proxy.port, "http://hooks.example.com/", seconds=1)

        assert (answer.error_class, answer.is_ours) == ("timeout", False)

    def test_a_wrong_certificate_behind_it_is_not(self, tmp_path, proxied):
        with Receiver(tls=Authority(tmp_path).server("x.example.com")) as receiver, Proxy(receiver.port) as proxy:
            answer = proxied(proxy.port, "https://hooks.example.com/")

        assert (answer.error_class, answer.is_ours) == ("tls", False)


def test_no_descriptor_left_is_our_fault_and_passes(receiver):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def story(sender):
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
        try:
            with suppress(OSError):
                while len(taken) < 128:
                    taken.append(socket.socket())
            short = await sender.send(Outgoing(receiver.url, HEADERS, BODY))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for one in taken:
                one.close()
        return short, await sender.send(Outgoing(receiver.url, HEADERS, BODY))

    short, later = run(story)
    assert (short.error_class, short.is_ours, short.status) == ("our_fault", True, None)
    assert later.status == 200
