"""
A mailbox at a real IMAP server (Twisted's), with folders whose mails tests put there.

``with ImapServer() as server: server.inbox.put(raw)``. What a client marks, moves or deletes is in ``changes``.
"""

import io
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email import message_from_bytes
from email.utils import formatdate, parsedate_to_datetime
from typing import Any, Self

from twisted.cred import checkers, portal
from twisted.internet import protocol
from twisted.internet import reactor as twisted_reactor
from twisted.mail import imap4
from zope.interface import implementer

reactor: Any = twisted_reactor  # Twisted finds out what it is when it runs
_running = threading.Event()


@implementer(imap4.IMessage, imap4.IMessageFile)
class Mail:
    """One mail in a folder."""

    def __init__(self, uid: int, raw: bytes, date: str) -> None:
        self._uid, self._raw, self._date = uid, raw, date
        self._message = message_from_bytes(raw)

    @property
    def came_at(self) -> datetime:
        """When it came."""
        return parsedate_to_datetime(self._date)

    def getUID(self) -> int:  # noqa: N802  Twisted's names, here and below
        """Return its number in the folder."""
        return self._uid

    def getFlags(self) -> list[str]:  # noqa: N802
        """Return how it is marked."""
        return []

    def getInternalDate(self) -> str:  # noqa: N802
        """Return when it came."""
        return self._date

    def getHeaders(self, negate: bool, *names: Any) -> dict[str, str]:  # noqa: N802, FBT001
        """Return its headers."""
        wanted = {str(name, "ascii") if isinstance(name, bytes) else name for name in names}
        wanted = {name.lower() for name in wanted}
        return {name.lower(): value for name, value in self._message.items() if (name.lower() in wanted) != negate}

    def getBodyFile(self) -> io.BytesIO:  # noqa: N802
        """Return what follows the headers."""
        return io.BytesIO(self._raw.partition(b"\r\n\r\n")[2])

    def getSize(self) -> int:  # noqa: N802
        """Return how long it is."""
        return len(self._raw)

    def isMultipart(self) -> bool:  # noqa: N802
        """Return whether it has parts."""
        return False

    def getSubPart(self, part: int) -> None:  # noqa: N802
        """Return a part."""
        raise IndexError(part)

    def open(self) -> io.BytesIO:
        """Return all of it."""
        return io.BytesIO(self._raw)


@implementer(imap4.IMailbox, imap4.ISearchableMailbox)
class Folder:
    """A folder; its mails are numbered from 1 until ``renumber``."""

    def __init__(self, changes: list[str]) -> None:
        self.mails: list[Mail] = []
        self.validity, self.next_uid = 7, 1
        self.fetched: list[int] = []
        self.before_fetch: Callable[[], None] = lambda: None
        self._changes = changes

    def put(self, raw: bytes, *, at: float | None = None) -> int:
        """Let a mail come; returns its number."""
        self.mails.append(Mail(self.next_uid, raw, formatdate(at)))
        self.next_uid += 1
        return self.next_uid - 1

    def renumber(self, validity: int, first: int = 1) -> None:
        """Number all mails anew, as a server does that was restored from a copy."""
        kept = [mail.open().read() for mail in self.mails]
        self.mails, self.validity, self.next_uid = [], validity, first
        for raw in kept:
            self.put(raw)

    # --- Twisted's interface ---------------------------------------------------------------------

    def getUIDValidity(self) -> int:  # noqa: N802
        """Return what this numbering is called."""
        return self.validity

    def getUIDNext(self) -> int:  # noqa: N802
        """Return the next mail's number."""
        return self.next_uid

    def getUID(self, message: int) -> int:  # noqa: N802
        """Return the number of the n-th mail."""
        return self.mails[message - 1].getUID()

    def getMessageCount(self) -> int:  # noqa: N802
        """Return how many there are."""
        return len(self.mails)

    def getRecentCount(self) -> int:  # noqa: N802
        """Return how many are new."""
        return 0

    def getUnseenCount(self) -> int:  # noqa: N802
        """Return how many nobody has read."""
        return len(self.mails)

    def isWriteable(self) -> bool:  # noqa: N802
        """Return whether mails can be marked."""
        return True

    def getHierarchicalDelimiter(self) -> str:  # noqa: N802
        """Return what stands between names."""
        return "/"

    def getFlags(self) -> list[str]:  # noqa: N802
        """Return how mails can be marked."""
        return ["\\Seen", "\\Deleted"]

    def fetch(self, messages: Any, uid: bool) -> list[tuple[int, Mail]]:  # noqa: FBT001
        """Return mails, by number or by place."""
        self.before_fetch()
        last = self.mails[-1].getUID() if uid and self.mails else len(self.mails)
        messages.last = last
        places = [(n, mail) for n, mail in enumerate(self.mails, 1) if (mail.getUID() if uid else n) in messages]
        if uid and len(places) == 1:
            self.fetched.append(places[0][1].getUID())
        return places

    def search(self, query: list[Any], uid: bool) -> list[int]:  # noqa: FBT001
        """Return the places of mails with a number in a range, or that came on a day or later."""
        what, wanted = query[0].decode().upper(), query[1].decode()
        if what == "SINCE":
            day = datetime.strptime(wanted, "%d-%b-%Y").date()  # noqa: DTZ007  a day has no zone
            return [n for n, mail in enumerate(self.mails, 1) if mail.came_at.date() >= day]
        first = int(wanted.partition(":")[0])
        found = [n for n, mail in enumerate(self.mails, 1) if mail.getUID() >= first]
        return found or ([len(self.mails)] if self.mails else [])  # as RFC 3501 has it: ``*`` is always there

    def store(self, *_: Any) -> dict[int, list[str]]:
        """Mark mails."""
        self._changes.append("store")
        return {}

    def expunge(self) -> list[int]:
        """Delete mails."""
        self._changes.append("expunge")
        return []

    def addMessage(self, *_: Any) -> None:  # noqa: N802
        """Add a mail."""
        self._changes.append("append")

    def addListener(self, listener: Any) -> None:  # noqa: N802
        """Tell somebody what happens."""

    def removeListener(self, listener: Any) -> None:  # noqa: N802
        """Tell them no more."""


