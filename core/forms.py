"""What a body says by the input that declares it, and everything that is wrong with it in one go."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rest_framework.serializers import Serializer

from core import remains
from core.errors import Invalid, Problem

# DRF's words for what is wrong with a field, where ours say more.
CODES = {"max_length": "too_long", "null": "required", "blank": "required", "invalid_choice": "unknown_value",
         "min_value": "out_of_range", "max_value": "out_of_range", "not_a_list": "invalid", "not_a_dict": "invalid",
         "surrogate_characters_not_allowed": "invalid_characters",
         "null_characters_not_allowed": "invalid_characters"}  # fmt: skip

Judge = Callable[[Mapping[str, Any]], Sequence[Problem]]


def understood(form: Serializer[Any], also: Judge | None = None) -> dict[str, Any]:
    """Return what a form understood. Raises Invalid, naming every wrong field, its limit, and how much there was."""
    if not form.is_valid():
        found = problems(form.errors, form)
        if also is not None:
            found += _judged(form, also)
        raise Invalid(*found)
    values: dict[str, Any] = form.validated_data
    return values


def unknown(fields: Mapping[str, Any], given: Mapping[Any, Any], place: str = "") -> Iterator[str]:
    """Yield the names in a body that mean nothing, inside of its objects too: ``button.buttons.0.colour``."""
    for name, value in given.items():
        field = fields.get(name)
        if field is None:
            yield f"{place}{name}"
            continue
        inner = getattr(field, "child", field)
        if isinstance(inner, Serializer):
            parts = {"": value} if inner is field else dict(enumerate(value)) if isinstance(value, list) else {}
            for number, part in parts.items():
                below = f"{place}{name}." + (f"{number}." if number != "" else "")
                yield from unknown(inner.fields, part, below) if isinstance(part, Mapping) else ()


def problems(detail: Any, form: Serializer[Any] | None = None) -> list[Problem]:
    """Return DRF's nested error details as one problem each; of a ``form`` with the limits that were passed."""
    return [_problem(path, found, form) for path, found in remains.flat(detail)]


def _judged(form: Serializer[Any], also: Judge) -> list[Problem]:
    """Return what a judge thinks of the part of a wrong form that is well-formed; of the rest it knows nothing."""
    rest = remains.of(form)
    found = []
    for problem in () if rest.values is None else also(rest.values):
        path = rest.original(tuple(problem.field.split(".")))
        if not rest.is_lost(path):
            found.append(replace(problem, field=_named(path)))
    return found


def _problem(path: remains.Path, detail: Any, form: Serializer[Any] | None) -> Problem:
    code = str(getattr(detail, "code", "invalid"))
    limit = actual = None
    if code == "max_length" and form is not None:
        field, value = _at(form, path)
        limit, actual = getattr(field, "max_length", None), len(value) if isinstance(value, str | list) else None
    return Problem(_named(path) or "body", CODES.get(code, code), str(detail), limit, actual)


def _at(form: Serializer[Any], path: remains.Path) -> tuple[Any, Any]:
    """Return the field that a path leads to, and what was given for it."""
    field: Any = form
    value: Any = form.initial_data
    for step in path:
        field = field.fields.get(str(step)) if isinstance(field, Serializer) else getattr(field, "child", None)
        value = remains.inside(value, step)
    return field, value


def _named(path: remains.Path) -> str:
    return ".".join(map(str, path))
