"""What a channel cannot say of a message, told by its capabilities: every problem at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from core.errors import Problem
from inboxes.channels.base import Channel
from inboxes.channels.capabilities import Buttons, Capabilities
from inboxes.channels.outgoing import Media, Outgoing

PLACE = re.compile(r"\[(\d+)\]")  # adapters write buttons[0], the API everywhere buttons.0


def problems_of(channel: Channel, message: Outgoing, settings: Mapping[str, Any]) -> list[Problem]:
    """Return all that keeps an inbox with these settings from sending a message, each field named as in the request."""
    found = [*problems(message, channel.limits(settings)), *channel.problems_of(message, settings)]
    named = [replace(problem, field=PLACE.sub(r".\1", problem.field)) for problem in found]
    return list({(problem.field, problem.code): problem for problem in named}.values())


def problems(message: Outgoing, capabilities: Capabilities) -> list[Problem]:
    """Return what capabilities say against a message, each field named as in the request."""
    if message.type not in capabilities.types:
        offered = ", ".join(sorted(capabilities.types))
        return [
            Problem("message_type", "unsupported_by_channel", f"This channel has no {message.type}; it has: {offered}.")
        ]
    match message.type:
        case "button":
            return list(_of_buttons(message, capabilities))
        case "media":
            return list(_of_media(message, capabilities))
        case "template":
            return []
        case _:
            return list(_too_long("text", message.text, capabilities.longest_text, capabilities.text_unit))


def length(text: str, unit: str = "characters") -> int:
    """Return how long a text is: in characters, in bytes (UTF-8) or in utf16 units."""
    match unit:
        case "bytes":
            return len(text.encode())
        case "utf16":
            return len(text.encode("utf-16-le")) // 2
        case _:
            return len(text)


def _of_media(message: Outgoing, capabilities: Capabilities) -> Iterator[Problem]:
    if len(message.media) > capabilities.most_files:
        yield Problem("attachments", "too_many", f"A message here has at most {capabilities.most_files} files.",
                      capabilities.most_files, len(message.media))  # fmt: skip
    for file in message.media:
        yield from _of_file(file, capabilities)
    if message.text and not capabilities.longest_caption:
        yield Problem("media.caption", "unsupported_by_channel", "Files go without words on this channel.")
    elif message.text:
        yield from _too_long("media.caption", message.text, capabilities.longest_caption, capabilities.text_unit)


def _of_file(file: Media, capabilities: Capabilities) -> Iterator[Problem]:
    limit, place = capabilities.media.get(file.kind), "media.attachment_id" if file.path else "media.url"
    if limit is None:
        offered = ", ".join(sorted(capabilities.media)) or "none"
        yield Problem(
            "media.type", "unsupported_by_channel", f"This channel takes no {file.kind}; it takes: {offered}."
        )
        return
    if limit.content_types and file.content_type and file.content_type not in limit.content_types:
        offered = ", ".join(sorted(limit.content_types))
        yield Problem(
            place, "unsupported_media_type", f"{file.content_type} is no {file.kind} for this channel: {offered}."
        )
    if limit.most_bytes and file.size > limit.most_bytes:
        yield Problem(place, "too_large", f"Of {file.kind} files at most {limit.most_bytes:,} bytes are taken here.",
                      limit.most_bytes, file.size)  # fmt: skip


def _of_buttons(message: Outgoing, capabilities: Capabilities) -> Iterator[Problem]:
    limits, unit = capabilities.buttons, capabilities.text_unit
    replies = [button for button in message.buttons if not button.url]
    links = [button for button in message.buttons if button.url]
    yield from _too_many("replies", len(replies), limits.most_replies)
    yield from _too_many("links", len(links), limits.most_links)
    if replies and links and not limits.mixes and limits.most_replies and limits.most_links:
        yield Problem("button.buttons", "unsupported_by_channel", "Replies and links cannot be mixed on this channel.")
    yield from _too_long("button.text", message.text, limits.longest_text, unit)
    for name, text, longest in (
        ("header", message.header, limits.longest_header),
        ("footer", message.footer, limits.longest_footer),
    ):
        if text and not longest:
            yield Problem(f"button.{name}", "unsupported_by_channel", f"There is no {name} on this channel.")
        else:
            yield from _too_long(f"button.{name}", text, longest, unit)
    yield from _of_each(message, limits)


def _of_each(message: Outgoing, limits: Buttons) -> Iterator[Problem]:
    ids = [button.id for button in message.buttons if button.id]
    for place, button in enumerate(message.buttons):
        field = f"button.buttons.{place}"
        yield from _too_long(f"{field}.title", button.title, limits.longest_title)
        yield from _too_long(f"{field}.id", button.id, limits.longest_id, "bytes")
        if button.id and ids.count(button.id) > 1:
            yield Problem(f"{field}.id", "duplicate", "Each button's id is there once.")


def _too_many(kind: str, count: int, most: int) -> Iterator[Problem]:
    if count and not most:
        yield Problem("button.buttons", "unsupported_by_channel", f"This channel has no buttons that are {kind}.")
    elif count > most:
        yield Problem("button.buttons", "too_many", f"At most {most} {kind} on this channel.", most, count)


def _too_long(field: str, text: str, longest: int, unit: str = "characters") -> Iterator[Problem]:
    actual, called = length(text, unit), {"bytes": "bytes", "utf16": "UTF-16 units"}.get(unit, "characters")
    if longest and actual > longest:
        yield Problem(
            field, "too_long", f"At most {longest:,} {called} on this channel; there are {actual:,}.", longest, actual
        )
