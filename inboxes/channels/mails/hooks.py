"""What providers call us with: mails as they came, and notices of what became of ours."""

from collections.abc import Iterable, Mapping
from typing import Any

from inboxes.channels.incoming import Callback, Incoming


def proof_in(callback: Callback) -> str:
    """Return whatever a callback brings to prove itself."""
    return callback.headers.get("authorization", "") or callback.query.get("secret", "")


def recognises(callback: Callback, settings: Mapping[str, Any]) -> bool:
    """Whether a callback knows the inbox's secret."""
    return bool(settings.get("inbound_secret")) and callback.query.get("secret") == settings["inbound_secret"]


def read(callback: Callback, settings: Mapping[str, Any]) -> Iterable[Incoming]:
    """Return what a callback says. Raises ValueError."""
    raise ValueError(f"Nothing is read yet of {callback.url} with {len(settings)} settings.")
