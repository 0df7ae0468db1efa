"""One preview: the content decides who reads it."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from headrace_server.files.compression import inflate_whole
from headrace_server.files.formats import Compression
from headrace_server.files.previewing.delimited import preview_delimited
from headrace_server.files.previewing.json_text import preview_json
from headrace_server.files.previewing.request import (
    MOST_PLAIN_BYTES,
    MOST_RATIO,
    OpenedFile,
    PreviewRequest,
)
from headrace_server.files.sniffing.containers import FileFormat, sniff_format
from headrace_server.files.sniffing.encodings import check_encoding
from headrace_server.files.sniffing.findings import given
from headrace_server.files.sniffing.samples import Sample
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.preview import Preview


def preview(opened: OpenedFile, request: PreviewRequest, folder: Path) -> Preview:
    """Show what a file is. Blocking; a packed file that is read as one is unpacked in `folder`.

    Raises UnsupportedFormatError, InvalidFieldError and TooLargeError.
    """
    if request.given.encoding:
        check_encoding(request.given.encoding)
    sample = opened.sample(request.sample_bytes, request.compression)
    format_ = (
        given(request.format)
        if request.format
        else sniff_format(sample.data, request.file_name, encoding=request.given.encoding)
    )
    reader = _reader_of_whole(format_.value)
    if reader is None:
        read = preview_json if format_.value in _JSON else preview_delimited
        return read(opened, sample, request, format_)
    if opened.cut:
        raise InvalidFieldError.of(
            "body", f"a file of format {format_.value.value} must come whole"
        )
    if sample.compression is Compression.NONE:
        opened.file.seek(0)
        return reader(opened, opened.file, sample.compression, request)
    with tempfile.TemporaryFile(dir=folder) as plain:
        _unpack(opened, sample, plain)
        return reader(opened, plain, sample.compression, request)


_JSON = {FileFormat.JSON, FileFormat.NDJSON}


def _reader_of_whole(
    format_: FileFormat,
) -> Callable[[OpenedFile, BinaryIO, Compression, PreviewRequest], Preview] | None:
    # Their libraries are large: only a process that meets such a file loads them.
    if format_ is FileFormat.XLSX:
        from headrace_server.files.previewing.xlsx import preview_xlsx  # noqa: PLC0415

        return preview_xlsx
    if format_ is FileFormat.PARQUET:
        from headrace_server.files.previewing.parquet import preview_parquet  # noqa: PLC0415

        return preview_parquet
    return None


def _unpack(opened: OpenedFile, sample: Sample, plain: BinaryIO) -> None:
    opened.file.seek(0)
    inflate_whole(
        opened.file,
        plain,
        sample.compression,
        max_ratio=MOST_RATIO,
        max_bytes=MOST_PLAIN_BYTES,
    )
    plain.seek(0)
