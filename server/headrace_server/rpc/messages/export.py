"""Exports and what is asked of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote

from headrace.v1 import export_pb2
from headrace.v1 import export_service_pb2 as pb

from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.export import (
    ROWS,
    SECTION_ROWS,
    ChartType,
    Export,
    ExportFormat,
    ExportOutput,
    ExportRequest,
    ExportSource,
    ReportSection,
    Scalar,
    SectionType,
    SourceType,
    Template,
)
from headrace_server.rpc.messages.structs import object_of

_WAIT, _KEEP_HOURS = 5.0, 24
_MEGABYTE = 1e6
#: values of one section, and characters of one of them
_MOST_VALUES, _LONGEST_VALUE = 200, 10_000
_DEFAULT_SCHEMAS = {SourceType.DATAMART: "analytics", SourceType.TABLE: "public"}


class Waiting(Protocol):
    """A request that waits for the end."""

    wait_seconds: float

    def HasField(self, field_name: Any) -> bool:  # noqa: N802  # a message's own
        """Whether a field is given."""


def wait_seconds(request: Waiting) -> float:
    """Read how long the caller waits."""
    return request.wait_seconds if request.HasField("wait_seconds") else _WAIT


def mart_request(request: pb.ExportDatamartRequest) -> ExportRequest:
    """Read which datamart is to be exported."""
    output = _output(request.output_config, ROWS)
    if request.HasField("include_charts"):
        output = replace(output, include_charts=request.include_charts)
    if request.HasField("max_rows"):
        output = replace(output, max_rows=request.max_rows)
    schema = request.schema or _DEFAULT_SCHEMAS[SourceType.DATAMART]
    source = ExportSource(SourceType.DATAMART, name=request.name, schema=schema)
    return ExportRequest(output, source)


def query_request(request: pb.ExportQueryRequest) -> ExportRequest:
    """Read what is to be exported. Raises InvalidFieldError for a source that names nothing."""
    return ExportRequest(_output(request.output_config, ROWS), _source(request.data_source))


def _source(message: export_pb2.ExportSource) -> ExportSource:
    named = SourceType.QUERY if message.query else SourceType.DATAMART
    type_ = _named(SourceType, export_pb2.ExportSource.Type, message.type) or named
    if type_ is SourceType.QUERY:
        if not message.query.strip():
            raise InvalidFieldError.of("data_source.query", "must be a query, such as SELECT ...")
        if message.name or message.schema:
            raise InvalidFieldError.of("data_source.name", "must be empty where a query is given")
        return ExportSource(type_, message.query)
    if message.query:
        raise InvalidFieldError.of("data_source.query", "must be empty unless the type is QUERY")
    if not message.name:
        raise InvalidFieldError.of("data_source.name", f"must name a {type_.value}")
    return ExportSource(type_, name=message.name, schema=message.schema or _DEFAULT_SCHEMAS[type_])


def report_request(request: pb.CreateReportRequest) -> ExportRequest:
    """Read a report. Raises InvalidFieldError for a section that does not say what it shows."""
    template = _named(Template, export_pb2.Export.Template, request.template)
    output = replace(
        _output(request.output_config, SECTION_ROWS), template=template or Template.CORPORATE
    )
    sections = tuple(_section(each, f"sections[{n}]") for n, each in enumerate(request.sections))
    # Figures on columns and charts are sections of their own here.
    output = replace(output, include_charts=False, include_summary=False)
    return ExportRequest(output, None, request.report_name, sections)


def _section(message: export_pb2.ReportSection, place: str) -> ReportSection:
    kind = SectionType[export_pb2.ReportSection.Type.Name(message.type)]
    chart = _named(ChartType, export_pb2.ReportSection.ChartType, message.chart_type)
    if kind is SectionType.SUMMARY:
        if message.query or message.data_source:
            raise InvalidFieldError.of(f"{place}.data", "is what a SUMMARY shows, and nothing else")
        return ReportSection(message.name, kind, _values(message, f"{place}.data"))
    if bool(message.query.strip()) == bool(message.data_source):
        raise InvalidFieldError.of(f"{place}.query", "or data_source must be given, one of them")
    if chart is not None and kind is not SectionType.CHART:
        raise InvalidFieldError.of(f"{place}.chart_type", "is for sections of the type CHART")
    return ReportSection(message.name, kind, {}, _section_source(message), chart)


def _section_source(message: export_pb2.ReportSection) -> ExportSource:
    if message.query:
        return ExportSource(SourceType.QUERY, message.query)
    schema, _, name = message.data_source.rpartition(".")
    return ExportSource(SourceType.DATAMART, name=name, schema=schema)


def _values(message: export_pb2.ReportSection, field: str) -> dict[str, Scalar]:
    """The values of a section, whole numbers as such."""
    data = object_of(message.data, field)
    if not data:
        raise InvalidFieldError.of(field, "must hold the values of a SUMMARY by their names")
    if len(data) > _MOST_VALUES:
        raise InvalidFieldError.of(field, f"must hold {_MOST_VALUES} values at most")
    return {name: _scalar(value, f"{field}.{name}") for name, value in sorted(data.items())}


def _scalar(value: Any, field: str) -> Scalar:
    if isinstance(value, list | dict):
        raise InvalidFieldError.of(field, "must be a text, a number, a truth value or null")
    if isinstance(value, str) and len(value) > _LONGEST_VALUE:
        raise InvalidFieldError.of(field, f"must have {_LONGEST_VALUE} characters at most")
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    scalar: Scalar = int(value) if whole else value
    return scalar


def _output(message: export_pb2.ExportOutput, rows: int) -> ExportOutput:
    return ExportOutput(
        format=_named(ExportFormat, export_pb2.Export.Format, message.format) or ExportFormat.XLSX,
        file_name=message.file_name,
        sheet_name=message.sheet_name,
        include_charts=message.include_charts,
        include_summary=message.include_summary,
        max_rows=message.max_rows if message.HasField("max_rows") else rows,
        template=_named(Template, export_pb2.Export.Template, message.template) or Template.DEFAULT,
        currency=message.currency,
        gzip=message.compression == export_pb2.Export.GZIP,
        escape_formulas=message.escape_formulas,
        keep_hours=message.keep_hours if message.HasField("keep_hours") else _KEEP_HOURS,
    )


def _named(kind: Any, enum: Any, value: int) -> Any:
    """The member of an enum that a message names; None where it names none."""
    return kind[enum.Name(value)] if value else None


def export_message(record: Export, url_of: Callable[[Export], str]) -> export_pb2.Export:
    """Show an export, with the link to its file."""
    return export_pb2.Export(
        export_id=record.export_id,
        file_name=record.file_name,
        download_url=url_of(record),
        file_size_mb=round(record.file_bytes / _MEGABYTE, 3),
        rows_exported=record.rows,
        sheets=record.sheets,
        expires_at=record.expires_at,
        status=record.status.name,
        format=record.request.output.format.name,
        truncated=record.truncated,
        total_rows=record.total_rows,
        warnings=record.warnings,
        file_size_bytes=record.file_bytes,
        error=record.error,
        revision=record.revision,
        terminal=record.terminal,
        created_at=record.created_at,
        started_at=record.started_at,
        completed_at=record.completed_at,
    )


def disposition(record: Export) -> tuple[str, str]:
    """The header that tells the name of a file, as RFC 6266 has it."""
    name = record.file_name
    plain = "".join(mark if mark.isascii() and mark not in '"\\' else "_" for mark in name)
    words = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return "content-disposition", words
