"""Templates of ours, rendered here: ``{{1}}`` and ``{{name}}`` become what the caller says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from inboxes.channels.outgoing import Button, Outgoing
from inboxes.channels.payloads import NOBODY

PLACEHOLDER = re.compile(r"\{\{\s*(\w{1,100})\s*\}\}")

Components = Sequence[Mapping[str, Any]]


def names(components: Components) -> list[str]:
    """Return the variables of a template, in the order they come."""
    found = [name for text in _texts(components) for name in PLACEHOLDER.findall(text)]
    return list(dict.fromkeys(found))


def render(components: Components, variables: Mapping[str, Any]) -> Outgoing:
    """
    Return what a template says with these values: a text, or a text with buttons. To nobody yet.

    A variable without a value stays as it is written: ask ``missing`` first.
    """
    found = {str(each.get("type", "")).lower(): each for each in components}
    body, buttons = _filled(_text(found, "body"), variables), found.get("buttons", {}).get("buttons", ())
    message = Outgoing(id="", retry_key=NOBODY, address="", type="button" if buttons else "text", text=body)
    header, footer = (_filled(_text(found, name), variables) for name in ("header", "footer"))
    if not buttons:
        return replace(message, text="\n\n".join(filter(None, [header, body, footer])))
    made = [_button(place, each, variables) for place, each in enumerate(buttons)]
    return replace(message, header=header, footer=footer, buttons=made)


def missing(components: Components, variables: Mapping[str, Any]) -> list[str]:
    """Return which variables of a template have no value."""
    return [name for name in names(components) if variables.get(name) in (None, "")]


def unknown(components: Components, variables: Mapping[str, Any]) -> list[str]:
    """Return which values are for no variable of a template."""
    known = set(names(components))
    return [name for name in variables if name not in known]


def _texts(components: Components) -> Iterator[str]:
    for each in components:
        yield str(each.get("text") or "")
        for button in each.get("buttons") or ():
            yield from (str(button.get(name) or "") for name in ("text", "url"))


def _text(components: Mapping[str, Mapping[str, Any]], name: str) -> str:
    return str(components.get(name, {}).get("text") or "")


def _filled(text: str, variables: Mapping[str, Any]) -> str:
    return PLACEHOLDER.sub(lambda found: str(variables.get(found[1], found[0])), text)


def _button(place: int, given: Mapping[str, Any], variables: Mapping[str, Any]) -> Button:
    title, url = (_filled(str(given.get(name) or ""), variables) for name in ("text", "url"))
    return Button(title, url=url) if url else Button(title, id=str(given.get("id") or place + 1))
