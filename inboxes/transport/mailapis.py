"""Mail by a provider's API: django-anymail's backends, with connections of ours under them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives, get_connection
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from core import guard
from inboxes.channels.mails import answers
from inboxes.channels.outgoing import Reply
from inboxes.transport import sockets
from inboxes.transport.accidents import AMBIGUOUS, NOT_SENT, Accident, Result, note_fault

CONNECT_SECONDS = 5.0
LONGEST_ANSWER = 64 * 1024


def send(backend: str, options: Mapping[str, Any], mail: EmailMultiAlternatives, *, seconds: float) -> Result:
    """Hand in one mail at a provider, in ``seconds`` at most. Raises nothing."""
    trail = Trail()
    try:
        connection = get_connection(backend, **options, timeout=(min(CONNECT_SECONDS, seconds), seconds))
        with _opened(connection, trail), sockets.Watchdog(seconds) as trail.watchdog:
            connection.send_messages([mail])
    except ImproperlyConfigured as missing:  # a key that the backend cannot do without
        return Reply(401, str(missing).partition("\n")[0].encode(), {answers.VIA: "api"})
    except AnymailRecipientsRefused:
        return _taken(mail)
    except AnymailError as failure:
        return _failed(failure, trail)
    except Exception as fault:  # noqa: BLE001  backends trip over some answers; how far it got is what counts
        note_fault("mail_api", fault, backend=backend)
        return _taken(mail) if _was_answered(mail) else _unanswered(trail)
    return _taken(mail)


class Trail:
    """How far a call got: from the moment it has a connection, nobody can say what of it arrived."""

    def __init__(self) -> None:
        self.socket: Any = None
        self.was_blocked = False
        self.watchdog: sockets.Watchdog | None = None


class _Checked(HTTPConnection):
    """A connection to an address that may be dialled."""

    def _new_conn(self) -> Any:
        seconds = self.timeout if isinstance(self.timeout, int | float) else CONNECT_SECONDS
        try:
            connection = sockets.connect(self.host, self.port or self.default_port, seconds)
        except guard.BlockedAddress as blocked:
            _trails.current.was_blocked = True
            raise NewConnectionError(self, str(blocked.strerror)) from blocked
        except TimeoutError as late:
            raise ConnectTimeoutError(self, "No connection was made in time.") from late
        except OSError as failure:
            raise NewConnectionError(self, "No connection could be made.") from failure
        if _trails.current.watchdog is not None:
            _trails.current.watchdog.watch(connection)
        return connection

    def connect(self) -> None:
        super().connect()
        _trails.current.socket = self.sock


class _CheckedTls(_Checked, HTTPSConnection):
    """The same with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Checked


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedTls


class _Adapter(HTTPAdapter):
    """requests' own, with connections that check what they dial, and no second try of its own."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class _Trails(threading.local):
    """The trail of the call this thread is making."""

    current: Trail = Trail()


_trails = _Trails()


@contextmanager
def _opened(connection: Any, trail: Trail) -> Iterator[None]:
    """Open a backend's session: without the environment's proxies, and without following anybody elsewhere."""
    _trails.current = trail
    connection.open()
    session: requests.Session = connection.session
    session.trust_env = False
    session.get_redirect_target = _nowhere  # type: ignore[method-assign, assignment]  # its own way
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    try:
        yield
    finally:
        connection.close()


def _nowhere(_response: requests.Response) -> None:
    """Return where an answer sends us to: it may say what it likes."""


def _taken(mail: EmailMultiAlternatives) -> Result:
    """Return what the provider says of the one the mail is for; its copies do not count."""
    status = mail.anymail_status  # type: ignore[attr-defined]  # anymail's way of telling
    told = status.recipients.get(mail.to[0]) or next(iter(status.recipients.values()), None)
    headers = {answers.VIA: "api"}
    if told is not None:
        headers[answers.RECIPIENT_STATUS] = told.status or ""
        headers[answers.MESSAGE_ID] = str(told.message_id or "")
    return Reply(getattr(status.esp_response, "status_code", 200), _body(status.esp_response), headers)


def _failed(failure: AnymailError, trail: Trail) -> Result:
    response = failure.response
    if response is not None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        # One that was taken, and whose answer nobody understands, has been sent.
        return Reply(response.status_code, _body(response), {**headers, answers.VIA: "api"})
    if isinstance(failure, requests.RequestException):
        return _unanswered(trail)
    # The backend refuses what its provider cannot do: nothing was sent.
    return Reply(422, str(failure).partition("\n")[0].encode(), {answers.VIA: "api"})


def _was_answered(mail: EmailMultiAlternatives) -> bool:
    status = getattr(mail, "anymail_status", None)
    return status is not None and status.esp_response is not None


def _unanswered(trail: Trail) -> Accident:
    if trail.was_blocked:
        return Accident(NOT_SENT, "The address is not public.")
    if trail.socket is None:
        return Accident(NOT_SENT, "No connection could be made.")
    return Accident(AMBIGUOUS, "There was no answer.")


def _body(response: Any) -> bytes:
    content = getattr(response, "content", b"")
    return bytes(content[:LONGEST_ANSWER]) if isinstance(content, bytes) else b""
