"""What was found out of a file, so that every attempt and every process reads it alike."""

import codecs
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from headrace_server.files.formats import Compression
from headrace_server.files.importing.names import table_names
from headrace_server.files.importing.sql_types import column_of, sql_type_of
from headrace_server.files.sniffing.columns import check_columns
from headrace_server.files.sniffing.findings import Column as SniffedColumn
from headrace_server.model.contract import Column
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions

#: formats whose records are lines of delimited fields; those of the others are objects
DELIMITED = frozenset({"csv", "tsv"})
#: codecs whose text is UTF-8 as it stands
_UTF8 = frozenset({"utf-8", "utf-8-sig", "ascii"})
#: of columns that the sample does not show
NO_PLACE = -1
_SHOWN_NAMES = 40
_TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """A column of the file, and what it is in the table."""

    #: as in the file; unique
    source: str
    #: field of a delimited record or a row, from 0; order of the keys elsewhere
    place: int
    #: in the table; unique
    name: str
    #: as `column_of` reads it
    sql_type: str
    #: strptime's directives where dates are not written as ISO 8601 says; else empty
    date_format: str = ""
    #: "," where that parts the digits of decimals
    decimal_mark: str = "."
    #: whether somebody said the type: it is never widened, and takes more spellings
    given: bool = False

    @property
    def column(self) -> Column:
        """The column of the table; nullable."""
        return column_of(self.name, self.sql_type)


@dataclass(frozen=True, slots=True)
class FilePlan:
    """How a file is read."""

    #: csv, tsv, json, ndjson, xlsx or parquet
    format: str
    compression: Compression
    columns: tuple[PlannedColumn, ...]
    #: Python codec of text; empty where the format is no text
    encoding: str = ""
    #: of delimited text, one character each; None where there is none
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    has_header: bool = False
    #: line of the first record with data, from 1: of text, or row of a sheet
    first_line: int = 1
    #: what ends lines of text: "\r" in files of old; "\n" for that with or without "\r"
    line_end: str = "\n"
    #: what lines that are no records begin with; None where there are none
    comment: str | None = None
    #: name of the sheet
    sheet: str | None = None
    #: texts that stand for null beside the empty one, quoted or not
    null_values: tuple[str, ...] = ()
    #: whether types are found out; columns that come later are text otherwise
    infers_types: bool = True

    @property
    def is_delimited(self) -> bool:
        """Whether records are lines of fields rather than objects."""
        return self.format in DELIMITED

    @property
    def is_utf8(self) -> bool:
        """Whether the text is UTF-8 with lines as they are."""
        utf8 = self.encoding and codecs.lookup(self.encoding).name in _UTF8
        return bool(utf8) and self.line_end == "\n"

    def table_columns(self) -> tuple[Column, ...]:
        """The columns of the table that the file fills, nullable, in the order of the file."""
        return tuple(planned.column for planned in self.columns)

    def sql_types(self) -> dict[str, str]:
        """SQL types by name in the table, in the order of the file."""
        return {planned.name: sql_type_of(planned.column) for planned in self.columns}

    def names_of(self, field: str, given: Iterable[str]) -> tuple[str, ...]:
        """Return the names in the table of columns that are named as there or as in the file.

        Raises InvalidFieldError for the field with the columns that there are.
        """
        return tuple(_found(self.columns, field, name).name for name in given)

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can say, of which `from_json` makes the plan again."""
        return {
            **asdict(self),
            "compression": self.compression.value,
            "columns": [asdict(planned) for planned in self.columns],
            "null_values": list(self.null_values),
        }

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> "FilePlan":
        """Make the plan of what `to_json` returned."""
        return cls(
            **{
                **plan,
                "compression": Compression(plan["compression"]),
                "columns": tuple(PlannedColumn(**planned) for planned in plan["columns"]),
                "null_values": tuple(plan["null_values"]),
            }
        )


def plan_columns(
    sniffed: Sequence[SniffedColumn], options: ImportOptions
) -> tuple[PlannedColumn, ...]:
    """Plan the columns of a file as it was sniffed and as the options say.

    Raises InvalidFieldError for `data_types` and `key_columns` that name no column, for types that
    are not known, and TooLargeError for too many columns.
    """
    check_columns(len(sniffed))
    names = table_names([column.name for column in sniffed])
    planned = [
        PlannedColumn(
            source=column.name,
            place=place,
            name=name,
            sql_type=column.sql_type if options.infer_schema else _TEXT,
            date_format=column.date_format,
            decimal_mark=column.decimal_mark,
        )
        for place, (column, name) in enumerate(zip(sniffed, names, strict=True))
    ]
    for name, sql_type in options.data_types.items():
        found = _found(planned, "data_types", name)
        known = sql_type_of(column_of(found.name, sql_type))
        planned[found.place] = replace(found, sql_type=known, given=True)
    for name in options.key_columns:
        _found(planned, "key_columns", name)
    return tuple(planned)


def _found(columns: Sequence[PlannedColumn], field: str, name: str) -> PlannedColumn:
    for of_table in (False, True):
        for planned in columns:
            if name == (planned.name if of_table else planned.source):
                return planned
    known = ", ".join(planned.source for planned in columns[:_SHOWN_NAMES])
    more = f" and {len(columns) - _SHOWN_NAMES} more" if len(columns) > _SHOWN_NAMES else ""
    raise InvalidFieldError.of(field, f"the file has no column {name!r}; it has {known}{more}")
