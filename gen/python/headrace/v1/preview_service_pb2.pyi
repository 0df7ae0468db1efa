from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from headrace.v1 import preview_pb2 as _preview_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PreviewFileRequest(_message.Message):
    __slots__ = ("file_name", "body", "delimiter", "encoding", "limit", "quote", "escape", "has_header", "skip_lines", "comment_prefix", "format", "compression", "sheet", "sample_bytes", "total_bytes", "whole_size_bytes")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    ESCAPE_FIELD_NUMBER: _ClassVar[int]
    HAS_HEADER_FIELD_NUMBER: _ClassVar[int]
    SKIP_LINES_FIELD_NUMBER: _ClassVar[int]
    COMMENT_PREFIX_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    WHOLE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    body: _httpbody_pb2.HttpBody
    delimiter: str
    encoding: str
    limit: int
    quote: str
    escape: str
    has_header: bool
    skip_lines: int
    comment_prefix: str
    format: str
    compression: str
    sheet: str
    sample_bytes: int
    total_bytes: int
    whole_size_bytes: int
    def __init__(self, file_name: _Optional[str] = ..., body: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ..., delimiter: _Optional[str] = ..., encoding: _Optional[str] = ..., limit: _Optional[int] = ..., quote: _Optional[str] = ..., escape: _Optional[str] = ..., has_header: _Optional[bool] = ..., skip_lines: _Optional[int] = ..., comment_prefix: _Optional[str] = ..., format: _Optional[str] = ..., compression: _Optional[str] = ..., sheet: _Optional[str] = ..., sample_bytes: _Optional[int] = ..., total_bytes: _Optional[int] = ..., whole_size_bytes: _Optional[int] = ...) -> None: ...

class PreviewPathRequest(_message.Message):
    __slots__ = ("file_path", "delimiter", "encoding", "limit", "quote", "escape", "has_header", "skip_lines", "comment_prefix", "format", "compression", "sheet", "sample_bytes")
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    ESCAPE_FIELD_NUMBER: _ClassVar[int]
    HAS_HEADER_FIELD_NUMBER: _ClassVar[int]
    SKIP_LINES_FIELD_NUMBER: _ClassVar[int]
    COMMENT_PREFIX_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    file_path: str
    delimiter: str
    encoding: str
    limit: int
    quote: str
    escape: str
    has_header: bool
    skip_lines: int
    comment_prefix: str
    format: str
    compression: str
    sheet: str
    sample_bytes: int
    def __init__(self, file_path: _Optional[str] = ..., delimiter: _Optional[str] = ..., encoding: _Optional[str] = ..., limit: _Optional[int] = ..., quote: _Optional[str] = ..., escape: _Optional[str] = ..., has_header: _Optional[bool] = ..., skip_lines: _Optional[int] = ..., comment_prefix: _Optional[str] = ..., format: _Optional[str] = ..., compression: _Optional[str] = ..., sheet: _Optional[str] = ..., sample_bytes: _Optional[int] = ...) -> None: ...
