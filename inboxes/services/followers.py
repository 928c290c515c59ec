"""
Whoever keeps something that hangs on an inbox; filled from ``dexra/wiring.py`` when the process starts.

Apps above are asked in the transaction of the change, so that what they cannot do is refused to whoever asks for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from accounts.models import Environment
from accounts.services import audit
from core.errors import Problem
from inboxes.models import Inbox


class Follower(Protocol):
    """A module of services."""

    def problems(self, environment: Environment, settings: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with settings that somebody wants to save, each named ``settings.<name>``."""

    def follow(self, inbox: Inbox, *, by: audit.Who) -> None:
        """Do what follows from an inbox that was opened, changed or closed; what is shown once goes on the inbox."""


_followers: list[Follower] = []


def employ(followers: Sequence[Follower]) -> None:
    """Replace the list of who follows."""
    _followers[:] = followers


def problems(environment: Environment, settings: Mapping[str, Any]) -> list[Problem]:
    """Return what the followers find wrong with settings."""
    return [problem for follower in _followers for problem in follower.problems(environment, settings)]


def tell(inbox: Inbox, *, by: audit.Who) -> None:
    """Let the followers do what follows from a change."""
    for follower in _followers:
        follower.follow(inbox, by=by)
