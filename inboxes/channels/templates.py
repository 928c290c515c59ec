"""Prepared messages as providers keep them: what they hold, and what became of one that was handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Problem


@dataclass(frozen=True, slots=True)
class ProviderTemplate:
    """
    A template that lies with a provider.

    ``category`` is authentication, utility or marketing; ``status`` pending, approved, rejected, paused or disabled;
    ``components`` are as the provider writes them; ``reason`` says why it was refused.
    """

    name: str
    language: str
    category: str
    components: Sequence[Mapping[str, Any]]
    status: str = "pending"
    external_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TemplateVerdict:
    """
    What a provider says of a template that was handed in or is to be deleted: ``problem`` where it refused.

    The provider may have put it into another ``category`` than was asked for; empty where it says nothing of it.
    """

    problem: Problem | None = None
    external_id: str = ""
    status: str = ""
    category: str = ""


class Unanswered(Exception):
    """A provider did not tell which templates it has; the message is in its words, fit to be shown."""
