"""Where somebody is to be played, and what they may say there."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import Environment
from core import ids
from core.errors import Problem, invalid
from inboxes import channels
from inboxes.channels.enacted.actor import Actor
from inboxes.models import Inbox

ALONE = ("media", "button", "location")
ON_THE_CABLE = frozenset({"text", *ALONE})
LONGEST_SOURCE_ID = 255


def inbox_of(environment: Environment, asked: Mapping[str, Any]) -> Inbox:
    """Return the inbox that is named, or the only one of a channel. Raises Invalid."""
    rows = Inbox.of(environment).filter(deleted_at=None).order_by("pk")
    if "inbox_id" in asked:
        row = ids.decode("inb", asked["inbox_id"])
        found = [] if row is None else list(rows.filter(pk=row))
        if not found:
            raise invalid("inbox_id", f"There is no inbox {asked['inbox_id'][:80]!r}.", code="unknown_inbox")
    elif "channel" in asked:
        found = list(rows.filter(channel=asked["channel"])[:20])
        if not found:
            words = f"No {asked['channel']} inbox is connected. Add one: POST /v1/inboxes."
            raise invalid("channel", words, code="channel_not_configured")
        if len(found) > 1:
            names = ", ".join(f"{each.public_id} ({each.name[:40]})" for each in found)
            raise invalid("inbox_id", f"There are several: {names}. Say which.", code="ambiguous_inbox")
    else:
        raise invalid("inbox_id", "Say to which inbox_id, or on which channel.", code="required")
    found[0].environment = environment
    return found[0]


def address_of(inbox: Inbox, given: str) -> str | None:
    """Return an address in the channel's own words; None for what cannot be one."""
    channel = channels.find(inbox.channel)
    if channel.is_carried:
        return channel.address(given, inbox.settings)
    return given.strip()[:LONGEST_SOURCE_ID] or None


def problems(inbox: Inbox, actor: Actor | None, asked: Mapping[str, Any]) -> Sequence[Problem]:
    """Return what nobody can say there, or whom nobody can be."""
    found = [*_content(asked)]
    if address_of(inbox, asked["from"]) is None:
        words = f"{asked['from'][:80]!r} is no address of the {inbox.channel} channel."
        found.append(Problem("from", "invalid_address", words))
    can = ON_THE_CABLE if actor is None else actor.says
    found += [
        Problem(kind, "unsupported_by_channel", f"Nobody can send a {kind} on the {inbox.channel} channel.")
        for kind in ALONE
        if kind in asked and kind not in can
    ]
    if "media" in asked:
        found += _source(asked["media"], by_url=actor is None or actor.has_files_by_url)
    return found


def _content(asked: Mapping[str, Any]) -> list[Problem]:
    said = [kind for kind in ALONE if kind in asked]
    if not said and not asked.get("text"):
        return [Problem("text", "required", "Say something: text, media, a button or a location.")]
    found = [Problem(kind, "unexpected_field", f"This does not go with {said[0]}.") for kind in said[1:]]
    if asked.get("text") and said and said[0] != "media":
        found.append(Problem("text", "unexpected_field", f"This does not go with {said[0]}."))
    return found


def _source(media: Mapping[str, Any], *, by_url: bool) -> list[Problem]:
    wanted, other = ("url", "content") if by_url else ("content", "url")
    words = "Here a provider tells where the file is." if by_url else "A mail brings its files along: base64."
    found = [] if media.get(wanted) else [Problem(f"media.{wanted}", "required", words)]
    return found + ([Problem(f"media.{other}", "unexpected_field", words)] if other in media else [])
