"""The process that writes a file: takes messages from a pipe, answers once."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol, runtime_checkable

from headrace_server.files.disk import on_disk
from headrace_server.files.exporting.messages import (
    FilePlan,
    Finish,
    Message,
    Row,
    Rows,
    TableBegin,
    TableEnd,
    Values,
)
from headrace_server.model.errors import HeadraceError, TooLargeError
from headrace_server.model.export import ExportFormat, Written

#: bytes of a file at most
MOST_FILE_BYTES = 8_000_000_000
#: as parsers: those who wait for an answer go first
_NICENESS = 5


class FileWriter(Protocol):
    """Writes a file of one format. Raises OSError where the disk refuses it."""

    def begin(self, table: TableBegin) -> None:
        """Begin with the rows of a query."""

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows of it."""

    def end(self, end: TableEnd) -> None:
        """Be done with them."""

    def close(self) -> Written:
        """Finish the file."""

    def abandon(self) -> None:
        """Close what is open; the file is of no use."""


@runtime_checkable
class ReportWriter(FileWriter, Protocol):
    """Writes reports besides."""

    def values(self, section: Values) -> None:
        """Take a section of values."""


def write_in_process(plan: FilePlan, pipe: Connection) -> None:
    """Write a file as the main function of a process; it ends with the pipe, whatever is done."""
    # Ctrl-C reaches the whole process group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    serve(plan, pipe)


def serve(plan: FilePlan, pipe: Connection) -> None:
    """Write a file of what comes through a pipe, and send back `Written` or a HeadraceError."""
    answer: Written | HeadraceError
    try:
        with on_disk("writing the export"):
            answer = write(plan, _received(pipe))
    except EOFError:
        return  # whoever asked is gone
    except HeadraceError as error:
        answer = error
    with suppress(BrokenPipeError):
        pipe.send(answer)


def _received(pipe: Connection) -> Iterator[Message]:
    while not isinstance(message := pipe.recv(), Finish):
        yield message


def write(plan: FilePlan, messages: Iterator[Message]) -> Written:
    """Write a file of messages. Raises TooLargeError, InvalidFieldError and OSError."""
    writer = _writer(plan)
    try:
        written = _written(plan, writer, messages)
    except BaseException:
        with suppress(OSError):
            writer.abandon()
        raise
    with plan.path.open("rb") as file:
        os.fsync(file.fileno())
    return written


def _written(plan: FilePlan, writer: FileWriter, messages: Iterator[Message]) -> Written:
    for message in messages:
        match message:
            case Rows(rows):
                writer.add(rows)
                _check_size(plan)
            case TableBegin():
                writer.begin(message)
            case TableEnd():
                writer.end(message)
            case Values() if isinstance(writer, ReportWriter):
                writer.values(message)
    written = writer.close()
    _check_size(plan)
    return written


def _writer(plan: FilePlan) -> FileWriter:
    # Each has a library of its own, which the other formats do without.
    writers: dict[ExportFormat, Callable[[FilePlan], Any]] = {
        ExportFormat.XLSX: _workbook,
        ExportFormat.CSV: _delimited,
        ExportFormat.PARQUET: _parquet,
    }
    writer: FileWriter = writers[plan.output.format](plan)
    return writer


def _workbook(plan: FilePlan) -> FileWriter:
    from headrace_server.files.exporting.workbooks import WorkbookFile  # noqa: PLC0415

    return WorkbookFile(plan)


def _delimited(plan: FilePlan) -> FileWriter:
    from headrace_server.files.exporting.delimited import DelimitedFile  # noqa: PLC0415

    return DelimitedFile(plan)


def _parquet(plan: FilePlan) -> FileWriter:
    from headrace_server.files.exporting.parquet import ParquetFile  # noqa: PLC0415

    return ParquetFile(plan)


def _check_size(plan: FilePlan) -> None:
    if plan.path.exists() and plan.path.stat().st_size > MOST_FILE_BYTES:
        raise TooLargeError(
            f"the file exceeds {MOST_FILE_BYTES} bytes: ask for fewer rows or columns",
            limit=str(MOST_FILE_BYTES),
        )
