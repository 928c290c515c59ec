"""
Mail by SMTP, with an eye on how far it got.

Until the dot that ends a mail was sent, the server has nothing; after it, and before its answer, nobody knows.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from core import guard
from inboxes.channels.mails import answers
from inboxes.channels.outgoing import Reply
from inboxes.transport import sockets
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT, Accident, Result

CONNECT_SECONDS = 10.0
LINE_END = re.compile(rb"\r\n|\r|\n")
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
PRINTABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in; ``security`` is none, starttls or tls."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who gets a mail: ``to`` has to be taken by the server, of the ``copies`` as many as it takes."""

    sender: str
    to: str
    copies: Sequence[str] = ()


class Refused(Exception):
    """The server said no."""

    def __init__(self, stage: str, code: int, said: bytes) -> None:
        super().__init__(stage, code)
        self.stage, self.code, self.said = stage, code, said

    @property
    def reply(self) -> Reply:
        """What it said, and to what."""
        return _reply(self.code, self.said, self.stage)


def send(server: Server, envelope: Envelope, content: bytes, *, seconds: float) -> Result:
    """Hand in one mail, in ``seconds`` at most. Raises nothing."""
    return _conversed(server, seconds, lambda client: client.mail_out(envelope, content))


def check(server: Server, *, seconds: float) -> Result:
    """Log in, and say nothing."""
    return _conversed(server, seconds, lambda client: _reply(*client.noop(), stage="noop"))


def _conversed(server: Server, seconds: float, talk: Callable[["Client"], Reply]) -> Result:
    client = Client(server, seconds)
    try:
        with sockets.Watchdog(seconds) as client.watchdog:
            client.open()
            return talk(client)
    except Refused as refused:
        return refused.reply
    except (OSError, smtplib.SMTPException, UnicodeError, ValueError) as failure:
        kind = AMBIGUOUS if client.is_handed_over else NOT_SENT
        return Accident(kind, _detail(failure), sockets.wrong_with_host(failure), "smtp_host")
    finally:
        client.leave()


class Client(smtplib.SMTP):
    """One conversation with a server."""

    sock: socket.socket | None

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__(local_hostname=_own_name(), timeout=seconds)
        self._server = server
        self._host = server.host  # what the certificate has to be for
        self.sock = None
        self.watchdog = sockets.Watchdog(seconds)
        self.is_handed_over = False

    def open(self) -> None:
        """Connect, begin TLS as was asked, and log in. Raises Refused, OSError, smtplib.SMTPException."""
        self._expect(220, *self.connect(self._server.host, self._server.port), stage=answers.HELLO)
        self._greet()
        if self._server.security == "starttls":
            self._begin_tls()
        if self._server.username:
            self._log_in()

    def mail_out(self, envelope: Envelope, content: bytes) -> Reply:
        """Say a mail. Raises Refused, OSError, smtplib.SMTPException."""
        options = ["BODY=8BITMIME"] if self.has_extn("8bitmime") else []
        options += [f"SIZE={len(content)}"] if self.has_extn("size") else []
        self._expect(250, *self.mail(envelope.sender, options), stage="sender")
        code, said = self.rcpt(envelope.to)
        self._expect(code if code in {250, 251} else 250, code, said, stage=answers.RECIPIENT)
        for copy in envelope.copies:
            self.rcpt(copy)  # one that is refused keeps nobody else from getting the mail
        return self._hand_over(content)

    def leave(self) -> None:
        """Say goodbye where somebody listens; nothing hangs on it."""
        with suppress(OSError, smtplib.SMTPException, ValueError):
            if self.sock is not None:
                self.sock.settimeout(1.0)
                self.quit()
        self.close()

    def _hand_over(self, content: bytes) -> Reply:
        self._expect(354, *self.docmd("DATA"), stage="data")
        self.send(_stuffed(content))
        self.is_handed_over = True
        self.send(b".\r\n")
        code, said = self.getreply()
        if code == -1:
            raise smtplib.SMTPServerDisconnected("The answer was no SMTP.")
        self.is_handed_over = False  # it has answered: whatever it says now is definite
        return _reply(code, said, "content")

    def _begin_tls(self) -> None:
        """Go on with TLS. A server that has none is not spoken to: the way to it would be open to everybody."""
        if not self.has_extn("starttls"):
            raise Unprotected("The server offers no STARTTLS.")
        try:
            self.starttls(context=sockets.tls())
        except smtplib.SMTPResponseException as refused:
            raise Refused(answers.HELLO, refused.smtp_code, _bytes(refused.smtp_error)) from None
        self._greet()

    def _greet(self) -> None:
        code, said = self.ehlo()
        if not 200 <= code < 300:
            code, said = self.helo()
        self._expect(250, code, said, stage=answers.HELLO)

    def _log_in(self) -> None:
        if self.sock is None or not sockets.may_say_secrets(self.sock):
            raise Unprotected("The password would be said without TLS.")
        try:
            self.login(self._server.username, self._server.password)
        except smtplib.SMTPAuthenticationError as refused:
            raise Refused(answers.LOGIN, refused.smtp_code, _bytes(refused.smtp_error)) from None
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:  # it offers no way to log in, or none that is known here
            raise Refused(answers.LOGIN, 530, b"The server takes no password here.") from None

    def _expect(self, wanted: int, code: int, said: bytes, *, stage: str) -> None:
        if code == -1:
            raise smtplib.SMTPServerDisconnected("The answer was no SMTP.")
        if code != wanted:
            raise Refused(stage, code, said)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = sockets.connect(host, port, min(timeout, CONNECT_SECONDS))
        self.watchdog.watch(connection)
        connection.settimeout(timeout)
        return sockets.secured(connection, host) if self._server.security == "tls" else connection


class Unprotected(smtplib.SMTPException):
    """What was asked to be kept from others would be said in the open."""


def server_of(options: Mapping[str, Any]) -> Server:
    """Return the server that an order names."""
    return Server(**{name: options[name] for name in ("host", "port", "security", "username", "password")})


def _stuffed(content: bytes) -> bytes:
    """
    Return a mail as it is said: every line ended by CRLF, dots at their beginnings doubled (RFC 5321 section 4.5.2).

    Lone CRs and LFs go first: some servers take them for line ends, and what follows for commands.
    """
    lines = LINE_END.sub(b"\r\n", content)
    return LEADING_DOT.sub(b"..", lines if lines.endswith(b"\r\n") else lines + b"\r\n")


def _reply(code: int, said: bytes, stage: str) -> Reply:
    return Reply(code, said, {answers.VIA: "smtp", answers.STAGE: stage})


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode(errors="replace")


def _own_name() -> str:
    """Return what this machine calls itself, without asking a name server."""
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    return f"[{'IPv6:' if ':' in host else ''}{host}]" if guard.is_literal(host) else host


def _detail(failure: Exception) -> str:
    """Return what happened, in words that hold neither addresses nor secrets."""
    if isinstance(failure, Unprotected):
        return str(failure)
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"The server's certificate is not to be trusted: {PRINTABLE.sub(' ', failure.verify_message)}."
    return next((words for kind, words in IN_WORDS if isinstance(failure, kind)), "The server broke off.")


IN_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (guard.NoPublicAddress, "The server's name is not known, or it leads to a private network."),
    (guard.BlockedAddress, "The address is not public."),
    (ssl.SSLError, "The TLS handshake failed."),
    (TimeoutError, "There was no answer in time."),
    (socket.gaierror, "The server's name is not known."),
    (ConnectionRefusedError, "No connection could be made."),
)
