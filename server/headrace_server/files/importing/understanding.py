"""Files understood by a sample: what they are, and which columns they fill."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from headrace_server.files.formats import Compression
from headrace_server.files.importing.plain import unpacked
from headrace_server.files.importing.plan import DELIMITED, FilePlan
from headrace_server.files.importing.understanding_objects import understand_objects
from headrace_server.files.importing.understanding_text import understand_text
from headrace_server.files.previewing.request import MOST_RATIO
from headrace_server.files.sniffing.containers import FileFormat, sniff_format
from headrace_server.files.sniffing.encodings import check_encoding
from headrace_server.files.sniffing.samples import take_sample
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions

#: formats that are read as a whole
_WHOLE = frozenset({"xlsx", "parquet"})
#: bytes that such a file may unpack to
_MOST_BYTES = 4 << 30


def understand(path: Path, file_name: str, options: ImportOptions, *, folder: Path) -> FilePlan:
    """Find out how a file is read and which columns it fills. Blocking.

    A packed file that is read as one is unpacked in `folder`. Raises UnsupportedFormatError for
    what is no table, InvalidFieldError for options that do not fit the file, and TooLargeError.
    """
    if options.encoding:
        check_encoding(options.encoding)
    with path.open("rb") as file:
        sample = take_sample(file, path.stat().st_size, options.sample_bytes, _compression(options))
        format_ = (
            _format(options)
            or sniff_format(sample.data, file_name, encoding=options.encoding or None).value.value
        )
        if format_ in DELIMITED:
            return understand_text(file, sample, options)
        if format_ not in _WHOLE:
            return understand_objects(file, sample, options, format_)
        with unpacked(file, sample.compression, folder, MOST_RATIO, _MOST_BYTES) as plain:
            return _understand_whole(format_)(plain, sample.compression, options)


def _understand_whole(
    format_: str,
) -> Callable[[BinaryIO, Compression, ImportOptions], FilePlan]:
    # Their libraries are large: only processes that meet such a file load them.
    if format_ == "xlsx":
        from headrace_server.files.importing.workbooks import (  # noqa: PLC0415
            understand_workbook,
        )

        return understand_workbook
    from headrace_server.files.importing.parquet import understand_parquet  # noqa: PLC0415

    return understand_parquet


def _format(options: ImportOptions) -> str | None:
    known = [each.value for each in FileFormat]
    if options.format and options.format not in known:
        raise InvalidFieldError.of("format", f"must be one of {', '.join(known)}")
    return options.format or None


def _compression(options: ImportOptions) -> Compression | None:
    known = [each.value for each in Compression]
    if options.compression and options.compression not in known:
        raise InvalidFieldError.of("compression", f"must be one of {', '.join(known)}")
    return Compression(options.compression) if options.compression else None
