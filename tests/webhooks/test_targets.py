"""Which URLs and headers an endpoint may have, and what is said of those it may not."""

import socket
import threading
import time
from ipaddress import ip_network

import pytest

from tests.engines import until
from webhooks.transport import targets

GOOD = "https://hooks.example.com/dexra"


@pytest.fixture(autouse=True)
def _a_hosted_installation(settings):
    settings.BASE_URL = "https://dexra.example.net"
    settings.ALLOWED_HOSTS = ["dexra.example.net", ".cable.example.net"]
    settings.ALLOWED_PRIVATE_NETWORKS = []


@pytest.fixture(autouse=True)
def resolves(monkeypatch):
    """Answers for the name servers of the world; nobody is asked. Other names lead somewhere, an error is one."""
    known = {"localhost": ["127.0.0.1", "::1"]}

    def getaddrinfo(host, *_, **__):
        found = known.get(host, ["1.1.1.1"])
        if isinstance(found, int):
            raise socket.gaierror(found, "as the system words it")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def slow_names(monkeypatch):
    """Names are answered once the event is set."""
    go_on = threading.Event()

    def getaddrinfo(*_, **__):
        go_on.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(targets, "EARLY_SECONDS", 0.05)
    yield go_on
    go_on.set()


def codes(url: str, *, livemode: bool = True) -> list[str]:
    """Return what is wrong with a URL."""
    problems = targets.problems_of_url(url, livemode=livemode)
    assert {problem.field for problem in problems} <= {"url"}
    return [problem.code for problem in problems]


def seconds_of(url: str) -> float:
    """Return how long it takes to find nothing wrong with a URL."""
    started = time.monotonic()
    assert codes(url) == []
    return time.monotonic() - started


class TestProblemsOfUrl:
    @pytest.mark.parametrize(
        "url",
        [
            GOOD,
            "https://example.com",
            "https://example.com:443/",
            "https://example.com:8443/a/b?c=d&e=%2F",
            "https://example.com:1024/",
            "https://example.com:65535/",
            "https://EXAMPLE.com./hook",
            "https://münchen.example/über",
            "https://xn--mnchen-3ya.example/",
            "https://a_b.example.com/",
            "https://1.1.1.1/hook",
            "https://[2606:4700:4700::1111]:8443/hook",
            "https://example.com/" + "p" * (2048 - 20),
        ],
    )
    def test_finds_nothing_wrong(self, url):
        assert codes(url) == []
        assert codes(url, livemode=False) == []

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            pytest.param("", "required", id="nothing"),
            pytest.param("https://example.com/" + "p" * (2049 - 20), "too_long", id="too long"),
            pytest.param("example.com/hook", "not_a_url", id="no scheme"),
            pytest.param("//example.com/hook", "not_a_url", id="half a scheme"),
            pytest.param("/hook", "not_a_url", id="a path"),
            pytest.param("ftp://example.com/", "not_a_url", id="ftp"),
            pytest.param("file:///etc/passwd", "not_a_url", id="file"),
            pytest.param("gopher://example.com/", "not_a_url", id="gopher"),
            pytest.param("javascript:alert(1)", "not_a_url", id="javascript"),
            pytest.param("https://", "not_a_url", id="no host"),
            pytest.param("https:///hook", "not_a_url", id="an empty host"),
            pytest.param("https://:443/", "not_a_url", id="a port alone"),
            pytest.param("https://exa mple.com/", "not_a_url", id="a blank"),
            pytest.param(" https://example.com/", "not_a_url", id="a leading blank"),
            pytest.param("https://example.com/\r\nHost: x", "not_a_url", id="a line break"),
            pytest.param("https://example.com/\x00", "not_a_url", id="NUL"),
            pytest.param("https://example.com\\@127.0.0.1/", "not_a_url", id="a backslash"),
            pytest.param("https://ex%61mple.com/", "not_a_url", id="an escaped host"),
            pytest.param("https://a..example.com/", "not_a_url", id="an empty label"),
            pytest.param("https://" + "a" * 64 + ".com/", "not_a_url", id="a long label"),
            pytest.param("https://" + "a." * 127 + "com/", "not_a_url", id="a long name"),
            pytest.param("https://-a.example.com/", "not_a_url", id="a leading dash"),
            pytest.param("https://[::1/", "not_a_url", id="half a bracket"),
            pytest.param("https://example.com:port/", "not_a_url", id="no number"),
            pytest.param("https://example.com:65536/", "not_a_url", id="a port too many"),
            pytest.param("https://ada:secret@example.com/", "credentials_in_url", id="a password"),
            pytest.param("https://ada@example.com/", "credentials_in_url", id="a name"),
            pytest.param("https://@example.com/", "credentials_in_url", id="an empty name"),
            pytest.param(GOOD + "#part", "fragment", id="a fragment"),
            pytest.param("https://example.com:22/", "port", id="ssh"),
            pytest.param("https://example.com:25/", "port", id="smtp"),
            pytest.param("https://example.com:0/", "port", id="no port"),
            pytest.param("https://example.com:1023/", "port", id="the last reserved one"),
            pytest.param("https://dexra.example.net/hook", "own_host", id="ourselves"),
            pytest.param("https://DEXRA.example.net.:8443/hook", "own_host", id="ourselves in disguise"),
            pytest.param("https://eu.cable.example.net/", "own_host", id="one of our hosts"),
            pytest.param("https://127.0.0.1/", "private_address", id="loopback"),
            pytest.param("https://[::1]/", "private_address", id="loopback in IPv6"),
            pytest.param("https://[::ffff:127.0.0.1]/", "private_address", id="loopback mapped"),
            pytest.param("https://[fe80::1%25eth0]/", "private_address", id="a zone"),
            pytest.param("https://10.1.2.3/", "private_address", id="private"),
            pytest.param("https://169.254.169.254/latest", "private_address", id="metadata"),
            pytest.param("https://[fd00:ec2::254]/", "private_address", id="metadata in IPv6"),
            pytest.param("https://\uff11\uff12\uff17.0.0.1/", "private_address", id="full-width digits"),
            pytest.param("https://127\u30020\u30020\u30021/", "private_address", id="ideographic full stops"),
            pytest.param("https://localhost/", "private_address", id="a name for it"),
            pytest.param("https://2130706433/", "not_an_address", id="one number"),
            pytest.param("https://0x7f000001/", "not_an_address", id="hexadecimal"),
            pytest.param("https://0177.0.0.1/", "not_an_address", id="octal"),
            pytest.param("https://127.1/", "not_an_address", id="short"),
            pytest.param("https://127.0.0.1./", "not_an_address", id="a trailing dot"),
            pytest.param("https://8.8.8.0x8/", "not_an_address", id="partly hexadecimal"),
            pytest.param("https://0/", "not_an_address", id="zero"),
        ],
    )
    def test_says_what_is_wrong(self, url, code):
        assert codes(url) == [code]
        assert codes(url, livemode=False) == [code]

    def test_names_everything_that_is_wrong_with_its_form(self):
        assert codes("https://ada:secret@example.com:22/#x") == ["credentials_in_url", "fragment", "port"]

    def test_calls_port_0_what_it_is(self):
        (problem,) = targets.problems_of_url("https://example.com:0/", livemode=True)

        assert problem.message == "Nobody listens on port 0. Use 80, 443, or any from 1024 on."

    def test_never_repeats_a_password(self):
        (problem,) = targets.problems_of_url("https://ada:hunter2@example.com/", livemode=True)

        assert "hunter2" not in problem.message

    def test_tells_the_limit_of_its_length(self):
        (problem,) = targets.problems_of_url("https://" + "a" * 3000, livemode=True)

        assert (problem.limit, "3008" in problem.message) == (2048, True)

    def test_takes_plain_http_in_the_sandbox_only(self):
        assert codes("http://example.com/", livemode=False) == []
        assert codes("http://example.com/", livemode=True) == ["https_required"]


