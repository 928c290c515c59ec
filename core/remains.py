"""What is left of a body once all that is malformed is taken out of it: still judged, so that one answer names all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rest_framework.serializers import Serializer

Path = tuple[str | int, ...]

MOST_ROUNDS = 8  # what is taken out may leave something else without what it needs


def flat(detail: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield DRF's nested error details one by one, each with the path of what it is about."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from flat(inner, at if name == "non_field_errors" else (*at, name))
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            yield from flat(inner, at if isinstance(inner, str) else (*at, place))
    else:
        yield at, detail


def inside(value: Any, step: str | int) -> Any:
    """Return what an object has under a name, or a list at a place; None where there is nothing."""
    if isinstance(value, Mapping):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


class Part(list[Any]):
    """What is left of a list; ``lost`` is what was taken out, as it was given: whoever counts, counts it, too."""

    def __init__(self, kept: Iterable[Any], lost: Sequence[Any]) -> None:
        super().__init__(kept)
        self.lost = lost


@dataclass(slots=True)
class Remains:
    """
    A body without its malformed parts.

    ``values`` is what the form understood of the rest (None: nothing), ``lost`` the paths in ``body`` of what was taken
    out. Elements that follow one taken out of a list move up, and what was taken out counts as behind them (``Part``);
    ``original`` returns where they were.
    """

    body: Any
    values: Mapping[str, Any] | None = None
    lost: set[Path] = field(default_factory=set)

    def is_lost(self, path: Path) -> bool:
        """Whether something, or what it was in, was taken out."""
        return any(path[:depth] in self.lost for depth in range(1, len(path) + 1))

    def original(self, path: Path) -> Path:
        """Return the path in the body of what has this path in the rest."""
        value: Any = self.body
        found: Path = ()
        for step in path:
            if isinstance(value, list) and str(step).isdecimal():
                at = found
                places = sorted(range(len(value)), key=lambda place: (*at, place) in self.lost)
                place = int(step)
                found = (*found, places[place] if place < len(places) else place)
            else:
                found = (*found, step)
            value = inside(value, found[-1])
        return found


def of(form: Serializer[Any]) -> Remains:
    """Return what is left of a form that was found wrong; what ``hinges`` on a lost field is lost with it."""
    rest = Remains(form.initial_data)
    errors, absent = form.errors, set[str]()
    for _ in range(MOST_ROUNDS):
        for path in [rest.original(path) for path, _ in flat(errors)]:  # before anything else is taken out
            _take_out(rest, path, absent)
        rest.lost |= set(_hinged(rest.lost, getattr(form, "hinges", {})))
        again = type(form)(data=_without(rest.body, rest.lost))
        for name in absent:
            again.fields.pop(name, None)
        if again.is_valid():
            rest.values = again.validated_data
            break
        errors = again.errors
    rest.lost |= {(name,) for name in absent}
    return rest


def _take_out(rest: Remains, path: Path, absent: set[str]) -> None:
    """Take out the smallest part that is there: where something needed is missing, what it is missing in."""
    while len(path) > 1 and (rest.is_lost(path) or not _is_there(rest.body, path)):
        path = path[:-1]
    if len(path) == 1:
        absent.add(str(path[0]))
    if path:
        rest.lost.add(path)


def _hinged(lost: set[Path], hinges: Mapping[str, str]) -> Iterator[Path]:
    """Yield what nobody can judge while a field beside it, or one of that field's elements, is not known."""
    for path in lost:
        whole = path[:-1] if isinstance(path[-1], int) else path
        yield from ((*whole[:-1], name) for name, other in hinges.items() if whole[-1] == other)


def _without(value: Any, lost: set[Path], at: Path = ()) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(inner, lost, (*at, name)) for name, inner in value.items() if (*at, name) not in lost}
    if isinstance(value, list):
        kept = [_without(inner, lost, (*at, place)) for place, inner in enumerate(value) if (*at, place) not in lost]
        gone = [inner for place, inner in enumerate(value) if (*at, place) in lost]
        return Part(kept, gone) if gone else kept
    return value


def _is_there(value: Any, path: Path) -> bool:
    for step in path[:-1]:
        value = inside(value, step)
    last = path[-1]
    return last in value if isinstance(value, Mapping) else isinstance(value, list) and last in range(len(value))
