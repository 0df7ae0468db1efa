"""What the process that writes a file is told, in this order; each is pickled on its way.

Of a source: TableBegin, Rows and TableEnd; of a report these, or Values, for each section. Then
Finish.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace_server.model.export import ChartType, ExportOutput, Scalar
from headrace_server.model.query import QueryColumn

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What file is to be written."""

    path: Path
    output: ExportOutput
    #: what a report is called; empty where it is none
    title: str
    #: when it was asked for
    made_at: datetime


@dataclass(frozen=True, slots=True)
class TableBegin:
    """Rows of one query begin."""

    #: names the sheet
    heading: str
    #: what they come from, in words or SQL
    origin: str
    columns: tuple[QueryColumn, ...]
    #: whether they are to be shown by a chart alone
    is_chart: bool = False
    #: what the chart looks like; None for what fits
    chart_type: ChartType | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Some of its rows."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class TableEnd:
    """Its rows are over."""

    #: whether there are more of them, which were not asked for
    truncated: bool
    #: how many there are in all; None where that is not known
    total_rows: int | None


@dataclass(frozen=True, slots=True)
class Values:
    """A section of values with their names."""

    heading: str
    data: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Finish:
    """There is no more."""


Message = TableBegin | Rows | TableEnd | Values | Finish
