"""Parquet, each column of the type that its values have in the warehouse."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from headrace_server.files.exporting.kinds import Field, dated, fields_of
from headrace_server.files.exporting.messages import FilePlan, Row, TableBegin, TableEnd
from headrace_server.files.exporting.texts import text_of
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.export import Written
from headrace_server.model.query import ValueKind
from headrace_server.model.row_counts import truncated_text

#: rows of a row group
_GROUP = 100_000
#: characters and bytes that are kept for one, in about
_LONGEST_GROUP = 64 << 20
#: digits of decimals, and those after the point
_PRECISION, _SCALE = 38, 18
_TYPES = {
    ValueKind.INTEGER: pa.int64(),
    ValueKind.DECIMAL: pa.decimal128(_PRECISION, _SCALE),
    ValueKind.FLOAT: pa.float64(),
    ValueKind.BOOLEAN: pa.bool_(),
    ValueKind.TIMESTAMP: pa.timestamp("us", "UTC"),
    ValueKind.DATETIME: pa.timestamp("us"),
    ValueKind.DATE: pa.date32(),
    ValueKind.TIME: pa.time64("us"),
    ValueKind.BYTES: pa.binary(),
}


class ParquetFile:
    """Writes Parquet. See `FileWriter`."""

    def __init__(self, plan: FilePlan) -> None:
        self._path = str(plan.path)
        self._begin: TableBegin | None = None
        self._fields: list[Field] = []
        self._writer: parquet.ParquetWriter | None = None
        self._waiting: list[list[Any]] = []
        self._length = 0
        self._rows = 0
        self._truncated = False
        self._warnings: list[str] = []

    def begin(self, table: TableBegin) -> None:
        """See `FileWriter`."""
        self._begin = table
        self._waiting = [[] for _ in table.columns]

    def add(self, rows: Sequence[Row]) -> None:
        """See `FileWriter`."""
        if not rows:
            return
        for waiting, values in zip(self._waiting, zip(*rows, strict=True), strict=True):
            waiting.extend(values)
            self._length += _length(values)
        self._rows += len(rows)
        if len(self._waiting[0]) >= _GROUP or self._length >= _LONGEST_GROUP:
            self._flush()

    def _schema(self) -> pa.Schema:
        return pa.schema([(each.name, _TYPES.get(each.kind, pa.string())) for each in self._fields])

    def _flush(self) -> None:
        """Write a row group; the first has the say on columns whose types the database lacks."""
        if self._writer is None and self._begin is not None:
            rows = list(zip(*self._waiting, strict=True))
            self._fields = fields_of(self._begin.columns, rows)
            self._writer = parquet.ParquetWriter(self._path, self._schema())
        if self._writer is None or not self._waiting[0]:
            return
        arrays = [
            _array(field, values) for field, values in zip(self._fields, self._waiting, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema()))
        self._waiting, self._length = [[] for _ in self._fields], 0

    def end(self, end: TableEnd) -> None:
        """See `FileWriter`."""
        self._flush()
        self._truncated = end.truncated
        if end.truncated:
            self._warnings.append(truncated_text(self._rows, end.total_rows))

    def abandon(self) -> None:
        """See `FileWriter`."""
        self.close()

    def close(self) -> Written:
        """See `FileWriter`."""
        if self._writer is not None:
            self._writer.close()
        return Written(self._rows, self._truncated, (), tuple(self._warnings))


def _array(field: Field, values: Sequence[Any]) -> pa.Array:
    """A column of Parquet. Raises InvalidFieldError where a value does not fit its type."""
    kind = _TYPES.get(field.kind, pa.string())
    prepare: Callable[[Any], Any] = _PREPARED.get(field.kind, text_of)
    try:
        prepared = [None if value is None else prepare(value) for value in values]
        return pa.array(prepared, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise InvalidFieldError.of(
            "format",
            f"PARQUET cannot hold a value of the column {field.name!r} as {kind}: cast the column"
            f" in the query, to text for instance ({str(error)[:200]})",
        ) from error


def _length(values: Sequence[Any]) -> int:
    """How many characters and bytes there are among values."""
    return sum(len(value) for value in values if isinstance(value, str | bytes))


def _whole(value: Any) -> Any:
    """A whole number; Arrow would cut off what is behind a point."""
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{value!r} is not whole")
    return value


def _no_number(value: Any) -> Any:
    """A day or a time; numbers Arrow would count from 1970."""
    if isinstance(value, int | float):
        raise TypeError(f"{value!r} is a number")
    return dated(value)


def _same(value: Any) -> Any:
    return value


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def _moment(value: Any) -> Any:
    """A moment in UTC; one without a zone is in UTC already."""
    value = _no_number(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=text_of)


_PREPARED: dict[ValueKind, Callable[[Any], Any]] = {
    **dict.fromkeys(_TYPES, _same),
    ValueKind.INTEGER: _whole,
    ValueKind.DECIMAL: _decimal,
    ValueKind.TIMESTAMP: _moment,
    **dict.fromkeys((ValueKind.DATE, ValueKind.DATETIME, ValueKind.TIME), _no_number),
    ValueKind.JSON: _json,
}
