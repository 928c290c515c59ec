"""What comes in by itself: callbacks, and what they say, in a closed vocabulary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from inboxes.channels.outcomes import Rejected


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Callback:
    """
    A request of a provider: raw bytes, header names in lower case, ``url`` as the provider was told it, query included.

    ``received_at`` is what stands for the time of what was said where the provider tells none.
    """

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    received_at: datetime = field(default_factory=_now)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider is answered at once."""

    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Sender:
    """
    Who wrote: ``address`` in the channel's own words; ``aliases`` are further addresses of the same person there.

    ``phone_number`` (E.164) and ``email`` are there only where the provider vouches for them. An address that is only
    claimed may be anybody's: nobody vouches for it, as for most senders of mails.
    """

    address: str
    name: str = ""
    aliases: Sequence[str] = ()
    phone_number: str = ""
    email: str = ""
    language: str = ""
    avatar_url: str = ""
    is_claimed: bool = False


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """
    A file that came: ``reference`` is what the channel fetches it by (``file_order``), or a URL.

    Content that came with the callback itself (e-mail) is in ``content``.
    """

    kind: str  # image, video, audio, file
    reference: str = ""
    filename: str = ""
    content_type: str = ""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Place:
    """A location somebody shared; degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody's contact that was shared."""

    name: str
    phone_numbers: Sequence[str] = ()
    emails: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """
    Somebody wrote. ``id`` is unique in the inbox. A chosen button is in ``choice`` and its title in ``text``.

    ``unsupported`` names a kind of the provider's that has no place of its own here; it is shown as such, and
    ``raw`` (the provider's own JSON of it) is kept.
    """

    id: str
    sender: Sender
    at: datetime
    text: str = ""
    files: Sequence[IncomingFile] = ()
    places: Sequence[Place] = ()
    cards: Sequence[Card] = ()
    choice: str = ""
    reply_to: str = ""  # the provider's id of the message it answers
    unsupported: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)
    mail: Mapping[str, Any] = field(default_factory=dict)  # subject, html, references, is_automatic, ... (e-mail only)


@dataclass(frozen=True, slots=True)
class Edited:
    """Somebody changed what they wrote; ``target`` is the id of ``Said``. ``deleted`` took it back."""

    id: str
    target: str
    sender: Sender
    at: datetime
    text: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody put an emoji on a message, or took it off (empty)."""

    id: str
    target: str
    sender: Sender
    at: datetime
    emoji: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What became of a message we sent: ``status`` is sent, delivered, read, failed.

    ``message_id`` is our own id where the provider echoes it. With a ``watermark`` it is about everything sent to
    ``address`` until then.
    """

    status: str
    at: datetime
    provider_id: str = ""
    message_id: str = ""
    address: str = ""
    watermark: datetime | None = None
    failure: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody wants no more messages (``scope`` all or marketing), or wants them again (``is_given``)."""

    address: str
    is_given: bool
    scope: str = "all"
    reason: str = "provider"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A person's address on the channel changed."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TemplateChanged:
    """The provider approved, refused, paused or disabled a template."""

    name: str
    language: str
    status: str
    reason: str = ""


Incoming: TypeAlias = Said | Edited | Reacted | Receipt | Consent | Moved | TemplateChanged
