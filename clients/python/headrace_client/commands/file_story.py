"""How the files of watched folders are shown to people, at rest and on their way."""

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from types import TracebackType
from typing import Self

from headrace.v1.storage_pb2 import StoredFile
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from headrace_client.commands.output import Output, when
from headrace_client.progress import count_text, size_text

_STYLES: dict[StoredFile.Status, str] = {
    StoredFile.IMPORTED: "green",
    StoredFile.IMPORTED_WITH_ERRORS: "yellow",
    StoredFile.FAILED: "red",
    StoredFile.IGNORED: "dim",
    StoredFile.GONE: "dim",
}
_ON_THEIR_WAY = {StoredFile.DETECTED, StoredFile.PENDING, StoredFile.IMPORTING}
_LOADED = {StoredFile.IMPORTED, StoredFile.IMPORTED_WITH_ERRORS}
#: columns of the longest status
_LONGEST = max(map(len, StoredFile.Status.keys()))
#: files on their way that are shown at once
_SHOWN = 10


def show_list(files: Sequence[StoredFile], output: Output) -> None:
    """Print files as a table, and what went wrong with them."""
    rows = [
        (
            escape(file.file_path),
            _status(file),
            f"{file.rows_imported:,}" if file.import_id else "-",
            size_text(file.size_bytes),
            when(file, "modified_at"),
            file.import_id or "-",
        )
        for file in files
    ]
    columns = ("file", "status", ">rows", ">size", "written", "import")
    output.table(columns, rows, markup=True, spare=("written", ">size", "import"))
    for file in files:
        if file.HasField("error"):
            output.line(f"[red]{escape(f'{file.file_path}: {_error(file)}')}[/]")


class FileStory:
    """The files that a watch tells of: a line for each change, and a table of those on their way.

        with FileStory(output) as story:
            async for files in client.watch_files():
                story.tell(files, now)

    The table is drawn on a terminal only; with --json a line is a document.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._files: dict[tuple[str, str], StoredFile] = {}
        #: since when each stands as it does, on the monotonic clock
        self._since: dict[tuple[str, str], float] = {}
        self._live: AbstractContextManager[object] = (
            Live(get_renderable=self._table, console=output.console, transient=True)
            if output.for_people
            else nullcontext()
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, traceback)

    def tell(self, files: Iterable[StoredFile], at: datetime) -> None:
        """Print what changed, at a local time."""
        for file in files:
            key = (file.watch_id, file.file_path)
            self._files[key] = file
            self._since[key] = time.monotonic()
            if self._output.json:
                self._output.document(file)
            else:
                self._output.line(f"{at:%H:%M:%S} {self._line(file)}")

    @property
    def settled(self) -> bool:
        """Whether files were told of, and none is on its way."""
        return bool(self._files) and not any(map(_moves, self._files.values()))

    @property
    def statuses(self) -> set[StoredFile.Status]:
        """How the files stand."""
        return {file.status for file in self._files.values()}

    def _line(self, file: StoredFile) -> str:
        padding = " " * (_LONGEST - len(StoredFile.Status.Name(file.status)))
        words = f"{_status(file)}{padding} {escape(file.file_path)}"
        if file.status in _LOADED:
            words += f"  {count_text(file.rows_imported, 'row')}"
        if file.HasField("error"):
            words += f"  [red]{escape(_error(file))}[/]"
        if file.status == StoredFile.IMPORTED_WITH_ERRORS:
            words += f"  ({self._output.command(f'rejects {file.import_id}')})"
        return words

    def _table(self) -> Table:
        """Draw the files on their way, those first that began first."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("on its way", "status", "size", "for"):
            table.add_column(column, no_wrap=True)
        moving = [key for key, file in self._files.items() if _moves(file)]
        for key in sorted(moving, key=self._since.__getitem__)[:_SHOWN]:
            file = self._files[key]
            table.add_row(
                escape(file.file_path),
                _status(file),
                size_text(file.size_bytes),
                f"{time.monotonic() - self._since[key]:.0f} s",
            )
        if len(moving) > _SHOWN:
            table.add_row(f"and {len(moving) - _SHOWN:,} more")
        return table


def _moves(file: StoredFile) -> bool:
    return file.status in _ON_THEIR_WAY


def _error(file: StoredFile) -> str:
    return " ".join(file.error.split())


def _status(file: StoredFile) -> str:
    return f"[{_STYLES.get(file.status, 'cyan')}]{StoredFile.Status.Name(file.status)}[/]"
