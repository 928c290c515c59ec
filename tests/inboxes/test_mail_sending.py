"""Mail by SMTP, to a real server: what it makes of every answer, and how far it got when there was none."""

import ssl
import time
import uuid
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from inboxes.channels.outcomes import Deferred, Rejected, Sent
from inboxes.channels.outgoing import Button, Mail, MailOrder, Media, Outgoing, Reply
from inboxes.transport import mail, smtp, sockets
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT, OUR_FAULT, Accident
from tests.inboxes.letters import EMAIL, MESSAGE_ID, OURS
from tests.ports import free_port
from tests.providers.smtp import DROP, DROP_UNTAKEN, HANG, MailServer, ScriptedServer
from tests.webhooks.certificates import Authority

PASSWORD = "correct-horse"


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.ALLOWED_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def server():
    with MailServer() as running:
        yield running


@pytest.fixture
def authority(tmp_path, monkeypatch):
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    sockets.tls.cache_clear()
    yield made
    sockets.tls.cache_clear()


def settings_for(server, **fields):
    return {"from_address": "help@acme.test", "from_name": "Acme", "smtp_host": "127.0.0.1", "smtp_port": server.port,
            "smtp_security": "none", **fields}  # fmt: skip


def message(**fields):
    return Outgoing(**{"id": OURS, "retry_key": uuid.UUID(int=1), "address": "amine@example.test", "type": "text",
                       "text": "Hello", "mail": Mail(subject="Order 42"), **fields})  # fmt: skip


def order(server, said=None, *, seconds=5.0, **fields):
    made = EMAIL.order(said or message(), settings_for(server, **fields))
    return type(made)(**{**{name: getattr(made, name) for name in made.__slots__}, "seconds": seconds})


def sent(server, said=None, **fields):
    return mail.send(order(server, said, **fields), livemode=True)


def outcome(server, said=None, **fields):
    said = said or message()
    return EMAIL.judge(sent(server, said, **fields), said)


