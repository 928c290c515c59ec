"""Values for the variables of WhatsApp templates: which are needed, which are there, how they are sent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from inboxes.channels.outgoing import Template

VARIABLE = re.compile(r"\{\{\s*(\w{1,100})\s*\}\}")
MEDIA = {"IMAGE": "image", "VIDEO": "video", "DOCUMENT": "document"}
PARTS = ("header", "body", "buttons")


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One place for a value. ``kind`` is the provider's type of parameter, ``button`` the type of a button and ``index``
    its place; ``field`` names the value as the caller does. Without ``is_needed`` it may be left out.
    """

    part: str
    kind: str
    field: str
    value: Any
    name: str = ""  # of a named variable
    button: str = ""
    index: int = 0
    is_needed: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is no value."""
        return self.value in (None, "", {})


def slots(template: Template) -> list[Slot]:
    """
    Return the places for values in a template, in the order they are sent.

    The caller names variables as the template does. What only one part may use stands under that part's name:
    ``header`` (a media header's URL), ``buttons`` (one value for each button that takes one, by its place).
    """
    if not template.components:
        return list(_guessed(template))
    found: list[Slot] = []
    for component in template.components:
        kind = str(component.get("type") or "").lower()
        if kind == "header":
            found += _header(template, component)
        elif kind == "body":
            found += _texts(template, "body", str(component.get("text") or ""))
        elif kind == "buttons":
            found += _buttons(template, component.get("buttons") or ())
    order = {part: place for place, part in enumerate(PARTS)}
    return sorted(found, key=lambda slot: (order[slot.part], slot.index if slot.part == "buttons" else 0))


def unused(template: Template) -> list[str]:
    """Return the caller's values that have no place in a template."""
    used = {slot.field for slot in slots(template)}
    flat = {name for name in template.variables if name not in PARTS or name in used}
    return sorted(name for name in flat if name not in used)


def components(template: Template) -> list[dict[str, Any]]:
    """Return the values as they are sent."""
    filled = [slot for slot in slots(template) if not slot.is_empty]
    written = []
    for (part, index), group in groupby(filled, key=lambda slot: (slot.part, slot.index)):
        members = list(group)
        about = {"type": part}
        if part == "buttons":
            about = {"type": "button", "sub_type": members[0].button, "index": str(index)}
        written.append({**about, "parameters": [_parameter(slot) for slot in members]})
    return written


def _header(template: Template, component: Mapping[str, Any]) -> Iterator[Slot]:
    kind = str(component.get("format") or "TEXT").upper()
    given = template.variables.get("header")
    if kind in MEDIA:
        value = given if isinstance(given, Mapping) else {"url": given} if given else None
        yield Slot("header", MEDIA[kind], "header", value)
    elif kind == "LOCATION":
        yield Slot("header", "location", "header", given)
    else:
        yield from _texts(template, "header", str(component.get("text") or ""))


def _texts(template: Template, part: str, text: str) -> Iterator[Slot]:
    values = _values(template, part)
    for name in dict.fromkeys(VARIABLE.findall(text)):
        yield Slot(part, "text", name, values.get(name), "" if name.isdigit() else name)


def _buttons(template: Template, buttons: Sequence[Mapping[str, Any]]) -> Iterator[Slot]:
    given = template.variables.get("buttons")
    for index, button in enumerate(buttons):
        kind, value = str(button.get("type") or "").lower(), _at(given, index)
        field = f"buttons.{index}"
        if template.category == "authentication":
            yield Slot("buttons", "text", field, _code(template), button="url", index=index)
        elif kind == "url" and (found := VARIABLE.search(str(button.get("url") or ""))):
            named = found[1] if value is None and found[1] in template.variables else ""
            suffix = template.variables[named] if named else value
            yield Slot("buttons", "text", named or field, suffix, button="url", index=index)
        elif kind == "copy_code":
            yield Slot("buttons", "coupon_code", field, value, button="copy_code", index=index)
        elif kind == "quick_reply":
            yield Slot("buttons", "payload", field, value, button="quick_reply", index=index, is_needed=False)


def _guessed(template: Template) -> Iterator[Slot]:
    """Return the places that the values tell of, where nobody has seen the template."""
    for name, value in _values(template, "body").items():
        if name not in PARTS:
            yield Slot("body", "text", name, value, "" if name.isdigit() else name)
    if template.category == "authentication":
        yield Slot("buttons", "text", "buttons.0", _code(template), button="url")
        return
    given = template.variables.get("buttons")
    for index in range(len(given)) if isinstance(given, list) else ():
        yield Slot("buttons", "text", f"buttons.{index}", _at(given, index), button="url", index=index)


def _values(template: Template, part: str) -> Mapping[str, Any]:
    """Return the values by name; those of the part itself win."""
    own = template.variables.get(part)
    if isinstance(own, Mapping):
        return {**template.variables, **own}
    if isinstance(own, list):
        return {**template.variables, **{str(place): value for place, value in enumerate(own, start=1)}}
    return {**template.variables, "1": own} if isinstance(own, str) and part == "header" else template.variables


def _at(given: Any, index: int) -> Any:
    if isinstance(given, Mapping):
        return given.get(str(index))
    return given[index] if isinstance(given, list) and index < len(given) else None


def _code(template: Template) -> Any:
    """Return the one-time code: the first value of the body."""
    values = [value for name, value in _values(template, "body").items() if name not in PARTS]
    return values[0] if values else None


def _parameter(slot: Slot) -> dict[str, Any]:
    if slot.kind in MEDIA.values():
        return {"type": slot.kind, slot.kind: _media(slot)}
    if slot.kind == "location":
        return {"type": "location", "location": slot.value}
    if isinstance(slot.value, Mapping):  # a currency or a date, in the provider's own words
        return {**({"parameter_name": slot.name} if slot.name else {}), **slot.value}
    named = {"parameter_name": slot.name} if slot.name else {}
    return {"type": slot.kind, **named, slot.kind: str(slot.value)}


def _media(slot: Slot) -> dict[str, str]:
    media = {"link": str(slot.value.get("url") or slot.value.get("link") or "")}
    if slot.kind == "document" and slot.value.get("filename"):
        media["filename"] = str(slot.value["filename"])
    return media
