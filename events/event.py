"""What an event is: a typed, frozen statement in the past tense, with a snapshot of what was true then."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from core import ids

ID_PREFIX = "evt"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made it happen: ``type`` is user, agent, ai, api or system; ``id`` is public, or null."""

    type: str
    id: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return ``{type, id}``."""
        return {"type": self.type, "id": self.id}


SYSTEM = Actor("system")


@dataclass(frozen=True, kw_only=True)
class Event:
    """
    Something that happened in one environment.

    ``data`` is the public JSON (what webhooks and ``GET /v1/events`` show); ``context`` is for handlers only and
    never leaves the house. ``sequence`` counts the events of one conversation without gaps.
    """

    type: ClassVar[str] = ""
    is_refusable: ClassVar[bool] = True  # for being too large; not what tells of something that was accepted before

    environment_id: int
    livemode: bool
    actor: Actor = SYSTEM
    conversation_id: int | None = None
    sequence: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    # Known once the event stands in the log.
    id: int = 0
    occurred_at: datetime | None = None
    api_version: str = ""

    def __init_subclass__(cls) -> None:
        """Enter the catalogue, so that a stored row finds its class again."""
        if cls.type:
            CATALOGUE[cls.type] = cls

    @property
    def public_id(self) -> str:
        """``evt_...``"""
        return ids.encode(ID_PREFIX, self.id)


CATALOGUE: dict[str, type[Event]] = {}
