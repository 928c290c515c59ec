"""
Mail servers: a real one (aiosmtpd) that can be told to misbehave at any step, and one that follows a script.

``with MailServer() as server:`` takes every mail and keeps it in ``taken``. ``server.says["RCPT"] = "450 ..."`` makes
it answer so; an ``Act`` instead of an answer drops or hangs.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.ports import free_port

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Act:
    """What a server does instead of answering; ``takes`` the mail first where it is asked for after the dot."""

    hangs: bool = False
    takes: bool = True


DROP, HANG, DROP_UNTAKEN = Act(), Act(hangs=True), Act(takes=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that was taken."""

    sender: str
    recipients: list[str]
    content: bytes
    had_tls: bool
    login: str

    @property
    def mail(self) -> EmailMessage:
        """The mail, read by Python's own parser."""
        read = message_from_bytes(self.content, policy=default)
        assert isinstance(read, EmailMessage)
        return read


class MailServer:
    """A mail server that keeps what it takes; ``commands`` are those it was given."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.says: dict[str, str | Act | list[str | Act]] = {}
        self.taken: list[Taken] = []
        self.commands: list[str] = []
        self._login, self._is_tls = login, tls is not None
        # In clear, too: whether a password is said there is the client's to decide.
        options: dict[str, Any] = {"auth_require_tls": False, "authenticator": self._authenticated if login else None,
                   "tls_context": starttls, "require_starttls": False, "decode_data": False}  # fmt: skip
        options |= {"port": free_port(), "ready_timeout": START_SECONDS}
        self._controller = Controller(self, hostname="127.0.0.1", ssl_context=tls, **options)

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._controller.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop(no_assert=True)

    # --- aiosmtpd's hooks ------------------------------------------------------------------------

    async def handle_MAIL(  # noqa: N802  aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer ``MAIL FROM``."""
        envelope.mail_from = address
        return await self._said("MAIL", server) or "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802  the same
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer ``RCPT TO``; for one address only, ``says[address]`` is asked first."""
        answer = await self._said(address, server) or await self._said("RCPT", server) or "250 2.1.5 Ok"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  the same
        """Take a mail and answer its dot."""
        said = self.says.get("DATA")
        is_refused = isinstance(said, str) or (isinstance(said, Act) and not said.takes)
        if not is_refused:
            content: Any = envelope.content
            auth: Any = session.auth_data
            login = auth.login.decode() if isinstance(auth, LoginPassword) else ""
            had_tls = self._is_tls or getattr(session, "ssl", None) is not None
            mail = Taken(str(envelope.mail_from), list(envelope.rcpt_tos), content, had_tls, login)
            self.taken.append(mail)
        return await self._said("DATA", server) or "250 2.0.0 Ok: queued as 4kX"

    async def handle_NOOP(self, server: SMTP, *_: Any) -> str:  # noqa: N802  the same
        """Answer a check."""
        return await self._said("NOOP", server) or "250 2.0.0 Ok"

    async def handle_QUIT(self, server: SMTP, *_: Any) -> str:  # noqa: N802  the same
        """Say goodbye."""
        return await self._said("QUIT", server) or "221 2.0.0 Bye"

    async def _said(self, step: str, server: SMTP) -> str:
        self.commands.append(step)
        told = self.says.get(step)
        if isinstance(told, list):
            told = told.pop(0) if told else None
        if isinstance(told, Act):
            if told.hangs:
                await asyncio.sleep(30)
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            await asyncio.sleep(0)
            return "421 gone"
        return told or ""

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.commands.append("AUTH")
        is_right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self._login
        if is_right:
            return AuthResult(success=True, auth_data=data)
        return AuthResult(success=False, handled=False, message="535 5.7.8 Authentication credentials invalid")


class ScriptedServer:
    """A server that says what its script says to whoever connects, each connection in a thread of its own."""

    def __init__(self, script: Callable[[socket.socket], None]) -> None:
        self._script = script
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(30)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(30)
                self._script(connection)
