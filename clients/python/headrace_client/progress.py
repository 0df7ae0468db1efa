"""Progress bars of files on their way: uploaded, then loaded."""

from types import TracebackType
from typing import Self

from headrace.v1.ingestion_pb2 import Ingestion
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from headrace_client.client import Client

STYLES: dict[Ingestion.Status, str] = {
    Ingestion.COMPLETED: "green",
    Ingestion.COMPLETED_WITH_ERRORS: "yellow",
    Ingestion.FAILED: "red",
    Ingestion.CANCELLED: "red",
}


def status_text(ingestion: Ingestion) -> str:
    """Return the status as rich markup."""
    name = Ingestion.Status.Name(ingestion.status)
    return f"[{STYLES.get(ingestion.status, 'cyan')}]{name}[/]"


def rows_text(ingestion: Ingestion) -> str:
    """Return the rows loaded, and the rejected and parked ones where there are any."""
    text = f"{ingestion.rows_loaded:,} rows"
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
        self._show(sent, total, "uploading", "", 0.5 * sent / max(total, 1))

    def waiting(self, reason: str) -> None:
        """Show that the file is uploaded and waits."""
        self._show(self.size, self.size, "waiting", reason, 0.5)

    def loading(self, ingestion: Ingestion) -> None:
        """Show a snapshot of the file's ingestion."""
        total = max(ingestion.bytes_total, 1)
        done = total if ingestion.terminal else ingestion.bytes_processed
        text = status_text(ingestion)
        self._show(done, total, text, rows_text(ingestion), 0.5 + 0.5 * done / total)

    def failed(self, message: str) -> None:
        """Show that the file did not get through."""
        self._show(self.size, self.size, "[red]FAILED[/]", escape(message), 1)

    def _show(self, done: int, total: int, status: str, note: str, way: float) -> None:
        self.done = way
        self._bars.show(self._task, done, total, status, note)


class IngestionProgress:
    """Bars of several files and one for all, on a terminal; nothing elsewhere.

        with IngestionProgress(console) as progress:
            row = progress.add("orders.ndjson", size)
            upload = await client.upload(path, on_progress=row.uploading)
            ingestion = await follow(client, upload.request_id, row)

    `total` adds the bar for all files.
    """

    def __init__(self, console: Console, *, total: bool = True) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[status]}"),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._rows: list[Row] = []
        self._total = (
            self._progress.add_task("[bold]total", total=0, status="", note="") if total else None
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
        task = self._progress.add_task(escape(name), total=size, status="queued", note="")
        row = Row(self, task, size)
        self._rows.append(row)
        return row

    def show(self, task: TaskID, done: int, total: int, status: str, note: str) -> None:
        """Redraw one bar, and the one for all. For rows."""
        self._progress.update(task, completed=done, total=total, status=status, note=note)
        if self._total is not None:
            self._progress.update(
                self._total,
                completed=int(sum(row.done * row.size for row in self._rows)),
                total=sum(row.size for row in self._rows),
            )


async def follow(client: Client, request_id: str, row: Row | None = None) -> Ingestion:
    """Watch an ingestion to its end, showing it in `row`. Raises HeadraceError."""
    newest = Ingestion()
    async for newest in client.watch(request_id):
        if row is not None:
            row.loading(newest)
    return newest
