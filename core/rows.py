"""
Model instances from hand-written SQL, for the few paths where the ORM's own query building is the largest cost.

A ``Shape`` knows a model's columns and turns a slice of a result row into an instance, exactly as the ORM would.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=models.Model)
Converter = Callable[[Any, Any, Any], Any]

# Most of all JSON there is.
EMPTY: Mapping[Any, Callable[[], Any]] = {"{}": dict, "[]": list}


class Shape(Generic[Row]):
    """The columns of one model under one alias of a statement; of ``only`` some, the others load when asked for."""

    def __init__(self, model: type[Row], alias: str, *, only: Sequence[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if not only or field.attname in only]
        self.model = model
        self.names = [field.attname for field in fields]
        self.columns = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.width = len(fields)
        self._fields = fields
        self._converters: list[tuple[int, Converter]] | None = None

    def build(self, values: Sequence[Any]) -> Row:
        """
        Return the instance whose columns these are.

        It is made as unpickling makes one: a model's ``__init__`` would look at each field again, and its signals have
        no listeners here.
        """
        if self._converters is None:
            self._converters = [
                (place, _quicker(convert) if isinstance(field, models.JSONField) else convert)
                for place, field in enumerate(self._fields)
                for convert in field.get_db_converters(connection)
            ]
        if self._converters:
            changed = list(values)
            for place, convert in self._converters:
                changed[place] = convert(changed[place], None, connection)
            values = changed
        row = self.model.__new__(self.model)
        state = ModelState()
        state.adding, state.db = False, "default"
        row.__dict__.update(zip(self.names, values, strict=True), _state=state)
        return row


def _quicker(convert: Converter) -> Converter:
    """Return what converts JSON, without a parser where nothing is in it."""

    def converted(value: Any, expression: Any, connection: Any) -> Any:
        empty = EMPTY.get(value)
        return convert(value, expression, connection) if empty is None else empty()

    return converted


def cut(row: Sequence[Any], *shapes: Shape[Any]) -> Iterator[Any]:
    """Yield an instance of each shape from a row with their columns in turn; None where an outer join found nobody."""
    start = 0
    for shape in shapes:
        values = row[start : start + shape.width]
        start += shape.width
        yield None if values[0] is None else shape.build(values)


def draw_ids(model: type[models.Model], count: int) -> list[int]:
    """Return the next ``count`` ids of a model's table, for rows that must name themselves before they are stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]
