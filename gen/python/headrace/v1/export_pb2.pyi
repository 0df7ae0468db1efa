import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Export(_message.Message):
    __slots__ = ("export_id", "file_name", "download_url", "file_size_mb", "rows_exported", "sheets", "expires_at", "status", "format", "truncated", "total_rows", "warnings", "file_size_bytes", "error", "revision", "terminal", "created_at", "started_at", "completed_at")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Export.Status]
        PENDING: _ClassVar[Export.Status]
        IN_PROGRESS: _ClassVar[Export.Status]
        COMPLETED: _ClassVar[Export.Status]
        FAILED: _ClassVar[Export.Status]
        CANCELLED: _ClassVar[Export.Status]
    STATUS_UNSPECIFIED: Export.Status
    PENDING: Export.Status
    IN_PROGRESS: Export.Status
    COMPLETED: Export.Status
    FAILED: Export.Status
    CANCELLED: Export.Status
    class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FORMAT_UNSPECIFIED: _ClassVar[Export.Format]
        XLSX: _ClassVar[Export.Format]
        CSV: _ClassVar[Export.Format]
        PARQUET: _ClassVar[Export.Format]
    FORMAT_UNSPECIFIED: Export.Format
    XLSX: Export.Format
    CSV: Export.Format
    PARQUET: Export.Format
    class Compression(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        COMPRESSION_UNSPECIFIED: _ClassVar[Export.Compression]
        NONE: _ClassVar[Export.Compression]
        GZIP: _ClassVar[Export.Compression]
    COMPRESSION_UNSPECIFIED: Export.Compression
    NONE: Export.Compression
    GZIP: Export.Compression
    class Template(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TEMPLATE_UNSPECIFIED: _ClassVar[Export.Template]
        DEFAULT: _ClassVar[Export.Template]
        CORPORATE: _ClassVar[Export.Template]
        MINIMAL: _ClassVar[Export.Template]
    TEMPLATE_UNSPECIFIED: Export.Template
    DEFAULT: Export.Template
    CORPORATE: Export.Template
    MINIMAL: Export.Template
    EXPORT_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_URL_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_MB_FIELD_NUMBER: _ClassVar[int]
    ROWS_EXPORTED_FIELD_NUMBER: _ClassVar[int]
    SHEETS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    export_id: str
    file_name: str
    download_url: str
    file_size_mb: float
    rows_exported: int
    sheets: _containers.RepeatedScalarFieldContainer[str]
    expires_at: _timestamp_pb2.Timestamp
    status: Export.Status
    format: Export.Format
    truncated: bool
    total_rows: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    file_size_bytes: int
    error: str
    revision: int
    terminal: bool
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, export_id: _Optional[str] = ..., file_name: _Optional[str] = ..., download_url: _Optional[str] = ..., file_size_mb: _Optional[float] = ..., rows_exported: _Optional[int] = ..., sheets: _Optional[_Iterable[str]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[Export.Status, str]] = ..., format: _Optional[_Union[Export.Format, str]] = ..., truncated: _Optional[bool] = ..., total_rows: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ..., file_size_bytes: _Optional[int] = ..., error: _Optional[str] = ..., revision: _Optional[int] = ..., terminal: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExportSource(_message.Message):
    __slots__ = ("type", "query", "name", "schema")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[ExportSource.Type]
        QUERY: _ClassVar[ExportSource.Type]
        DATAMART: _ClassVar[ExportSource.Type]
        TABLE: _ClassVar[ExportSource.Type]
    TYPE_UNSPECIFIED: ExportSource.Type
    QUERY: ExportSource.Type
    DATAMART: ExportSource.Type
    TABLE: ExportSource.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    type: ExportSource.Type
    query: str
    name: str
    schema: str
    def __init__(self, type: _Optional[_Union[ExportSource.Type, str]] = ..., query: _Optional[str] = ..., name: _Optional[str] = ..., schema: _Optional[str] = ...) -> None: ...

class ExportOutput(_message.Message):
    __slots__ = ("format", "file_name", "sheet_name", "include_charts", "include_summary", "max_rows", "template", "currency", "compression", "escape_formulas", "keep_hours")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    SHEET_NAME_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CHARTS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    ESCAPE_FORMULAS_FIELD_NUMBER: _ClassVar[int]
    KEEP_HOURS_FIELD_NUMBER: _ClassVar[int]
    format: Export.Format
    file_name: str
    sheet_name: str
    include_charts: bool
    include_summary: bool
    max_rows: int
    template: Export.Template
    currency: str
    compression: Export.Compression
    escape_formulas: bool
    keep_hours: int
    def __init__(self, format: _Optional[_Union[Export.Format, str]] = ..., file_name: _Optional[str] = ..., sheet_name: _Optional[str] = ..., include_charts: _Optional[bool] = ..., include_summary: _Optional[bool] = ..., max_rows: _Optional[int] = ..., template: _Optional[_Union[Export.Template, str]] = ..., currency: _Optional[str] = ..., compression: _Optional[_Union[Export.Compression, str]] = ..., escape_formulas: _Optional[bool] = ..., keep_hours: _Optional[int] = ...) -> None: ...

class ReportSection(_message.Message):
    __slots__ = ("name", "type", "data", "query", "data_source", "chart_type")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[ReportSection.Type]
        SUMMARY: _ClassVar[ReportSection.Type]
        TABLE: _ClassVar[ReportSection.Type]
        CHART: _ClassVar[ReportSection.Type]
    TYPE_UNSPECIFIED: ReportSection.Type
    SUMMARY: ReportSection.Type
    TABLE: ReportSection.Type
    CHART: ReportSection.Type
    class ChartType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHART_TYPE_UNSPECIFIED: _ClassVar[ReportSection.ChartType]
        LINE: _ClassVar[ReportSection.ChartType]
        BAR: _ClassVar[ReportSection.ChartType]
        COLUMN: _ClassVar[ReportSection.ChartType]
        PIE: _ClassVar[ReportSection.ChartType]
        AREA: _ClassVar[ReportSection.ChartType]
        SCATTER: _ClassVar[ReportSection.ChartType]
    CHART_TYPE_UNSPECIFIED: ReportSection.ChartType
    LINE: ReportSection.ChartType
    BAR: ReportSection.ChartType
    COLUMN: ReportSection.ChartType
    PIE: ReportSection.ChartType
    AREA: ReportSection.ChartType
    SCATTER: ReportSection.ChartType
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    DATA_SOURCE_FIELD_NUMBER: _ClassVar[int]
    CHART_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ReportSection.Type
    data: _struct_pb2.Struct
    query: str
    data_source: str
    chart_type: ReportSection.ChartType
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ReportSection.Type, str]] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., query: _Optional[str] = ..., data_source: _Optional[str] = ..., chart_type: _Optional[_Union[ReportSection.ChartType, str]] = ...) -> None: ...