class TestAMailThatIsTaken:
    def test_is_sent_and_known_by_its_message_id(self, server):
        assert outcome(server) == Sent(MESSAGE_ID)

        (taken,) = server.taken
        assert (taken.sender, taken.recipients) == ("help@acme.test", ["amine@example.test"])
        assert taken.mail["Message-ID"] == MESSAGE_ID
        assert taken.mail["Subject"] == "Order 42"
        assert taken.mail["From"] == "Acme <help@acme.test>"
        assert taken.mail.get_body().get_content().strip() == "Hello"

    def test_is_the_same_mail_at_every_attempt(self, server):
        outcome(server)
        outcome(server)

        assert len({taken.mail["Message-ID"] for taken in server.taken}) == 1

    def test_arrives_whole_whatever_its_lines_are(self, server):
        text = ".\n..\n.\r\nMAIL FROM:<x@y>\n\nÀ bientôt, 東京\r.\rQUIT\n" + "long " * 400

        outcome(server, message(text=text))

        got = server.taken[0].mail.get_body().get_content()
        assert got.replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
        assert len(server.taken) == 1

    def test_carries_files_and_html(self, server, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        path = default_storage.save("attachments/1/x.pdf", ContentFile(b"%PDF\x00\xff"))
        files = [Media("document", "https://dexra.test/files/x", "Reçu n° 1.pdf", "application/pdf", 6, path)]

        outcome(server, message(media=files, mail=Mail(subject="Receipt", html="<p>Hello</p>")))

        got = server.taken[0].mail
        assert got.get_body(("html",)).get_content().strip() == "<p>Hello</p>"
        (attached,) = got.iter_attachments()
        assert (attached.get_filename(), attached.get_content()) == ("Reçu n° 1.pdf", b"%PDF\x00\xff")

    def test_goes_to_its_copies_of_whom_nobody_learns(self, server):
        outcome(server, message(mail=Mail(subject="x", cc=("lina@example.test",), bcc=("boss@acme.test",))))

        (taken,) = server.taken
        assert taken.recipients == ["amine@example.test", "lina@example.test", "boss@acme.test"]
        assert b"boss" not in taken.content
        assert taken.mail["Cc"] == "lina@example.test"

    def test_is_taken_though_a_copy_is_not(self, server):
        server.says["lina@example.test"] = "550 5.1.1 unknown"

        assert isinstance(outcome(server, message(mail=Mail(subject="x", cc=("lina@example.test",)))), Sent)

    def test_is_sent_though_nobody_says_goodbye(self, server):
        server.says["QUIT"] = DROP

        assert isinstance(outcome(server), Sent)

    def test_shows_its_links(self, server):
        buttons = [Button("Track & trace", url="https://acme.test/t?a=1&b=2")]

        outcome(server, message(type="button", text="Where is it?", buttons=buttons, footer="Acme"))

        got = server.taken[0].mail
        assert "Track & trace: https://acme.test/t?a=1&b=2" in got.get_body(("plain",)).get_content()
        assert (
            '<a href="https://acme.test/t?a=1&amp;b=2">Track &amp; trace</a>' in got.get_body(("html",)).get_content()
        )


class TestAMailThatIsNotTaken:
    @pytest.mark.parametrize(
        ("step", "answer", "expected"),
        [
            ("RCPT", "450 4.7.1 Greylisted", Deferred("rate_limited", "4.7.1 Greylisted", "4.7.1")),
            ("RCPT", "550 5.1.1 No such user", Rejected("invalid_recipient", "5.1.1 No such user", "5.1.1", "all")),
            ("RCPT", "550 unknown", Rejected("invalid_recipient", "unknown", "550")),
            ("RCPT", "550 5.7.1 Blocked", Rejected("invalid_for_provider", "5.7.1 Blocked", "5.7.1")),
            ("RCPT", "552 5.2.2 Full", Rejected("undelivered", "5.2.2 Full", "5.2.2")),
            ("MAIL", "553 5.1.8 Bad sender", Rejected("invalid_for_provider", "5.1.8 Bad sender", "5.1.8")),
            ("MAIL", "421 4.3.2 Shutting down", Deferred("provider_unavailable", "4.3.2 Shutting down", "4.3.2")),
            ("MAIL", "530 5.7.0 Log in first",
             Rejected("channel_auth_failed", "5.7.0 Log in first", "5.7.0", disconnects=True)),
            ("DATA", "451 4.3.0 Later", Deferred("provider_unavailable", "4.3.0 Later", "4.3.0")),
            ("DATA", "552 too big", Rejected("media_refused", "too big", "552")),
            ("DATA", "554 5.6.0 Spam", Rejected("invalid_for_provider", "5.6.0 Spam", "5.6.0")),
        ],
    )  # fmt: skip
    def test_by_an_answer(self, server, step, answer, expected):
        server.says[step] = answer

        assert outcome(server) == expected
        assert server.taken == []

    @pytest.mark.parametrize("step", ["MAIL", "RCPT"])
    def test_by_a_drop_before_it_was_said_was_certainly_not_sent(self, server, step):
        server.says[step] = DROP

        assert accident(sent(server)) == NOT_SENT

    @pytest.mark.parametrize("act", [DROP, DROP_UNTAKEN])
    def test_by_a_drop_after_its_dot_may_have_been_sent(self, server, act):
        server.says["DATA"] = act

        assert accident(sent(server)) == AMBIGUOUS

    @pytest.mark.slow  # its time is that of the whole talk, which a busy machine takes long for
    def test_by_a_server_that_hangs_after_its_dot_may_have_been_sent_and_ends_in_time(self, server):
        server.says["DATA"] = HANG
        began = time.monotonic()

        assert accident(sent(server, seconds=2.0)) == AMBIGUOUS
        assert time.monotonic() - began < 20  # it hangs for thirty

    def test_by_a_server_that_hangs_before_was_not_sent(self, server):
        server.says["RCPT"] = HANG

        assert accident(sent(server, seconds=0.3)) == NOT_SENT

    @pytest.mark.slow
    def test_by_a_server_that_breaks_off_in_the_middle_was_not_sent(self):
        def script(connection):
            reader = greet(connection)
            connection.sendall(b"354 go on\r\n")
            reader.read(100_000)
            connection.close()

        with ScriptedServer(script) as server:
            # More than fits into what lies between the two: all of it has not left when the other side is gone.
            where = smtp.Server("127.0.0.1", server.port, "none")
            result = smtp.send(where, smtp.Envelope("a@acme.test", "b@example.test"), b"x" * 20_000_000, seconds=30.0)

            assert accident(result) == NOT_SENT

    @pytest.mark.parametrize("banner", [b"554 5.3.2 No mail here\r\n", b"421 busy\r\n"])
    def test_by_a_server_that_takes_none_waits(self, banner):
        with ScriptedServer(lambda connection: connection.sendall(banner)) as server:
            assert isinstance(outcome(server), Deferred)

    @pytest.mark.parametrize("banner", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\r\n", b"220"])
    def test_by_something_that_is_no_mail_server_was_not_sent(self, banner):
        with ScriptedServer(lambda connection: connection.sendall(banner)) as server:
            assert accident(sent(server)) == NOT_SENT

    @pytest.mark.slow
    def test_by_a_server_that_drips_ends_in_time(self):
        def script(connection):
            for _ in range(1000):
                connection.sendall(b"220-a\r\n")
                time.sleep(0.05)

        began = time.monotonic()
        with ScriptedServer(script) as server:
            assert accident(sent(server, seconds=0.4)) == NOT_SENT
            assert time.monotonic() - began < 30

    def test_by_nobody_was_not_sent(self):
        class Nowhere:
            port = free_port()

        assert accident(sent(Nowhere)) == NOT_SENT

    def test_for_want_of_a_file_is_our_fault(self, server, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path

        assert (
            accident(sent(server, message(media=[Media("image", "", "a.png", "image/png", 1, "gone.png")])))
            == OUR_FAULT
        )

    def test_with_a_header_in_its_subject_is_refused(self, server):
        made = order(server)
        broken = type(made)(
            **{**{name: getattr(made, name) for name in made.__slots__}, "subject": "a\r\nBcc: x@y.test"}
        )

        answer = mail.send(broken, livemode=True)
        assert isinstance(answer, Reply)
        judged = EMAIL.judge(answer, message())

        assert isinstance(judged, Rejected)
        assert judged.code == "invalid_for_provider"
        assert server.commands == []


class TestWhereItMayGo:
    def test_not_to_a_private_address(self, server, settings):
        settings.ALLOWED_PRIVATE_NETWORKS = []

        assert sent(server) == Accident(NOT_SENT, "The address is not public.")
        assert server.commands == []

    def test_not_from_the_sandbox(self, server):
        with pytest.raises(RuntimeError, match="sandbox"):
            mail.send(order(server), livemode=False)

        assert server.commands == []


class TestALogin:
    def test_comes_before_the_mail(self):
        with MailServer(login=("help", PASSWORD)) as server:
            sent(server, smtp_username="help", smtp_password=PASSWORD)

            assert server.taken[0].login == "help"

    def test_that_is_refused_disconnects(self):
        with MailServer(login=("help", PASSWORD)) as server:
            judged = outcome(server, smtp_username="help", smtp_password="wrong")

            assert isinstance(judged, Rejected)
            assert (judged.code, judged.disconnects, judged.provider_code) == ("channel_auth_failed", True, "5.7.8")
            assert server.taken == []

    def test_where_there_is_none_disconnects(self, server):
        judged = outcome(server, smtp_username="help", smtp_password=PASSWORD)

        assert isinstance(judged, Rejected)
        assert judged.disconnects

    def test_is_not_said_in_the_open_outside_the_operators_networks(self, settings, monkeypatch):
        monkeypatch.setattr("core.guard.is_blocked", lambda _: False)  # as if the server had a public address
        settings.ALLOWED_PRIVATE_NETWORKS = []
        with MailServer(login=("help", PASSWORD)) as server:
            result = sent(server, smtp_username="help", smtp_password=PASSWORD)

            assert result == Accident(NOT_SENT, "The password would be said without TLS.")
            assert "AUTH" not in server.commands


class TestTls:
    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_hides_the_mail_and_the_password(self, authority, security):
        context = authority.server("127.0.0.1")
        with MailServer(**served(security, context), login=("help", PASSWORD)) as server:
            judged = outcome(server, smtp_security=security, smtp_username="help", smtp_password=PASSWORD)

            assert isinstance(judged, Sent)
            assert server.taken[0].had_tls
            assert server.taken[0].login == "help"

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    @pytest.mark.parametrize("flaw", ["name", "expired", "unknown"])
    def test_is_with_the_right_server_only(self, authority, tmp_path, security, flaw):
        hosts = "elsewhere.test" if flaw == "name" else "127.0.0.1"
        (tmp_path / "other").mkdir()
        signer = Authority(tmp_path / "other") if flaw == "unknown" else authority
        with MailServer(**served(security, signer.server(hosts, is_expired=flaw == "expired"))) as server:
            result = sent(server, smtp_security=security)

            assert accident(result) == NOT_SENT
            assert result.detail.startswith("The server's certificate is not to be trusted")
            assert server.taken == []

    def test_is_never_left_out_in_silence(self, server):
        result = sent(server, smtp_security="starttls")

        assert result == Accident(NOT_SENT, "The server offers no STARTTLS.")
        assert server.commands == ["QUIT"]

    @pytest.mark.slow
    def test_does_not_believe_what_was_said_before_it_began(self, authority):
        def script(connection):
            reader = connection.makefile("rb")
            connection.sendall(b"220 hi\r\n")
            reader.readline()
            connection.sendall(b"250-hi\r\n250 STARTTLS\r\n")
            reader.readline()
            connection.sendall(b"220 go\r\n250 hi\r\n250 ok\r\n250 ok\r\n354 go\r\n250 sent\r\n")
            reader.read()

        with ScriptedServer(script) as server:
            assert accident(sent(server, smtp_security="starttls", seconds=2.0)) == NOT_SENT


class TestACheck:
    def check(self, server, **fields):
        settings = settings_for(server, **fields)
        asked = EMAIL.check_order(settings)
        assert isinstance(asked, MailOrder)
        answer = mail.send(asked, livemode=True)
        return answer if isinstance(answer, Accident) else EMAIL.judge_check(answer, settings)

    def test_logs_in_and_sends_nothing(self):
        with MailServer(login=("help", PASSWORD)) as server:
            assert self.check(server, smtp_username="help", smtp_password=PASSWORD).problem is None
            assert server.commands == ["AUTH", "NOOP", "QUIT"]

    def test_names_the_password_that_is_refused(self):
        with MailServer(login=("help", PASSWORD)) as server:
            problem = self.check(server, smtp_username="help", smtp_password="wrong").problem

            assert (problem.field, problem.code) == ("settings.smtp_password", "channel_auth_failed")
            assert "wrong" not in problem.message

    def test_says_that_nobody_is_there(self):
        class Nowhere:
            port = free_port()

        assert accident(self.check(Nowhere)) == NOT_SENT


def accident(result):
    """Return what kind of accident a sending was; fail where there was an answer."""
    assert isinstance(result, Accident), result
    assert not isinstance(result, Reply)
    return result.kind


def served(security: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Return how a server is told to speak TLS: from the beginning, or when it is asked to."""
    return {security: context}


def greet(connection):
    """Go through a conversation up to ``DATA``, and return what reads on."""
    reader = connection.makefile("rb")
    connection.sendall(b"220 hi\r\n")
    for answer in (b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n"):
        reader.readline()
        connection.sendall(answer)
    reader.readline()
    return reader
