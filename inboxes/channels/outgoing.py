"""What is said to a provider, in a closed vocabulary: messages as channels are asked to say them, and calls."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Media:
    """
    A file to be sent: ``url`` is where the provider can fetch it. One of our own is in the storage at ``path``, too.

    ``kind`` is image, video, audio or document; ``size`` is in bytes, 0 where nobody knows.
    """

    kind: str
    url: str
    filename: str = ""
    content_type: str = ""
    size: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A choice: with a ``url`` it opens a page, else its ``id`` comes back as the answer."""

    title: str
    id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A prepared message with the values of its variables, as the caller gave them."""

    name: str
    language: str
    category: str  # authentication, utility or marketing
    variables: Mapping[str, Any]
    components: Sequence[Mapping[str, Any]]  # as the provider or the template's author wrote them


@dataclass(frozen=True, slots=True)
class Mail:
    """What only e-mail has. ``references`` are Message-IDs with their brackets, oldest first."""

    subject: str = ""
    html: str = ""
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: str = ""
    references: Sequence[str] = ()
    unsubscribe_url: str = ""
    is_automatic: bool = False  # nobody wrote it by hand: a greeting, a survey


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    One message as a channel is asked to say it.

    ``id`` is ours (``msg_...``), the same for every attempt; providers that echo something echo it. ``retry_key`` is
    the same for every attempt too. ``address`` is the recipient in the channel's own words. ``type`` is text, media,
    button or template; ``text`` is the text, the caption or the words above the buttons.
    """

    id: str
    retry_key: UUID
    address: str
    type: str
    text: str = ""
    media: Sequence[Media] = ()
    buttons: Sequence[Button] = ()
    header: str = ""
    footer: str = ""
    template: Template | None = None
    mail: Mail = field(default_factory=Mail)
    category: str = "transactional"  # or authentication, utility, marketing
    reply_to: str = ""  # the provider's id of the message that is answered
    overrides: Mapping[str, Any] = field(default_factory=dict)  # the provider's own fields, merged over what we say
    callback_url: str = ""  # where the provider tells what became of it, for those that are told with each message
    tried_at: datetime | None = None  # when the attempt began whose answer was lost; looked up by it
    others: frozenset[str] = (
        frozenset()
    )  # what its provider calls our other messages to this person, of about that time


@dataclass(frozen=True, slots=True)
class HttpOrder:
    """
    One HTTP call. ``provider`` names the base URL and ``path`` what follows it; ``url`` (absolute) is used instead
    where a provider handed one out. Exactly one of ``json``, ``form``, ``content`` for calls with a body.

    ``secrets`` are texts that must not be shown when the call is: a token in a path, for instance.
    """

    provider: str
    method: str = "POST"
    path: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Sequence[tuple[str, str]] | None = None
    content: bytes | None = None
    secrets: Sequence[str] = ()
    seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class MailOrder:
    """
    One e-mail: ``backend`` is a Django e-mail backend, ``options`` what it is made with (its password included).

    ``headers`` are those beside the usual ones (Message-ID, References, ...). ``attachments`` lie in the storage.
    ``metadata`` comes back in the notices of a provider that does that. One with nobody ``to`` only logs in.
    """

    backend: str
    options: Mapping[str, Any]
    sender: str
    to: str
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    attachments: Sequence[Media] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class FolderOrder:
    """A mail folder that is to be read by IMAP; ``security`` is none, starttls or tls."""

    host: str
    port: int
    security: str
    username: str
    password: str
    name: str = "INBOX"
    seconds: float = 20.0


Order: TypeAlias = HttpOrder | MailOrder


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered. SMTP answers have the code as ``status``. Header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object in the body; empty where there is none that can be read."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def retry_after(self) -> float | None:
        """The seconds ``Retry-After`` asks for, of a date by the answer's own clock; None when it asks for nothing."""
        asked = self.headers.get("retry-after", "").strip()
        if asked.isascii() and asked.isdigit():
            return float(asked)
        until = _moment(asked)
        if until is None:
            return None
        return max(0.0, (until - (_moment(self.headers.get("date", "")) or datetime.now(UTC))).total_seconds())


def _moment(text: str) -> datetime | None:
    """Return the moment an HTTP date names; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
