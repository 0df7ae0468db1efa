from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Preview(_message.Message):
    __slots__ = ("file_name", "file_size_bytes", "detected_format", "detected_encoding", "detected_delimiter", "columns", "data_types", "preview_data", "rows_previewed", "estimated_total_rows", "has_header", "detected_quote", "detected_compression", "preamble_rows", "confidence", "confidences", "column_details", "detected_escape", "line_terminator", "comment_prefix", "rows_are_exact", "sample_bytes", "ragged_rows", "unreadable_rows", "truncated_cells", "sheet", "sheets")
    class Column(_message.Message):
        __slots__ = ("name", "data_type", "sql_type", "confidence", "date_format", "decimal_mark")
        NAME_FIELD_NUMBER: _ClassVar[int]
        DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
        SQL_TYPE_FIELD_NUMBER: _ClassVar[int]
        CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
        DATE_FORMAT_FIELD_NUMBER: _ClassVar[int]
        DECIMAL_MARK_FIELD_NUMBER: _ClassVar[int]
        name: str
        data_type: str
        sql_type: str
        confidence: float
        date_format: str
        decimal_mark: str
        def __init__(self, name: _Optional[str] = ..., data_type: _Optional[str] = ..., sql_type: _Optional[str] = ..., confidence: _Optional[float] = ..., date_format: _Optional[str] = ..., decimal_mark: _Optional[str] = ...) -> None: ...
    class DataTypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ConfidencesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DETECTED_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DETECTED_ENCODING_FIELD_NUMBER: _ClassVar[int]
    DETECTED_DELIMITER_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPES_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_DATA_FIELD_NUMBER: _ClassVar[int]
    ROWS_PREVIEWED_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    HAS_HEADER_FIELD_NUMBER: _ClassVar[int]
    DETECTED_QUOTE_FIELD_NUMBER: _ClassVar[int]
    DETECTED_COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    PREAMBLE_ROWS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCES_FIELD_NUMBER: _ClassVar[int]
    COLUMN_DETAILS_FIELD_NUMBER: _ClassVar[int]
    DETECTED_ESCAPE_FIELD_NUMBER: _ClassVar[int]
    LINE_TERMINATOR_FIELD_NUMBER: _ClassVar[int]
    COMMENT_PREFIX_FIELD_NUMBER: _ClassVar[int]
    ROWS_ARE_EXACT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    RAGGED_ROWS_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_ROWS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_CELLS_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    SHEETS_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    file_size_bytes: int
    detected_format: str
    detected_encoding: str
    detected_delimiter: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    data_types: _containers.ScalarMap[str, str]
    preview_data: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    rows_previewed: int
    estimated_total_rows: int
    has_header: bool
    detected_quote: str
    detected_compression: str
    preamble_rows: int
    confidence: float
    confidences: _containers.ScalarMap[str, float]
    column_details: _containers.RepeatedCompositeFieldContainer[Preview.Column]
    detected_escape: str
    line_terminator: str
    comment_prefix: str
    rows_are_exact: bool
    sample_bytes: int
    ragged_rows: int
    unreadable_rows: int
    truncated_cells: int
    sheet: str
    sheets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, file_name: _Optional[str] = ..., file_size_bytes: _Optional[int] = ..., detected_format: _Optional[str] = ..., detected_encoding: _Optional[str] = ..., detected_delimiter: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., data_types: _Optional[_Mapping[str, str]] = ..., preview_data: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., rows_previewed: _Optional[int] = ..., estimated_total_rows: _Optional[int] = ..., has_header: _Optional[bool] = ..., detected_quote: _Optional[str] = ..., detected_compression: _Optional[str] = ..., preamble_rows: _Optional[int] = ..., confidence: _Optional[float] = ..., confidences: _Optional[_Mapping[str, float]] = ..., column_details: _Optional[_Iterable[_Union[Preview.Column, _Mapping]]] = ..., detected_escape: _Optional[str] = ..., line_terminator: _Optional[str] = ..., comment_prefix: _Optional[str] = ..., rows_are_exact: _Optional[bool] = ..., sample_bytes: _Optional[int] = ..., ragged_rows: _Optional[int] = ..., unreadable_rows: _Optional[int] = ..., truncated_cells: _Optional[int] = ..., sheet: _Optional[str] = ..., sheets: _Optional[_Iterable[str]] = ...) -> None: ...
