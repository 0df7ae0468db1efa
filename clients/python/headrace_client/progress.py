"""Progress bars of files on their way: uploaded, then loaded."""

from types import TracebackType
from typing import Self

from headrace.v1.ingestion_pb2 import Ingestion
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from headrace_client.client import Client

#: columns of a terminal from which on a bar shows its time and rows
_WIDE = 110
#: columns of a narrow one that a bar takes beside its name: the longest status, and 10 for the bar
_NARROW_REST = 39

STYLES: dict[Ingestion.Status, str] = {
    Ingestion.COMPLETED: "green",
    Ingestion.COMPLETED_WITH_ERRORS: "yellow",
    Ingestion.FAILED: "red",
    Ingestion.CANCELLED: "red",
}


def count_text(number: int, noun: str) -> str:
    """Return a number with the noun counted, of which there may be one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size_text(size: float) -> str:
    """Return a number of bytes in the unit that fits."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004  # the step of the units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def status_text(ingestion: Ingestion) -> str:
    """Return the status as rich markup."""
    name = Ingestion.Status.Name(ingestion.status)
    return f"[{STYLES.get(ingestion.status, 'cyan')}]{name}[/]"


def done_text(ingestion: Ingestion) -> str:
    """Return the mappings that ended, with the failed ones; of files, the rows."""
    if ingestion.kind != Ingestion.MAPPINGS:
        return rows_text(ingestion)
    text = f"{ingestion.processed_mappings:,} of {ingestion.total_mappings:,} mappings"
    if ingestion.failed_mappings:
        text += f" [red]{ingestion.failed_mappings:,} failed[/]"
    return text


def rows_text(ingestion: Ingestion) -> str:
    """Return the rows loaded, and the rejected and parked ones where there are any."""
    text = count_text(ingestion.rows_loaded, "row")
    if ingestion.rows_rejected:
        text += f" [red]{ingestion.rows_rejected:,} rejected[/]"
    if ingestion.rows_parked:
        text += f" [yellow]{ingestion.rows_parked:,} parked[/]"
    return text


class Row:
    """The bar of one file."""

    def __init__(self, bars: "IngestionProgress", task: TaskID, size: int) -> None:
        self._bars = bars
        self._task = task
        #: bytes of the file
        self.size = size
        #: how much of the way is behind it, 0 to 1; half of it is the upload
        self.done = 0.0

    def uploading(self, sent: int, total: int) -> None:
        """Show bytes sent."""
        note = f"{size_text(sent)} of {size_text(total)}"
        self._show("uploading", note, 0.5 * sent / max(total, 1))

    def waiting(self, reason: str) -> None:
        """Show that the file is uploaded and waits."""
        self._show("waiting", reason, 0.5)

    def loading(self, ingestion: Ingestion) -> None:
        """Show a snapshot of the file's ingestion, or of an import or one made of mappings."""
        if ingestion.kind == Ingestion.MAPPINGS:
            way = ingestion.processed_mappings / max(ingestion.total_mappings, 1)
            self._show(status_text(ingestion), done_text(ingestion), way)
            return
        if ingestion.kind == Ingestion.IMPORT:  # nothing was uploaded
            self._show(status_text(ingestion), rows_text(ingestion), ingestion.progress / 100)
            return
        total = max(ingestion.bytes_total, 1)
        done = total if ingestion.terminal else ingestion.bytes_processed
        self._show(status_text(ingestion), rows_text(ingestion), 0.5 + 0.5 * done / total)

    def failed(self) -> None:
        """Show that the file did not get through, and how far it came."""
        self._show("[red]FAILED[/]", "", self.done)

    def _show(self, status: str, note: str, way: float) -> None:
        self.done = way
        self._bars.show(self._task, way, status, note)


class IngestionProgress:
    """Bars of several files and one for all, on a terminal; nothing elsewhere.

        with IngestionProgress(console) as progress:
            row = progress.add("orders.ndjson", size)
            upload = await client.upload(path, on_progress=row.uploading)
            ingestion = await follow(client, upload.request_id, row)

    `total` adds the bar for all files.
    """

    def __init__(self, console: Console, *, total: bool = True) -> None:
        narrow = console.width < _WIDE
        self._room = console.width - _NARROW_REST if narrow else console.width
        columns: list[ProgressColumn] = [
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=10 if narrow else 24),
            TaskProgressColumn(),
            TextColumn("{task.fields[status]}", table_column=Column(no_wrap=True)),
        ]
        if not narrow:
            columns += [TimeElapsedColumn(), TextColumn("{task.fields[note]}")]
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._rows: list[Row] = []
        self._total = (
            self._progress.add_task("[bold]total", total=1, status="", note="") if total else None
        )

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

    def add(self, name: str, size: int) -> Row:
        """Add the bar of a file of `size` bytes."""
        shown = name if len(name) <= self._room else f"{name[: self._room - 1]}…"
        task = self._progress.add_task(escape(shown), total=1, status="queued", note="")
        row = Row(self, task, size)
        self._rows.append(row)
        return row

    def show(self, task: TaskID, way: float, status: str, note: str) -> None:
        """Redraw one bar, and the one for all. For rows."""
        self._progress.update(task, completed=way, status=status, note=note)
        if self._total is not None:
            way_of_all = sum(row.done * max(row.size, 1) for row in self._rows)
            size_of_all = sum(max(row.size, 1) for row in self._rows)
            self._progress.update(self._total, completed=way_of_all / size_of_all)


async def follow(client: Client, request_id: str, row: Row | None = None) -> Ingestion:
    """Watch an ingestion to its end, showing it in `row`. Raises HeadraceError."""
    newest = Ingestion()
    async for newest in client.watch(request_id):
        if row is not None:
            row.loading(newest)
    return newest
