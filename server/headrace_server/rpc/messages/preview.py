"""Previews: what is asked, also in a form, and what is shown."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.struct_pb2 import Struct
from headrace.v1 import preview_pb2
from headrace.v1 import preview_service_pb2 as pb

from headrace_server.files.formats import Compression, plain_file_name
from headrace_server.files.previewing.request import SAMPLE_BYTES, PreviewRequest
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.tables import Given
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.preview import Preview

Request = pb.PreviewFileRequest | pb.PreviewPathRequest

_DEFAULT_LIMIT = 100
#: fields of the request that are no options of a form
_NO_OPTIONS = {"body", "total_bytes"}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def with_options(request: pb.PreviewFileRequest, options: Mapping[str, str]) -> None:
    """Put a form's options into the request; empty ones are not given.

    Raises InvalidFieldError for unknown names and values of another type.
    """
    known = [each.name for each in request.DESCRIPTOR.fields if each.name not in _NO_OPTIONS]
    for name, text in options.items():
        if name not in known:
            raise InvalidFieldError.of(
                f"body.{name}", f"is no option; known are {', '.join(sorted(known))}"
            )
        if not text:
            continue
        value = _FLAGS.get(text.lower(), text) if name == "has_header" else text
        try:
            ParseDict({name: value}, request)
        except ParseError as error:
            raise InvalidFieldError.of(name, f"cannot be {text!r}") from error


def preview_request(request: Request, file_name: str) -> PreviewRequest:
    """Read what is asked of a preview."""
    delimiter = "\t" if request.delimiter == "\\t" else request.delimiter
    format_ = FileFormat(request.format) if request.format else None
    if format_ is FileFormat.TSV and not delimiter:
        delimiter = "\t"
    return PreviewRequest(
        plain_file_name(file_name),
        limit=request.limit if request.HasField("limit") else _DEFAULT_LIMIT,
        given=Given(
            encoding=request.encoding or None,
            delimiter=delimiter or None,
            quote=request.quote or None,
            escape=request.escape or None,
            has_header=request.has_header if request.HasField("has_header") else None,
            skip_lines=request.skip_lines if request.HasField("skip_lines") else None,
            comment=request.comment_prefix if request.HasField("comment_prefix") else None,
        ),
        format=format_,
        compression=Compression(request.compression) if request.compression else None,
        sheet=request.sheet or None,
        sample_bytes=request.sample_bytes if request.HasField("sample_bytes") else SAMPLE_BYTES,
    )


def name_of(path: str) -> str:
    """Return the name of the file at a path."""
    return path.rstrip("/").rpartition("/")[2] or path


def preview_message(record: Preview) -> preview_pb2.Preview:
    """Show a preview."""
    names = [column.name for column in record.columns]
    return preview_pb2.Preview(
        file_name=record.file_name,
        file_size_bytes=record.file_size_bytes,
        detected_format=record.format,
        detected_encoding=record.encoding,
        detected_delimiter=record.delimiter,
        columns=names,
        data_types={column.name: column.data_type for column in record.columns},
        preview_data=[_row(names, row) for row in record.rows],
        rows_previewed=len(record.rows),
        estimated_total_rows=record.estimated_total_rows,
        has_header=record.has_header,
        detected_quote=record.quote,
        detected_compression=record.compression or Compression.NONE.value,
        preamble_rows=record.preamble_rows,
        confidence=record.confidence,
        confidences=record.confidences,
        column_details=[
            preview_pb2.Preview.Column(
                name=column.name,
                data_type=column.data_type,
                sql_type=column.sql_type,
                confidence=column.confidence,
                date_format=column.date_format,
                decimal_mark=column.decimal_mark,
            )
            for column in record.columns
        ],
        detected_escape=record.escape,
        line_terminator=record.line_terminator,
        comment_prefix=record.comment,
        rows_are_exact=record.rows_are_exact,
        sample_bytes=record.sample_bytes,
        ragged_rows=record.ragged_rows,
        unreadable_rows=record.unreadable_rows,
        truncated_cells=record.truncated_cells,
        sheet=record.sheet,
        sheets=record.sheets,
    )


def _row(names: list[str], row: tuple[Any, ...]) -> Struct:
    struct = Struct()
    struct.update(dict(zip(names, row, strict=True)))
    return struct