class TestNames:
    def test_one_that_leads_to_private_addresses_only_is_refused(self, resolves):
        resolves["internal.example.com"] = ["10.0.0.5", "fd00::5"]

        assert codes("https://internal.example.com/") == ["no_public_address"]

    @pytest.mark.parametrize("livemode", [True, False])
    def test_nobody_learns_which_of_ours_there_are(self, resolves, livemode):
        resolves["db"], resolves["no"] = ["10.0.0.5"], socket.EAI_NONAME

        there, missing = (targets.problems_of_url(f"http://{name}/", livemode=livemode) for name in ("db", "no"))

        assert [problem.code for problem in there] == ["no_public_address"]
        assert [problem.message.replace("db", "no") for problem in there] == [problem.message for problem in missing]

    @pytest.mark.parametrize("failure", [socket.EAI_NONAME, socket.EAI_FAIL])
    def test_one_that_nobody_knows_is_refused(self, resolves, failure):
        resolves["unknown.example.com"] = failure

        assert codes("https://unknown.example.com/") == ["no_public_address"]

    def test_one_that_cannot_be_asked_for_now_is_taken(self, resolves):
        resolves["later.example.com"] = socket.EAI_AGAIN

        assert codes("https://later.example.com/") == []

    def test_one_that_leads_to_a_public_address_too_is_taken(self, resolves):
        resolves["both.example.com"] = ["10.0.0.5", "1.1.1.1"]

        assert codes("https://both.example.com/") == []

    @pytest.mark.usefixtures("slow_names")
    def test_one_that_takes_long_is_taken(self):
        started = time.monotonic()

        assert codes("https://slow.example.com/") == []
        assert time.monotonic() - started < 30  # the answer takes a minute

    def test_while_many_take_long_nobody_waits(self, slow_names):
        before = threading.active_count()
        for number in range(12):
            codes(f"https://slow{number}.example.com/")

        assert threading.active_count() - before <= 8
        assert min(seconds_of("https://internal.example.com/") for _ in range(10)) < 0.04

    @pytest.mark.slow
    def test_is_asked_for_again_once_they_are_through(self, slow_names):
        for number in range(12):
            codes(f"https://slow{number}.example.com/")
        slow_names.set()

        until(lambda: codes("https://internal.example.com/") == ["no_public_address"])

    def test_is_not_asked_for_where_a_proxy_resolves(self, settings, resolves):
        settings.WEBHOOK_PROXY = "http://proxy.internal:4750"
        resolves["split.example.com"] = ["10.0.0.5"]

        assert codes("https://split.example.com/") == []
        assert codes("https://10.0.0.5/") == ["private_address"]


