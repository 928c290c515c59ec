"""Saying on a channel what it has no form for, in the nearest form it has; never silently."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from inboxes.channels import limits
from inboxes.channels.base import Channel
from inboxes.channels.outgoing import Outgoing

Adaptation = Mapping[str, str]  # {field, code, message, text}: what was changed, and what is sent now


def adapted(channel: Channel, message: Outgoing, settings: Mapping[str, Any]) -> tuple[Outgoing, list[Adaptation]]:
    """
    Return the form of a message that the channel can say, and what it changes: the first that has nothing wrong with
    it, or only what no form mends. Itself where all of them have something of their own.
    """
    own = _wrong(channel, message, settings)
    fitting = [(_wrong(channel, form, settings), (form, adaptations)) for form, adaptations in forms(message)]
    _, found = min((pair for pair in fitting if pair[0] <= own), key=lambda pair: len(pair[0]))
    return found


def forms(message: Outgoing) -> Iterator[tuple[Outgoing, list[Adaptation]]]:
    """Yield a message as it is, then in plainer and plainer forms, each with what it changes."""
    yield message, []
    if message.type == "button":
        if message.header or message.footer:
            folded = replace(message, text=_with_frame(message, message.text), header="", footer="")
            yield folded, [_told("button", "frame_in_text", "Header and footer are part of the text.", folded.text)]
        yield _as_text(message, "button", "buttons_as_text", "Buttons became lines of text.", _spelled_out(message))
    elif message.type == "media":
        links = "\n".join(filter(None, [message.text, *(file.url for file in message.media)]))
        yield _as_text(message, "media", "media_as_link", "The file became a link.", links)


def _wrong(channel: Channel, message: Outgoing, settings: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in limits.problems_of(channel, message, settings)}


def _as_text(
    message: Outgoing, field: str, code: str, words: str, text: str
) -> tuple[Outgoing, list[Adaptation]]:  # fmt: skip
    form = replace(message, type="text", text=text, media=(), buttons=(), header="", footer="")
    return form, [_told(field, code, words, text)]


def _spelled_out(message: Outgoing) -> str:
    """Return a question with its answers numbered and its links written out."""
    replies = [button.title for button in message.buttons if not button.url]
    answers = [f"{number}. {title}" for number, title in enumerate(replies, start=1)]
    links = [f"{button.title}: {button.url}" for button in message.buttons if button.url]
    return _with_frame(message, "\n\n".join(filter(None, [message.text, "\n".join(answers), "\n".join(links)])))


def _with_frame(message: Outgoing, text: str) -> str:
    return "\n\n".join(filter(None, [message.header, text, message.footer]))


def _told(field: str, code: str, words: str, text: str) -> Adaptation:
    return {"field": field, "code": code, "message": words, "text": text}
