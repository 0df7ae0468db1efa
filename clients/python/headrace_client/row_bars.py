"""The progress bar of rows on their way."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

#: columns of a terminal from which on a bar shows its time
_WIDE = 80
#: columns of a narrow one that a bar takes beside its name
_NARROW_REST = 45


class RowBar:
    """A bar on a terminal; nothing elsewhere.

    with RowBar(console, "analytics.sales") as bar:
        bar.show("RUNNING", 1_000, 5_000)
    """

    def __init__(self, console: Console, name: str) -> None:
        narrow = console.width < _WIDE
        room = console.width - _NARROW_REST
        shown = name if len(name) <= room else f"{name[: max(room, 2) - 1]}…"
        columns: list[ProgressColumn] = [
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=10 if narrow else 24),
            TextColumn("{task.fields[status]}", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True)),
        ]
        if not narrow:
            columns.append(TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task(escape(shown), total=None, status="", note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, status: str, rows: int, total: int | None) -> None:
        """Show how many rows are done, of how many where that is known; `status` is markup."""
        note = f"{rows:,} rows" if total is None else f"{rows:,} of {total:,} rows"
        # A bar whose end nobody knows moves to and fro.
        completed, whole = (rows, None) if total is None else (min(rows, total), max(total, 1))
        self._progress.update(
            self._task, completed=completed, total=whole, status=status, note=note
        )

    def ended(self, status: str, rows: int) -> None:
        """Show a full bar."""
        self._progress.update(
            self._task, completed=1, total=1, status=status, note=f"{rows:,} rows"
        )
