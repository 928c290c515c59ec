"""What a channel can do, as data: read by validation, adaptation, fallback, the engine, the reference and the docs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MEDIA_KINDS = ("image", "video", "audio", "document")


@dataclass(frozen=True, slots=True)
class MediaLimit:
    """Which files of one kind are taken: MIME types (empty: any) and how many bytes at most."""

    content_types: frozenset[str] = frozenset()
    most_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Buttons:
    """Which buttons there can be; lengths are in characters, of ids in bytes. ``most_replies`` 0: none."""

    most_replies: int = 0
    most_links: int = 0
    mixes: bool = False  # replies and links in one message
    longest_title: int = 20
    longest_id: int = 256
    longest_text: int = 1024
    longest_header: int = 0  # 0: there is no header
    longest_footer: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """How often: ``per_second`` on average, ``burst`` at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """
    What a channel can do.

    ``text_unit`` is characters, bytes (UTF-8) or utf16; ``longest_caption`` 0 means that files go without words.
    ``templates`` is provider (only what the provider approved), local (ours, rendered here) or none. ``recipients``
    are the kinds of address: phone, email, native. ``receipts`` are the statuses that are told after ``sent``.
    """

    types: frozenset[str] = frozenset({"text", "media", "button", "template"})
    longest_text: int = 150_000
    text_unit: str = "characters"
    longest_caption: int = 0
    media: Mapping[str, MediaLimit] = field(default_factory=dict)
    most_files: int = 1  # in one message
    buttons: Buttons = field(default_factory=Buttons)
    templates: str = "local"
    recipients: frozenset[str] = frozenset()
    receipts: frozenset[str] = frozenset()
    has_window: bool = False  # nothing but a template may be sent 24 hours after the person last wrote
    person_writes_first: bool = False  # an address is known only after the person wrote
    is_idempotent: bool = False  # sent twice with the same retry key, it arrives once
    echoes_id: bool = False  # receipts name our own id
    can_look_up: bool = False  # the provider can be asked what became of it
    account_rate: Rate = Rate(20, 20)
    recipient_rate: Rate = Rate(1, 5)

    def as_json(self) -> dict[str, Any]:
        """Return what ``GET /v1/channels`` shows of it."""
        return {
            "message_types": sorted(self.types),
            "text": {"max_length": self.longest_text, "unit": self.text_unit},
            "media": {
                kind: {"content_types": sorted(limit.content_types), "max_bytes": limit.most_bytes or None}
                for kind, limit in self.media.items()
            },
            "media_max_files": self.most_files,
            "caption_max_length": self.longest_caption,
            "buttons": {
                "max_replies": self.buttons.most_replies,
                "max_links": self.buttons.most_links,
                "mixed": self.buttons.mixes,
                "title_max_length": self.buttons.longest_title,
                "id_max_bytes": self.buttons.longest_id,
                "text_max_length": self.buttons.longest_text,
                "header_max_length": self.buttons.longest_header,
                "footer_max_length": self.buttons.longest_footer,
            },
            "templates": self.templates,
            "recipients": sorted(self.recipients),
            "receipts": sorted(self.receipts),
            "window_hours": 24 if self.has_window else None,
            "person_writes_first": self.person_writes_first,
        }
