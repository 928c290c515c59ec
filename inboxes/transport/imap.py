"""Mail folders, read by IMAP: nothing in them is marked, moved or deleted."""

import base64
import imaplib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from typing import Any

from inboxes.channels.mails import answers
from inboxes.channels.outgoing import FolderOrder, Reply
from inboxes.transport import sockets
from inboxes.transport.accidents import NOT_SENT, Accident, Result

CONNECT_SECONDS = 10.0
LITERAL_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
UNTOUCHED = re.compile(r"\[b['\"](.*)['\"]\]$")  # as Python's library quotes a server
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FAILURES = (OSError, imaplib.IMAP4.error, ValueError)


class Unreachable(Exception):
    """The folder could not be read just now, or not at all; says why in words that hold no secrets."""

    def __init__(self, detail: str, *, field: str = "") -> None:
        super().__init__(detail)
        self.detail, self.field = detail, field


class Folder:
    """An open folder. Its ``validity`` names this numbering of its mails: under another, numbers mean other mails."""

    def __init__(self, connection: "_Connection", validity: int, next_uid: int) -> None:
        self._connection = connection
        self.validity, self.next_uid = validity, next_uid

    def uids_after(self, uid: int) -> list[int]:
        """Return the numbers of the mails that came after one, in order."""
        return [found for found in self._search(f"UID {uid + 1}:*") if found > uid]  # ``*`` is the last one always

    def uids_since(self, day: date) -> list[int]:
        """Return the numbers of the mails that came on a day or later, in order."""
        return self._search(f"SINCE {day.day}-{MONTHS[day.month - 1]}-{day.year}")

    def size_of(self, uid: int) -> int | None:
        """Return how many bytes a mail has; None for one that is gone."""
        for part in self._fetch(uid, "(RFC822.SIZE)"):
            if found := LITERAL_SIZE.search(part[0] if isinstance(part, tuple) else part):
                return int(found[1])
        return None

    def mail(self, uid: int) -> bytes | None:
        """Return a mail as it is; None for one that is gone. It stays as unread as it was."""
        return self._literal(uid, "(BODY.PEEK[])")

    def head_of(self, uid: int) -> bytes | None:
        """Return the header of a mail; None for one that is gone."""
        return self._literal(uid, "(BODY.PEEK[HEADER])")

    def _literal(self, uid: int, wanted: str) -> bytes | None:
        return next((part[1] for part in self._fetch(uid, wanted) if isinstance(part, tuple)), None)

    def _fetch(self, uid: int, wanted: str) -> list[Any]:
        with _told():
            status, parts = self._connection.uid("FETCH", str(uid), wanted)
        return [part for part in parts if part] if status == "OK" else []

    def _search(self, criterion: str) -> list[int]:
        with _told():
            status, found = self._connection.uid("SEARCH", None, criterion)  # type: ignore[arg-type]  # no charset
        if status != "OK":
            raise Unreachable("The server does not search the folder.")
        return sorted({int(number) for line in found if line for number in line.split()})


@contextmanager
def opened(order: FolderOrder, *, most_bytes: int, seconds: float) -> Iterator[Folder]:
    """Open a folder to be read only, for so many ``seconds`` at most. Raises Unreachable."""
    with sockets.Watchdog(seconds) as watchdog:
        with _told("settings.imap_host"):
            connection = _Connection(replace(order, seconds=min(order.seconds, seconds)), most_bytes, watchdog)
        with _leaving(connection):
            yield _entered(connection, order)


def check(order: FolderOrder, *, seconds: float) -> Result:
    """Log in and open the folder, in ``seconds`` at most, and answer as a server for outgoing mail would."""
    try:
        with opened(order, most_bytes=0, seconds=seconds):
            return Reply(250, b"", {answers.VIA: "smtp"})
    except Unreachable as failure:
        if not failure.field or failure.field == "settings.imap_host":
            return Accident(
                NOT_SENT, f"IMAP: {failure.detail}", sockets.wrong_with_host(failure.__cause__), "imap_host"
            )
        return Reply(535, failure.detail.encode(), {answers.VIA: "smtp", answers.STAGE: failure.field})


