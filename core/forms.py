"""What a body says by the input that declares it, and everything that is wrong with it in one go."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rest_framework.serializers import Serializer

from core.errors import Invalid, Problem

# DRF's words for what is wrong with a field, where ours say more.
CODES = {"max_length": "too_long", "null": "required", "blank": "required", "invalid_choice": "unknown_value",
         "min_value": "out_of_range", "max_value": "out_of_range", "not_a_list": "invalid", "not_a_dict": "invalid",
         "surrogate_characters_not_allowed": "invalid_characters",
         "null_characters_not_allowed": "invalid_characters"}  # fmt: skip

Judge = Callable[[Mapping[str, Any]], Sequence[Problem]]


def understood(form: Serializer[Any], also: Judge | None = None) -> dict[str, Any]:
    """Return what a form understood. Raises Invalid, naming every wrong field and its limit."""
    if not form.is_valid():
        limits = {name: getattr(field, "max_length", None) for name, field in form.fields.items()}
        judged, wrong = also(_well_formed(form)) if also else (), _wrong(form)
        others = [problem for problem in judged if problem.field.partition(".")[0] not in wrong]
        raise Invalid(*problems(form.errors, limits), *others)
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


def _well_formed(form: Serializer[Any]) -> Mapping[str, Any]:
    """Return what those fields of a form say that are not wrong."""
    wrong = _wrong(form)
    rest = type(form)(data={name: form.initial_data[name] for name in set(form.initial_data) - wrong}, partial=True)
    return rest.validated_data if rest.is_valid() else {}


def _wrong(form: Serializer[Any]) -> set[str]:
    """Return the names of a form's fields that are wrong, or hinge on one that is."""
    hinges: Mapping[str, str] = getattr(form, "hinges", {})
    return {*form.errors, *(name for name, other in hinges.items() if other in form.errors)}


def problems(detail: Any, limits: Mapping[str, int | None] | None = None, field: str = "") -> list[Problem]:
    """Flatten DRF's nested error details to one problem per field, with its limit where that is known."""
    if isinstance(detail, Mapping):
        return [
            problem for name, inner in detail.items() for problem in problems(inner, limits, _join(field, str(name)))
        ]
    if isinstance(detail, list):
        return [
            problem
            for index, inner in enumerate(detail)
            for problem in problems(inner, limits, field if isinstance(inner, str) else _join(field, str(index)))
            if inner
        ]
    code = str(getattr(detail, "code", "invalid"))
    limit = (limits or {}).get(field) if code == "max_length" else None
    return [Problem(field or "body", CODES.get(code, code), str(detail), limit)]


def _join(field: str, name: str) -> str:
    return field if name == "non_field_errors" else f"{field}.{name}" if field else name