class ImapServer:
    """A server with one account; ``logins`` counts who came."""

    def __init__(self, *, password: str = "correct-horse") -> None:
        self.changes: list[str] = []
        self.inbox = Folder(self.changes)
        self.folders = {"INBOX": self.inbox}
        self.logins = 0
        self.port = 0
        self._password = password
        self._listening: Any = None
        self._open: list[Any] = []

    def __enter__(self) -> Self:
        _start_reactor()
        _in_reactor(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        _in_reactor(self._stop)

    def _listen(self) -> None:
        checker: Any = checkers.InMemoryUsernamePasswordDatabaseDontUse(help=self._password.encode())
        realm: Any = _Realm(self)
        entrance = portal.Portal(realm, [checker])
        factory: Any = protocol.ServerFactory()

        def greeted(_address: Any) -> Any:
            talking: Any = imap4.IMAP4Server()
            talking.portal, talking.factory = entrance, factory
            self._open.append(talking)
            return talking

        factory.buildProtocol = greeted
        self._listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = self._listening.getHost().port

    def _stop(self) -> None:
        for talking in self._open:
            talking.setTimeout(None)
            if talking.transport is not None:
                talking.transport.abortConnection()
        self._listening.stopListening()


@implementer(portal.IRealm)
class _Realm:
    def __init__(self, server: ImapServer) -> None:
        self._server = server

    def requestAvatar(self, name: bytes, mind: Any, *interfaces: Any) -> tuple[Any, Any, Callable[[], None]]:  # noqa: N802
        """Return the account."""
        self._server.logins += 1
        account = imap4.MemoryAccount(name)
        for folder, mailbox in self._server.folders.items():
            account.addMailbox(folder, mailbox)
        return imap4.IAccount, account, lambda: None


def _start_reactor() -> None:
    """Let Twisted run in a thread, once for all: it cannot be started again."""
    if _running.is_set():
        return
    threading.Thread(target=lambda: reactor.run(installSignalHandlers=False), daemon=True).start()
    reactor.callFromThread(_running.set)
    assert _running.wait(60)


def _in_reactor(work: Callable[[], None]) -> None:
    done, failed = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  told to the test below
            failed.append(error)
        finally:
            done.set()

    with suppress(RuntimeError):
        reactor.callFromThread(run)
    assert done.wait(60)
    if failed:
        raise failed[0]
