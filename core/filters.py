"""How operators limit lists: to what hangs on a row, to a value, to some days, to a state."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils import timezone

DAYS = (("today", "Today", 0), ("yesterday", "Since yesterday", 1), ("week", "Since six days ago", 6))

Narrowing = Callable[[QuerySet[Any]], QuerySet[Any]]
States = Mapping[str, tuple[str, Narrowing]]  # {value in the address: (label, how its rows are found)}


class Within(admin.FieldListFilter):
    """Names the one thing a list is limited to, with a way out; not shown while the list is not limited."""

    def __init__(self, field: Any, *args: Any, **named: Any) -> None:
        self._parameter = f"{field.name}__id__exact" if isinstance(field, ForeignKey) else field.name
        super().__init__(field, *args, **named)

    def expected_parameters(self) -> list[str | None]:
        """Return the parameter that links carry."""
        return [self._parameter]

    def has_output(self) -> bool:
        """Whether the list is limited."""
        return bool(self.used_parameters)

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Offer everything, and say what is shown."""
        everything = changelist.get_query_string(remove=[self._parameter])
        yield {"selected": False, "query_string": everything, "display": "All"}
        yield {"selected": True, "query_string": changelist.get_query_string(), "display": self._named()}

    def _named(self) -> str:
        values: Any = next(iter(self.used_parameters.values()))
        value = values[0]
        if not isinstance(self.field, ForeignKey):
            return str(value)
        row = self.field.related_model._default_manager.filter(pk=value).first()  # noqa: SLF001  documented by Django
        return str(row or value)


def by_state(name: str, states: States, title: str = "") -> type[admin.SimpleListFilter]:
    """Return a filter by what rows are in, where that is more than a column."""
    return _choice(name, title, lambda: states)


def among(name: str, *values: str, ask: Callable[[], Iterable[str]] = tuple) -> type[admin.SimpleListFilter]:
    """
    Return a filter by one column with values that are known; asking a large table which it holds takes long.

    ``ask`` returns values that are known only once everything is loaded.
    """
    return _choice(name, "", lambda: {value: (value, _where(name, value)) for value in (*values, *sorted(ask()))})


def by_day(column: str) -> type[admin.SimpleListFilter]:
    """Return a filter by when something happened; each choice reads the partitions of its days only."""
    return _choice("day", "", lambda: {value: (label, _since(column, back)) for value, label, back in DAYS})


def _choice(name: str, named: str, states: Callable[[], States]) -> type[admin.SimpleListFilter]:
    class Choice(admin.SimpleListFilter):
        title = named or name.replace("_", " ")
        parameter_name = name

        def lookups(self, *_: Any) -> list[tuple[str, str]]:
            return [(value, label) for value, (label, _) in states().items()]

        def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            chosen = states().get(self.value() or "")
            return chosen[1](queryset) if chosen else queryset

    return Choice


def _where(column: str, value: str) -> Narrowing:
    return lambda rows: rows.filter(**{column: value})


def _since(column: str, days_back: int) -> Narrowing:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return lambda rows: rows.filter(**{f"{column}__gte": midnight - timedelta(days=days_back)})