class TestAllowedNetworks:
    @pytest.fixture(autouse=True)
    def _a_developers_machine(self, settings):
        settings.BASE_URL = "http://127.0.0.1:8000"
        settings.ALLOWED_HOSTS = ["*"]
        settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("::1/128")]

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "http://localhost:9000/", "https://[::1]:9000/"])
    def test_let_their_hosts_through_in_live_without_encryption(self, url):
        assert codes(url, livemode=True) == []

    def test_let_names_be_told_apart(self, resolves):
        resolves["db.example.com"], resolves["soon.example.com"] = ["10.0.0.5"], socket.EAI_NONAME

        assert codes("https://db.example.com/") == ["private_address"]
        assert codes("https://soon.example.com/") == []

    def test_do_not_excuse_others_from_encryption(self, resolves):
        resolves["nowhere.example.com"] = socket.EAI_NONAME

        assert codes("http://1.1.1.1/", livemode=True) == ["https_required"]
        assert codes("http://nowhere.example.com/", livemode=True) == ["https_required"]

    def test_do_not_excuse_a_name_that_leads_elsewhere_too(self, resolves):
        resolves["both.example.com"] = ["127.0.0.1", "1.1.1.1"]

        assert codes("http://both.example.com/", livemode=True) == ["https_required"]

    @pytest.mark.parametrize("url", ["http://127.0.0.1:8000/x", "http://localhost:8000/", "http://127.9.9.9:8000/"])
    def test_do_not_let_us_call_ourselves(self, url):
        assert codes(url) == ["own_host"]

    def test_let_nothing_else_through(self):
        assert codes("https://10.0.0.1/") == ["private_address"]


class TestParsed:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/a%2Fb/%7Euser?sig=a%2Bb%3D&x=%20#",
            "https://example.com/../a/./b//c?x=1&&y",
            "https://example.com/hook?a=b+c",
        ],
    )
    def test_leaves_path_and_query_as_they_were_written(self, url):
        assert targets.parsed(url).raw_path_qs == url.removeprefix("https://example.com").removesuffix("#")

    def test_writes_other_alphabets_so_that_they_can_be_sent(self):
        address = targets.parsed("https://münchen.example/über?größe=1")

        assert address.raw_host == "xn--mnchen-3ya.example"
        assert address.raw_path_qs == "/%C3%BCber?gr%C3%B6%C3%9Fe=1"

    def test_never_lets_a_line_break_through(self):
        assert "\n" not in targets.parsed("https://example.com/a\r\nHost: b").raw_path_qs


class TestProblemsOfHeaders:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer abc.def", "Cookie": "a=b", "X-Token": "t\tt"},
            {f"X-{number}": "v" for number in range(20)},
            {"X-Long": "v" * (4096 - 6)},
            {"X-Empty": ""},
        ],
    )
    def test_finds_nothing_wrong(self, headers):
        assert targets.problems_of_headers(headers) == []

    @pytest.mark.parametrize(
        "name",
        [
            "Host", "content-length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Expect",
            "Upgrade", "User-Agent", "Accept-Encoding", "Proxy-Authorization", "webhook-id", "Webhook-Signature",
            "WEBHOOK-ANYTHING", "X-Chatwoot-Signature", "dexra-env", "Dexra-Attempt",
        ],
    )  # fmt: skip
    def test_refuses_those_that_are_set_by_us(self, name):
        (problem,) = targets.problems_of_headers({name: "x"})

        assert (problem.field, problem.code) == (f"custom_headers.{name}", "forbidden")

    @pytest.mark.parametrize("name", ["", "X Token", "X:Y", "X\r\nY", "Ünïcode", "X\x00", "(x)"])
    def test_refuses_what_is_no_name(self, name):
        assert [problem.code for problem in targets.problems_of_headers({name: "x"})] == ["invalid_characters"]

    @pytest.mark.parametrize("value", ["a\r\nHost: b", "a\nb", "a\rb", "a\x00b", "a\x7f", "naïve", "日本", "\ud800"])
    def test_refuses_values_that_would_break_a_line_and_never_repeats_them(self, value):
        (problem,) = targets.problems_of_headers({"X-Token": value})

        assert (problem.field, problem.code) == ("custom_headers.X-Token", "invalid_characters")
        assert value not in problem.message

    def test_refuses_a_name_that_is_there_twice(self):
        problems = targets.problems_of_headers({"X-Token": "a", "x-token": "b"})

        assert [problem.code for problem in problems] == ["duplicate", "duplicate"]

    def test_tells_the_limits(self):
        many = {f"X-{number}": "v" * 300 for number in range(21)}

        assert [(problem.code, problem.limit) for problem in targets.problems_of_headers(many)] == [
            ("too_many", 20),
            ("too_long", 4096),
        ]