class _Connection(imaplib.IMAP4):
    """A connection to an address that may be dialled, which takes no more than it can bear."""

    def __init__(self, order: FolderOrder, most_bytes: int, watchdog: sockets.Watchdog) -> None:
        self._order, self._most_bytes, self._watchdog = order, most_bytes, watchdog
        self.sock: Any = None
        super().__init__(order.host, order.port, order.seconds)
        if order.security == "starttls":
            self.starttls(sockets.tls())

    def read(self, size: int) -> bytes:
        """Return a literal. Raises imaplib.IMAP4.abort for one that is too long."""
        if size > self._most_bytes + 1024 * 1024:
            raise self.abort("The server sends more than was asked for.")
        return super().read(size)

    def enter(self) -> None:
        """Log in, whatever letters the password has."""
        name, password = self._order.username, self._order.password
        if name.isascii() and password.isascii():
            self.login(name, password)
        else:
            self.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode())

    def _create_socket(self, timeout: float | None) -> socket.socket:
        seconds = timeout or CONNECT_SECONDS
        connection = sockets.connect(self.host, self.port, min(CONNECT_SECONDS, seconds))
        self._watchdog.watch(connection)
        connection.settimeout(seconds)
        return sockets.secured(connection, self.host) if self._order.security == "tls" else connection


def _entered(connection: _Connection, order: FolderOrder) -> Folder:
    if not sockets.may_say_secrets(connection.sock):
        raise Unreachable("The password would be said without TLS.", field="settings.imap_security")
    with _told("settings.imap_password"):
        connection.enter()
    with _told("settings.imap_folder"):
        status, _ = connection.select(f'"{_utf7(order.name)}"', readonly=True)
        if status != "OK":
            raise Unreachable("There is no such folder.", field="settings.imap_folder")
    validity, next_uid = (_number(connection, name) for name in ("UIDVALIDITY", "UIDNEXT"))
    return Folder(connection, validity, next_uid)


def _number(connection: _Connection, name: str) -> int:
    value = (connection.response(name)[1] or [None])[0]
    return int(value) if value else 0


@contextmanager
def _leaving(connection: _Connection) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(*FAILURES):
            connection.sock.settimeout(1.0)
            connection.logout()
        with suppress(*FAILURES):
            connection.shutdown()


@contextmanager
def _told(field: str = "") -> Iterator[None]:
    """Tell what goes wrong inside as Unreachable; ``field`` is the setting to blame where the server says no."""
    try:
        yield
    except imaplib.IMAP4.abort as failure:
        raise Unreachable("The server closed the connection, or said what is no IMAP.") from failure
    except imaplib.IMAP4.error as failure:
        raise Unreachable(_words(failure), field=field) from failure
    except (OSError, ValueError) as failure:
        detail = getattr(failure, "strerror", None) or "No connection could be made."
        raise Unreachable(str(detail), field="settings.imap_host") from failure


def _words(failure: Exception) -> str:
    """Return what a server said."""
    said = failure.args[0] if failure.args else b""
    text = said.decode(errors="replace") if isinstance(said, bytes) else UNTOUCHED.sub(r"\1", str(said))
    return " ".join(text.split())[:300] or "The server refuses."


def _utf7(name: str) -> str:
    """Return a folder's name as IMAP spells it (RFC 3501 section 5.1.3), ready to be quoted."""
    pieces, foreign = [], ""
    for letter in [*name, ""]:
        if letter and not " " <= letter <= "~":
            foreign += letter
            continue
        if foreign:
            packed = base64.b64encode(foreign.encode("utf-16-be")).decode("ascii")
            pieces.append(f"&{packed.rstrip('=').replace('/', ',')}-")
            foreign = ""
        pieces.append({"&": "&-", '"': '\\"', "\\": "\\\\"}.get(letter, letter))
    return "".join(pieces)
