from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from headrace.v1 import export_pb2 as _export_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportDatamartRequest(_message.Message):
    __slots__ = ("name", "schema", "include_charts", "max_rows", "output_config", "wait_seconds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CHARTS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    include_charts: bool
    max_rows: int
    output_config: _export_pb2.ExportOutput
    wait_seconds: float
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ..., include_charts: _Optional[bool] = ..., max_rows: _Optional[int] = ..., output_config: _Optional[_Union[_export_pb2.ExportOutput, _Mapping]] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class ExportQueryRequest(_message.Message):
    __slots__ = ("data_source", "output_config", "wait_seconds")
    DATA_SOURCE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    data_source: _export_pb2.ExportSource
    output_config: _export_pb2.ExportOutput
    wait_seconds: float
    def __init__(self, data_source: _Optional[_Union[_export_pb2.ExportSource, _Mapping]] = ..., output_config: _Optional[_Union[_export_pb2.ExportOutput, _Mapping]] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class CreateReportRequest(_message.Message):
    __slots__ = ("report_name", "sections", "template", "output_config", "wait_seconds")
    REPORT_NAME_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    report_name: str
    sections: _containers.RepeatedCompositeFieldContainer[_export_pb2.ReportSection]
    template: _export_pb2.Export.Template
    output_config: _export_pb2.ExportOutput
    wait_seconds: float
    def __init__(self, report_name: _Optional[str] = ..., sections: _Optional[_Iterable[_Union[_export_pb2.ReportSection, _Mapping]]] = ..., template: _Optional[_Union[_export_pb2.Export.Template, str]] = ..., output_config: _Optional[_Union[_export_pb2.ExportOutput, _Mapping]] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class GetExportRequest(_message.Message):
    __slots__ = ("export_id",)
    EXPORT_ID_FIELD_NUMBER: _ClassVar[int]
    export_id: str
    def __init__(self, export_id: _Optional[str] = ...) -> None: ...

class ListExportsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListExportsResponse(_message.Message):
    __slots__ = ("exports", "next_page_token")
    EXPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    exports: _containers.RepeatedCompositeFieldContainer[_export_pb2.Export]
    next_page_token: str
    def __init__(self, exports: _Optional[_Iterable[_Union[_export_pb2.Export, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchExportRequest(_message.Message):
    __slots__ = ("export_id", "after_revision")
    EXPORT_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    export_id: str
    after_revision: int
    def __init__(self, export_id: _Optional[str] = ..., after_revision: _Optional[int] = ...) -> None: ...

class CancelExportRequest(_message.Message):
    __slots__ = ("export_id",)
    EXPORT_ID_FIELD_NUMBER: _ClassVar[int]
    export_id: str
    def __init__(self, export_id: _Optional[str] = ...) -> None: ...

class DownloadExportRequest(_message.Message):
    __slots__ = ("export_id", "expires", "signature")
    EXPORT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    export_id: str
    expires: int
    signature: str
    def __init__(self, export_id: _Optional[str] = ..., expires: _Optional[int] = ..., signature: _Optional[str] = ...) -> None: ...
