"""Exports: data of the warehouse on its way into a file, and what the file is like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

#: rows of one export where the request does not say, and of each section of a report
ROWS, SECTION_ROWS = 1_000_000, 100_000

Scalar = str | int | float | bool | None


class ExportFormat(Enum):
    """What kind of file it is; the value is its extension."""

    XLSX = "xlsx"
    CSV = "csv"
    PARQUET = "parquet"


class Template(Enum):
    """How a workbook looks."""

    DEFAULT = "default"
    CORPORATE = "corporate"
    MINIMAL = "minimal"


class SourceType(Enum):
    """What data is taken from."""

    QUERY = "query"
    DATAMART = "datamart"
    TABLE = "table"


class SectionType(Enum):
    """What a section of a report is."""

    SUMMARY = "summary"
    TABLE = "table"
    CHART = "chart"


class ChartType(Enum):
    """What a chart looks like; the value is XlsxWriter's word."""

    LINE = "line"
    BAR = "bar"
    COLUMN = "column"
    PIE = "pie"
    AREA = "area"
    SCATTER = "scatter"


class ExportStatus(Enum):
    """Where an export stands."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


#: states that an export leaves by itself
OPEN_EXPORTS = frozenset({ExportStatus.PENDING, ExportStatus.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What rows are taken from."""

    type: SourceType
    #: the query, of a QUERY only
    query: str = ""
    #: the datamart or table, of these only
    name: str = ""
    #: its schema; empty to look in analytics, then in public
    schema: str = ""


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A sheet of a report."""

    name: str
    type: SectionType
    #: values by their names, of a SUMMARY only
    data: Mapping[str, Scalar] = field(default_factory=dict)
    #: of a TABLE or CHART only
    source: ExportSource | None = None
    #: of a CHART; None for what fits the data
    chart_type: ChartType | None = None


@dataclass(frozen=True, slots=True)
class ExportOutput:
    """What the file is to be like."""

    format: ExportFormat = ExportFormat.XLSX
    #: without extension; empty to call it after its source
    file_name: str = ""
    #: empty to call it after the source
    sheet_name: str = ""
    include_charts: bool = False
    include_summary: bool = False
    #: the most rows, of a report for each section
    max_rows: int = ROWS
    template: Template = Template.DEFAULT
    #: ISO 4217 code of amounts; empty to show them without a sign
    currency: str = ""
    #: whether a CSV is packed
    gzip: bool = False
    #: whether formulas of a CSV are marked as texts
    escape_formulas: bool = False
    #: how long the file is kept
    keep_hours: int = 24


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported: one source, or a report of sections."""

    output: ExportOutput = ExportOutput()
    #: None for a report
    source: ExportSource | None = None
    #: what a report is called; empty for none
    title: str = ""
    #: empty unless it is a report
    sections: tuple[ReportSection, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What a file has become."""

    #: rows written, those of all sheets
    rows: int
    #: whether a source had more rows than were asked for
    truncated: bool
    #: names of the sheets in order; empty unless it is a workbook
    sheets: tuple[str, ...]
    #: what is not as it was in the warehouse, in sentences
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """An export as it stands."""

    export_id: str
    tenant_id: str
    request: ExportRequest
    status: ExportStatus
    #: what the file is called, with its extension
    file_name: str
    #: rises with every change
    revision: int
    #: rows written so far
    rows: int
    #: rows that there are; None where that is not known
    total_rows: int | None
    #: whether a source had more rows than were asked for
    truncated: bool
    #: as `Written` has them; empty until it is completed
    sheets: tuple[str, ...]
    warnings: tuple[str, ...]
    #: length of the file; 0 until it is completed
    file_bytes: int
    #: the attempt whose file it is; 0 until it is completed
    file_attempt: int
    #: why it failed, or what went wrong last; None otherwise
    error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    #: when it is forgotten, and its file deleted
    expires_at: datetime

    @property
    def terminal(self) -> bool:
        """Whether nothing changes any more."""
        return self.status not in OPEN_EXPORTS
