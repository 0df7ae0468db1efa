"""What a preview shows of a file."""

from collections.abc import Mapping
from dataclasses import dataclass

#: what JSON can say; integers beyond 2^53 and inexact decimals are text
Shown = None | bool | int | float | str | list["Shown"] | dict[str, "Shown"]


@dataclass(frozen=True, slots=True)
class PreviewColumn:
    """One column of a file."""

    #: unique in the file
    name: str
    #: one of the documented names, such as "integer"
    data_type: str
    #: type that an import would give it
    sql_type: str
    #: 0 to 1
    confidence: float
    #: strptime's directives where days are not written as ISO 8601 says; else empty
    date_format: str = ""
    #: what parts the digits of decimals
    decimal_mark: str = "."


@dataclass(frozen=True, slots=True)
class Preview:
    """A file understood by a sample of it, with its first rows."""

    file_name: str
    #: size as it is stored
    file_size_bytes: int
    #: csv, tsv, json, ndjson, xlsx or parquet
    format: str
    #: gzip or zstd; None where it is not packed
    compression: str | None
    columns: tuple[PreviewColumn, ...]
    #: the first rows, each with a value for every column
    rows: tuple[tuple[Shown, ...], ...]
    #: rows of the whole file
    estimated_total_rows: int
    #: whether that many were counted
    rows_are_exact: bool
    #: by what was found out, 0 to 1
    confidences: Mapping[str, float]
    #: plain bytes that were looked at
    sample_bytes: int
    #: Python codec; None for formats that are not text
    encoding: str | None = None
    #: None where there is none
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    line_terminator: str | None = None
    comment: str | None = None
    has_header: bool = True
    #: lines before the header or the data
    preamble_rows: int = 0
    #: records of the sample with more or fewer fields than there are columns
    ragged_rows: int = 0
    #: records of the sample that cannot be read
    unreadable_rows: int = 0
    #: shown values that are longer than what is shown of them
    truncated_cells: int = 0
    #: sheet that is shown; None where the format has none
    sheet: str | None = None
    #: names of all sheets
    sheets: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        """The confidence of the weakest link."""
        return min(self.confidences.values(), default=1.0)
